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

/** What the compiler writes into every part for others: which slots a use of it fills, for parts of before Svelte 5; which
 *  nodes are text, for pages that a server drew. None here asks. */
function plain(): Plugin {
  const unasked = (code: string) => code.replace(/,\s*\$\$slots: \{[^}]*\}/g, '').replace(/(\$\.(?:only_child|child|sibling|first_child)\((?:[^()]|\([^()]*\))*?)(?:, 1)?, true\)/g, '$1)');
  return {
    name: 'lading-plain',
    apply: 'build',
    transform: (code, id) => (id.endsWith('.svelte') ? { code: unasked(code), map: null } : null),
  };
}

const constants = (names: string[], value: string) => names.map((name) => `export const ${name} = ${value};\n`).join('');
const nothing = '() => {}';

/** Modules of Svelte's runtime for what no part here has: pages that a server drew, `await` in templates, boundaries
 *  for errors, code of before Svelte 5. By their paths, with all that the rest of the runtime asks of them. */
const unneeded: Record<string, string> = {
  'client/dom/hydration.js':
    constants(['hydrating'], 'false') +
    constants(['hydrate_node'], 'null') +
    constants(['hydrate_next', 'hydrate_template', 'next', 'read_hydration_instruction', 'reset', 'set_hydrate_node', 'set_hydrating', 'skip_nodes'], nothing),
  'client/reactivity/async.js':
    "import { derived } from './deriveds.js';\nexport const flatten = (blockers, sync, async, done) => done(sync.map(derived));\n" +
    constants(['capture', 'for_await_track_reactivity_loss', 'increment_pending', 'run', 'run_after_blockers', 'save', 'track_reactivity_loss', 'unsave', 'unset_context', 'wait'], nothing),
  'client/dom/blocks/boundary.js':
    "import { branch } from '../../reactivity/effects.js';\nexport const boundary = (anchor, props, children) => branch(() => children(anchor));\n" + constants(['pending'], nothing),
  'flags/index.js': constants(['async_mode_flag', 'legacy_mode_flag', 'tracing_mode_flag'], 'false'),
};

function clientOnly(): Plugin {
  return {
    name: 'lading-client-only',
    apply: 'build',
    transform(_code, id) {
      const code = unneeded[id.split('/svelte/src/internal/')[1] ?? ''];
      return code === undefined ? null : { code, map: null };
    },
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
  plugins: [svelte(), plain(), clientOnly(), licences(), compressed()],
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
