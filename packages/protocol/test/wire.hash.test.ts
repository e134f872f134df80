import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { z } from 'zod';
import * as approval from '../src/approval.ts';
import * as command from '../src/command.ts';
import * as error from '../src/error.ts';
import * as exported from '../src/export.ts';
import * as fact from '../src/fact.ts';
import * as limitUse from '../src/limit-use.ts';
import * as presence from '../src/presence.ts';
import * as recording from '../src/recording.ts';
import * as rest from '../src/rest.ts';
import * as retention from '../src/retention.ts';
import * as rule from '../src/rule.ts';
import * as runner from '../src/runner.ts';
import * as screen from '../src/screen.ts';
import * as session from '../src/session.ts';
import * as sessionState from '../src/session-state.ts';
import * as socket from '../src/socket.ts';
import * as upload from '../src/upload.ts';
import { protocolVersion } from '../src/version.ts';
import * as workspace from '../src/workspace.ts';

/** Change it together with the schema, after asking: can an old page, runner or script misread this? If so, raise protocolVersion. */
const recorded = { version: 2, hash: '995a3d34afc88248' };

function shapeOf(value: unknown): unknown {
  if (value instanceof z.ZodType) return z.toJSONSchema(value, { unrepresentable: 'any', io: 'input' });
  if (value !== null && typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, shapeOf(item)]));
  }
  return typeof value === 'function' ? 'function' : value;
}

it('WIRE2: the shape of every message is the recorded one', () => {
  const modules = {
    approval,
    command,
    error,
    exported,
    fact,
    limitUse,
    presence,
    recording,
    rest,
    retention,
    rule,
    runner,
    screen,
    session,
    sessionState,
    socket,
    upload,
    workspace,
  };
  const hash = createHash('sha256')
    .update(JSON.stringify(shapeOf(modules)))
    .digest('hex')
    .slice(0, 16);
  expect({ version: protocolVersion, hash }).toEqual(recorded);
});
