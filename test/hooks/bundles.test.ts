/** What the built hooks may weigh and need: every hook is a Node start that somebody waits for. */

import { execFileSync } from 'node:child_process';
import { cpSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { bundles, hookNames, hooksFolder } from '../support/built.ts';
import { scratch, write } from '../support/scratch.ts';
import { world } from '../support/world.ts';

const root = join(import.meta.dirname, '..', '..');

test('there is one hook per file in hooks/, and no other', () => {
  const sources = readdirSync(join(root, 'hooks'))
    .filter((name) => name !== 'gate.sh')
    .map((name) => name.replace(/\.ts$/, ''));
  expect(sources.sort()).toEqual([...hookNames].sort());
  const built = readdirSync(hooksFolder).filter((name) => name.endsWith('.cjs'));
  expect(built.map((name) => name.replace(/\.cjs$/, '')).sort()).toEqual([...hookNames].sort());
});

/** What Node has loaded anyway, or nearly so. */
const cheap = ['fs', 'path', 'os', 'module', 'vm'];

describe.each(hookNames.flatMap((name) => [`${name}.cjs`, `body/${name}.cjs`]))('%s', (file) => {
  const facts = bundles[`dist/hooks/${file}`]!;

  test('is smaller than 80 kB', () => {
    expect(statSync(join(hooksFolder, file)).size).toBeLessThan(80 * 1024);
    expect(facts.bytes).toBeLessThan(80 * 1024);
  });

  test('holds none of the heavy packages', () => {
    const packages = new Set(
      facts.inputs.flatMap((input) => input.match(/node_modules\/((?:@[^/]+\/)?[^/]+)/)?.[1] ?? []),
    );
    expect([...packages].filter((one) => one !== 'tiny-invariant')).toEqual([]);
  });

  test('loads nothing at its start but what Node has loaded anyway', () => {
    const external = facts.imports
      .map((path) => path.replace(/^node:/, ''))
      .filter((path) => !path.startsWith('./lazy/'));
    expect([...new Set(external)].filter((path) => !cheap.includes(path))).toEqual([]);
    const text = readFileSync(join(hooksFolder, file), 'utf8');
    for (const [, path] of text.matchAll(/(?:^|[^.\w])(?:require|__n|__d)\("([^"]+)"\)/g))
      if (!path!.startsWith('./lazy/')) expect(cheap).toContain(path!.replace(/^node:/, ''));
  });
});

test('no hook loads more of Node while it runs, not even to ask git', async () => {
  const folder = scratch('loaded');
  const list = join(folder, 'list');
  // Hooks leave by `reallyExit`, before any event.
  const spy = write(
    join(folder, 'spy.cjs'),
    `const { reallyExit } = process;
     process.reallyExit = (code) => {
       require('node:fs').appendFileSync(${JSON.stringify(list)}, JSON.stringify(process.moduleLoadList) + '\\n');
       reallyExit.call(process, code);
     };`,
  );
  const env = { NODE_OPTIONS: `--require=${spy}` };
  execFileSync(process.execPath, [write(join(folder, 'bare.cjs'), 'process.reallyExit(0);')], { env });
  const { session } = world();
  const [one, two] = [session(), session()];
  await one.start('startup', { env });
  await one.prompt('hello', { env });
  await one.tools(undefined, { env });
  await one.compacted('All of it.', { env });
  await one.stop('Done.', { env });
  expect((await two.start('startup', { env })).context).toContain('## Git (as this is read)');
  await two.prompt('on', { env });
  await two.end(undefined, { env });
  const [bare, ...runs] = readFileSync(list, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as string[]);
  expect(runs).toHaveLength(8);
  for (const loaded of runs) {
    const more = loaded.filter((name) => /^NativeModule \w+$/.test(name) && !bare!.includes(name));
    expect(more.filter((name) => !cheap.includes(name.split(' ')[1]!))).toEqual([]);
  }
});

test('every lazy part that is named is there, and needs nothing but builtins and other parts', () => {
  const lazy = Object.keys(bundles).filter((path) => path.startsWith('dist/hooks/lazy/'));
  expect(lazy.length).toBeGreaterThan(0);
  const named = hookNames.flatMap((name) =>
    bundles[`dist/hooks/body/${name}.cjs`]!.imports.filter((path) => path.startsWith('./lazy/')),
  );
  for (const path of named)
    expect(readdirSync(join(hooksFolder, 'lazy'))).toContain(path.replace('./lazy/', ''));
  for (const path of lazy)
    for (const needed of bundles[path]!.imports)
      if (!needed.startsWith('./'))
        expect([...builtinModules, 'typescript']).toContain(needed.replace(/^node:/, ''));
});

test('a copy of the folder anywhere works on its own', async () => {
  const { session } = world();
  const home = join(scratch('copy of hooks'), 'flowloom', 'hooks');
  cpSync(hooksFolder, home, { recursive: true });
  const one = session();
  for (const name of hookNames) {
    const fired = await one.fire(name, {
      through: ['/bin/sh', '-c', `exec "$0" "${join(home, `${name}.cjs`)}"`],
    });
    expect([name, fired.code, fired.stderr]).toEqual([name, 0, '']);
  }
});
