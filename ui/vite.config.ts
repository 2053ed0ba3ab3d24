import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';
import type { Plugin } from 'vite';

const built = '../src/lading/fronts/rest_api/web';

/** Every asset gets a compressed twin, so that the server never compresses while somebody waits. */
function compressed(): Plugin {
  return {
    name: 'lading-compressed',
    apply: 'build',
    writeBundle({ dir = built }) {
      const assets = join(dir, 'assets');
      for (const name of readdirSync(assets)) {
        const path = join(assets, name);
        if (/\.(js|css|svg)$/.test(name) && statSync(path).size > 512) {
          writeFileSync(`${path}.gz`, gzipSync(readFileSync(path), { level: 9 }));
        }
      }
    },
  };
}

/** Each use of a part tells which of a part's slots it fills, for parts of before Svelte 5; none here asks. */
function slotless(): Plugin {
  return {
    name: 'lading-slotless',
    apply: 'build',
    transform: (code, id) => (id.endsWith('.svelte') ? { code: code.replace(/,\s*\$\$slots: \{[^}]*\}/g, ''), map: null } : null),
  };
}

/** The licences of everything that others wrote and that is in the bundle, in one file beside the page. */
function licences(): Plugin {
  return {
    name: 'lading-licences',
    apply: 'build',
    generateBundle(_options, bundle) {
      const modules = Object.values(bundle).flatMap((part) => (part.type === 'chunk' ? part.moduleIds : []));
      const names = new Set(modules.map((id) => /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(id)?.[1]).filter((name) => name !== undefined));
      const texts = [...names].sort().map((name) => {
        const folder = join(import.meta.dirname, 'node_modules', name);
        const { version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version: string; license: string };
        const file = readdirSync(folder).find((each) => /^licen[cs]e(\.|$)/i.test(each));
        if (file === undefined) this.error(`${name} is in the bundle and has no licence text`);
        return `${name} ${version} (${license})\n\n${readFileSync(join(folder, file), 'utf8').trim()}\n`;
      });
      this.emitFile({ type: 'asset', fileName: 'licences.txt', source: texts.join('\n――――\n\n') });
    },
  };
}

export default defineConfig({
  plugins: [svelte(), slotless(), licences(), compressed()],
  base: './',
  build: {
    outDir: built,
    emptyOutDir: true,
    target: 'es2022',
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    rolldownOptions: { optimization: { inlineConst: { mode: 'all' } } },
  },
  server: { proxy: { '/api': 'http://127.0.0.1:3000', '/login': 'http://127.0.0.1:3000', '/logout': 'http://127.0.0.1:3000' } },
  test: { include: ['src/**/*.test.ts'] },
});
