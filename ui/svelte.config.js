import { readdirSync } from 'node:fs';
import { vitePreprocess } from '@sveltejs/vite-plugin-svelte';

/** Class names of scoped styles are in every template: the shortest that tell the files apart, the same in every build. */
const files = readdirSync(new URL('src', import.meta.url), { recursive: true }).filter((path) => path.endsWith('.svelte')).sort();
const cssHash = ({ filename }) => `s${files.findIndex((path) => filename.endsWith(`src/${path}`)).toString(36)}`;

/** As in JSX, a line break between two tags is no space: where words would touch, the space is written. */
const unbroken = {
  markup({ content }) {
    const [from, to] = [content.lastIndexOf('</script>') + 1, content.indexOf('<style>')];
    const [script, template, style] = [content.slice(0, from), content.slice(from, to < 0 ? undefined : to), to < 0 ? '' : content.slice(to)];
    return { code: script + template.replace(/([>}])\n\s*(?=[<{])/g, '$1') + style };
  },
};

// Templates as trees are some kilobytes smaller than as text.
export default { preprocess: [unbroken, vitePreprocess()], compilerOptions: { runes: true, cssHash, discloseVersion: false, fragments: 'tree' } };
