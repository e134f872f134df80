/** The demo agent as a program: ACP on stdin and stdout. HOLDFAST_DEMO_STATE: the folder it remembers in. */
import { homedir } from 'node:os';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { ndJsonStream } from '@agentclientprotocol/sdk';
import { createDemoAgent } from './agent.ts';
import { DemoMemory } from './memory.ts';

const directory = process.env['HOLDFAST_DEMO_STATE'] ?? join(homedir(), '.holdfast-demo');
const input = Readable.toWeb(process.stdin) as ReadableStream<Uint8Array>;
const output = Writable.toWeb(process.stdout);
const app = createDemoAgent({ memory: new DemoMemory(directory), pace: { piece: 15, word: 60 } });
await app.connect(ndJsonStream(output, input)).closed;
process.exit(0);
