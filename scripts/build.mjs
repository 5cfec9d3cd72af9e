/**
 * Builds what ships.
 *
 *   dist/hooks/gate.sh        answers what is steady without starting Node
 *   dist/hooks/<event>.cjs    one file per client event: runs its body from the code cache
 *   dist/hooks/body/*.cjs     the hooks themselves, CommonJS because it starts faster than ESM
 *   dist/hooks/lazy/*.cjs     what a hook loads only when it needs it: every `import()` below hooks/ ends up here
 *   dist/cli.mjs              what is called as the command: runs it, unless Node is too old
 *   dist/command.mjs          the command
 *   dist/mcp.mjs              the MCP server: what the command loads for `mcp`, and what is installed
 *   dist/meta.json            what went into each file, for the tests that hold sizes and imports
 */
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
// Built beside and moved into place, so that whoever runs the product meanwhile never meets half of it.
const dist = join(root, 'dist');
const fresh = `dist.${process.pid}.tmp`;

const shared = {
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  target: 'node20',
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'none',
  metafile: true,
  // The ESM flavour of a package bundles; some UMD flavours do not.
  mainFields: ['module', 'main'],
  // tiny-invariant drops its messages in production.
  define: { 'process.env.NODE_ENV': '"development"', __VERSION__: JSON.stringify(version) },
  // cosmiconfig can load TypeScript; only data formats are ever read here.
  external: ['typescript'],
};

/** Turns `import('./x.ts')` into a `require` of a file of its own, since esbuild splits ESM only. */
const lazyParts = new Map();
/** Programs that hooks start, not load; they lie beside the lazy parts. */
lazyParts.set('git-sync', join(root, 'src/stores/git/git-sync.ts'));
const lazyFrom = (prefix, inline = []) => ({
  name: 'lazy',
  setup({ onResolve }) {
    onResolve({ filter: /^\.{1,2}\/.*\.ts$/ }, ({ kind, path, resolveDir }) => {
      if (kind !== 'dynamic-import') return undefined;
      const name = basename(path, '.ts');
      if (inline.includes(name)) return undefined;
      lazyParts.set(name, resolve(resolveDir, path));
      return { path: `${prefix}${name}.cjs`, external: true };
    });
    // Two parts need it, and it is a tenth of what a repository carries.
    onResolve({ filter: /^js-yaml$/ }, ({ kind }) => {
      if (kind === 'entry-point') return undefined;
      lazyParts.set('js-yaml', 'js-yaml');
      return { path: `${prefix}js-yaml.cjs`, external: true };
    });
    // These cannot wait for an import, and are too large for every hook.
    onResolve({ filter: /\/(?:secrets|inert)\.ts$/ }, ({ kind, path, resolveDir }) => {
      if (kind === 'entry-point') return undefined;
      const name = basename(path, '.ts');
      lazyParts.set(name, resolve(resolveDir, path));
      return { path: `${prefix}${name}.cjs`, external: true };
    });
  },
});

/**
 * esbuild wraps every builtin that is imported as a whole for ESM semantics, by copying each of its properties, again for every
 * file that imports it: four milliseconds of a hook. Here it is loaded at its first use, and nothing is copied. Nor is Node asked
 * again by every file. The names are short because they are installed many times.
 */
const builtin = 'const __m={},__n=m=>__m[m]??=require(m),__d=m=>({get default(){return __n(m)}});';
const lightBuiltins = (code) =>
  code
    .replace(/[\w$]+\(require\("((?:node:)?[a-z_/]+)"\)(?:, ?1)?\)/g, '__d("$1")')
    .replace(/\brequire\("((?:node:)?[a-z_/]+)"\)/g, '__n("$1")')
    .replace(
      /\brequire\("(\.\/(?:lazy\/)?(?:secrets|inert)\.cjs)"\)/g,
      'new Proxy({},{get:(_,k)=>require("$1")[k]})',
    );

// What is installed lies in other people's repositories: first in each file is what keeps their linters away.
const builtFile = [
  '/* eslint-disable -- a built file of flowloom-hooks: do not edit */',
  '/* oxlint-disable */',
].join('\n');
// What is installed is committed into repositories and compiled at every start: as small as it can be.
const hookOptions = {
  ...shared,
  minifyIdentifiers: true,
  format: 'cjs',
  outExtension: { '.js': '.cjs' },
  banner: { js: `${builtFile}\n${builtin}` },
  supported: { 'dynamic-import': false },
};
/** A body is one function, as the first lines of the hook run it. */
const bodyOptions = {
  ...hookOptions,
  banner: { js: `${builtFile}\n(function (require, __dirname, __compiled) {${builtin}` },
  footer: { js: '})' },
};

/** The first lines of a hook are read by whatever Node is first on the PATH; it has to get as far as to see that it is too old. */
const bootOptions = {
  ...hookOptions,
  target: 'node6',
  // esbuild cannot lower these, and Node 6 knows them but for rare cases.
  supported: { ...hookOptions.supported, destructuring: true, 'for-of': true },
  banner: {
    js: `${builtFile}\nvar __m={};function __n(m){return __m[m]||(__m[m]=require(m))}function __d(m){return{get default(){return __n(m)}}}`,
  },
};

