import adapter from '@sveltejs/adapter-static';
import { sveltekit } from '@sveltejs/kit/vite';
import { defineConfig } from 'vite';

export default defineConfig({
  plugins: [
    sveltekit({
      // One page for every address; the server hands it out and does the rest.
      adapter: adapter({ pages: 'build', assets: 'build', fallback: 'index.html', precompress: true }),
      compilerOptions: { runes: true },
    }),
  ],
  build: { target: 'es2024' },
});
