import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import adapterStatic from '@sveltejs/adapter-static';
import { type Adapter } from '@sveltejs/kit';
import { sveltekit } from '@sveltejs/kit/vite';
import { defineConfig } from 'vite';

const output = 'build';

/**
 * One page for every address, then its starting script moved into a file: a server that is still running when the page
 * is built anew serves the new one under `script-src 'self'`, without having to know a hash of it.
 */
function adapter(): Adapter {
  const inner = adapterStatic({ pages: output, assets: output, fallback: 'index.html' });
  return {
    name: inner.name,
    async adapt(builder) {
      await inner.adapt(builder);
      const page = join(output, 'index.html');
      const html = await readFile(page, 'utf8');
      const [element, script] = /<script>([\s\S]*?)<\/script>/.exec(html) ?? [];
      if (element === undefined || script === undefined) throw new Error(`${page} has no starting script`);
      const name = `start.${createHash('sha256').update(script).digest('hex').slice(0, 8)}.js`;
      await writeFile(join(output, '_app/immutable', name), script);
      await writeFile(
        page,
        html.replace(element, () => `<script src="/_app/immutable/${name}"></script>`),
      );
      await builder.compress(output);
    },
  };
}

export default defineConfig({
  plugins: [sveltekit({ adapter: adapter(), compilerOptions: { runes: true } })],
  build: { target: 'es2024' },
});