const inputs = {};
const run = async (options) => {
  const { metafile, outputFiles } = await build({ ...options, write: false });
  for (const { path, text } of outputFiles) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(
      path,
      options.format === 'cjs' ? lightBuiltins(text) : text,
      path.endsWith('.mjs') ? { mode: 0o755 } : {},
    );
  }
  for (const [file, output] of Object.entries(metafile.outputs)) {
    inputs[file.replace(fresh, 'dist')] = {
      bytes: output.bytes,
      inputs: Object.keys(output.inputs),
      imports: output.imports.map(({ path }) => path),
    };
  }
};

const sources = readdirSync(join(root, 'hooks'));
const hookNames = sources.filter((name) => name.endsWith('.ts')).map((name) => basename(name, '.ts'));
// What a hook often loads belongs to its body and to its code cache: a session start settles, inherits and asks git what its predecessor
// has changed, and hot hooks that come through a gate prepare the next answer.
const inlined = {
  'session-start': ['settle', 'inherit', 'git'],
  'user-prompt-submit': ['steady'],
  'post-tool-batch': ['steady'],
};
for (const name of hookNames)
  await run({
    ...bodyOptions,
    entryPoints: [join('hooks', `${name}.ts`)],
    outdir: `${fresh}/hooks/body`,
    plugins: [lazyFrom('./lazy/', inlined[name])],
  });
for (const name of hookNames)
  await run({
    ...bootOptions,
    entryPoints: [{ in: 'src/claude/boot.ts', out: name }],
    define: { ...shared.define, __HOOK__: JSON.stringify(name) },
    outdir: `${fresh}/hooks`,
  });
copyFileSync(join(root, 'hooks', 'gate.sh'), join(root, fresh, 'hooks', 'gate.sh'));
const built = new Set();
while (lazyParts.size > built.size) {
  const next = [...lazyParts].filter(([name]) => !built.has(name));
  for (const [name] of next) built.add(name);
  await run({
    ...hookOptions,
    entryPoints: next.map(([name, path]) => ({ in: path, out: name })),
    outdir: `${fresh}/hooks/lazy`,
    plugins: [lazyFrom('./')],
  });
}
const moduleOptions = {
  ...shared,
  format: 'esm',
  outdir: fresh,
  outExtension: { '.js': '.mjs' },
  banner: {
    js: `#!/usr/bin/env node\n${builtFile}\nimport { createRequire as __createRequire } from 'node:module';\nconst require = __createRequire(import.meta.url);`,
  },
};
/** The server is a file that stands alone, so the command does not hold it too. */
const serverApart = {
  name: 'server-apart',
  setup({ onResolve }) {
    onResolve({ filter: /\/mcp\/main\.ts$/ }, () => ({ path: './mcp.mjs', external: true }));
  },
};
/** A Node that is too old must not meet it. */
const commandApart = {
  name: 'command-apart',
  setup({ onResolve }) {
    onResolve({ filter: /\/main\.ts$/ }, ({ kind }) =>
      kind === 'entry-point' ? undefined : { path: './command.mjs', external: true },
    );
  },
};
/** It is a seventh of the command, and lies beside it anyway. */
const yamlApart = {
  name: 'yaml-apart',
  setup({ onResolve }) {
    onResolve({ filter: /^js-yaml$/ }, () => ({ path: './hooks/lazy/js-yaml.cjs', external: true }));
  },
};
await run({
  ...moduleOptions,
  entryPoints: { cli: 'src/cli/outer.ts' },
  minifyIdentifiers: true,
  target: 'node12.20',
  banner: { js: `#!/usr/bin/env node\n${builtFile}` },
  plugins: [commandApart],
});
// Both are committed into repositories like the hooks, so as small as they can be.
await run({
  ...moduleOptions,
  entryPoints: { command: 'src/cli/main.ts' },
  minifyIdentifiers: true,
  plugins: [serverApart, yamlApart],
});
await run({ ...moduleOptions, entryPoints: { mcp: 'src/mcp/main.ts' }, minifyIdentifiers: true });

/** The licences of everything that was bundled, as they ask for. */
const packages = new Set(
  Object.values(inputs).flatMap(({ inputs: files }) =>
    files.flatMap((file) => file.match(/^(?:.*\/)?node_modules\/((?:@[^/]+\/)?[^/]+)/)?.[0] ?? []),
  ),
);
const notices = [...packages].sort().map((directory) => {
  const {
    name,
    version: of,
    license,
  } = JSON.parse(readFileSync(join(root, directory, 'package.json'), 'utf8'));
  const file = readdirSync(join(root, directory)).find((entry) => /^licen[cs]e/i.test(entry));
  const text = file ? readFileSync(join(root, directory, file), 'utf8').trim() : `Licence: ${license}`;
  return `${name} ${of}\n\n${text}\n`;
});
// No package, but the beginnings of tokens are from its rules.
const vendorPrefixes = readFileSync(join(root, 'src', 'core', 'secrets', 'vendor-prefixes.ts'), 'utf8');
notices.push(
  `gitleaks ${vendorPrefixes.match(/gitleaks (\d+\.\d+\.\d+)/)[1]}\n\n${readFileSync(join(root, 'scripts', 'licences', 'gitleaks.txt'), 'utf8').trim()}\n`,
);
writeFileSync(join(root, fresh, 'THIRD-PARTY-LICENSES.txt'), notices.join(`\n${'-'.repeat(72)}\n\n`));
writeFileSync(join(root, fresh, 'meta.json'), `${JSON.stringify(inputs, null, 1)}\n`);

const old = join(root, `${fresh}.old`);
if (existsSync(dist)) renameSync(dist, old);
renameSync(join(root, fresh), dist);
rmSync(old, { recursive: true, force: true });
