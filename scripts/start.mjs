// npm start: builds the page if it changed, then becomes the server. Plain JavaScript: an old Node must get this far.
import { enableCompileCache } from 'node:module';

const needed = 24;

if (Number(process.versions.node.split('.')[0]) < needed) {
  process.stderr.write(
    `Holdfast runs on Node ${needed}, this is ${process.versions.node}. npm brings the right one: run npm install, then npm start.\n`,
  );
  process.exit(1);
}
enableCompileCache();
const { buildWeb } = await import('./build-web.mjs');
try {
  buildWeb((line) => process.stdout.write(`${line}\n`));
} catch (error) {
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
}
const { main } = await import('../packages/cli/src/bin.ts');
process.exitCode = await main(['serve', ...process.argv.slice(2)]);
