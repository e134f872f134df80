/**
 * The keyword model as a process of its own, so that it outlives a server that a test kills:
 *   node packages/testkit/src/model/main.ts --port 0
 * prints {"url": "…"} on one line and serves until it is ended.
 */
import { parseArgs } from 'node:util';
import { keywordScript } from './keyword-script.ts';
import { startScriptedModel } from './scripted-model.ts';

const { values } = parseArgs({ options: { port: { type: 'string', default: '0' } } });
const model = await startScriptedModel({ script: keywordScript, port: Number(values.port) });
process.stdout.write(`${JSON.stringify({ url: model.url })}\n`);
