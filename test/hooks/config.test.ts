/** Configuration as a hook meets it: data only, and nothing in a repository is ever executed. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { write } from '../support/scratch.ts';
import { logLines } from '../support/state.ts';
import { world } from '../support/world.ts';

const roles = 'roles:\n  master: bakes the bread.\n';
const asJson = JSON.stringify({ roles: { master: 'bakes the bread.' } });

describe('is read from', () => {
  test.each<[string, string]>([
    ['package.json', JSON.stringify({ name: 'shop', flowloom: { roles: { master: 'bakes the bread.' } } })],
    ['.flowloomrc', asJson],
    ['.flowloomrc', roles],
    ['.flowloomrc.json', asJson],
    ['.flowloomrc.yaml', roles],
    ['.flowloomrc.yml', roles],
    ['flowloom.config.json', asJson],
    ['.config/flowloomrc', roles],
    ['.config/flowloomrc.json', asJson],
    ['.config/flowloomrc.yaml', roles],
    ['.config/flowloomrc.yml', roles],
  ])('%s', async (name, content) => {
    const { session, root, state } = world();
    write(join(root, name), content);
    expect((await session().start()).context).toContain('says of a master: "bakes the bread."');
    expect(logLines(state)).toEqual([]);
  });

  test('the top of the work tree, also when the session started below it', async () => {
    const { session, root } = world();
    write(join(root, '.flowloomrc'), roles);
    write(join(root, 'api', 'x'), 'x');
    expect((await session({ cwd: join(root, 'api') }).start()).context).toContain('bakes the bread');
  });

  test('not from above the repository', async () => {
    const { session, base } = world();
    write(join(base, '.flowloomrc'), roles);
    expect((await session().start()).context).not.toContain('bakes');
  });

  test('a package.json of somebody else has none', async () => {
    const { session, root, state } = world();
    write(join(root, 'package.json'), '{"name":"shop","dependencies":{"flowloom":"1"}}');
    expect((await session().start()).context).toMatch(/^You are master/);
    expect(logLines(state)).toEqual([]);
  });
});

describe('nothing in a repository is executed', () => {
  const evil = (marker: string): string =>
    `require('node:fs').writeFileSync(${JSON.stringify(marker)}, 'executed');`;
  const evilModule = (marker: string): string =>
    `import fs from 'node:fs'; fs.writeFileSync(${JSON.stringify(marker)}, 'executed'); export default {};`;

  test.each<[string, (marker: string) => Record<string, string>]>([
    [
      'a script that is a config file elsewhere',
      (marker) => ({
        'flowloom.config.js': evil(marker),
        'flowloom.config.cjs': evil(marker),
        '.flowloomrc.js': evil(marker),
        '.flowloomrc.cjs': evil(marker),
        '.config/flowloomrc.js': evil(marker),
      }),
    ],
    [
      'a script imported by a data file',
      (marker) => ({ '.flowloomrc.json': '{"$import":"./evil.cjs"}', 'evil.cjs': evil(marker) }),
    ],
    [
      'a script imported by YAML',
      (marker) => ({ '.flowloomrc': '$import: [./evil.js]\n', 'evil.js': evil(marker) }),
    ],
    [
      'a script imported by package.json',
      (marker) => ({ 'package.json': '{"flowloom":{"$import":"./evil.cjs"}}', 'evil.cjs': evil(marker) }),
    ],
    [
      'a configuration of the configuration reader (cjs)',
      (marker) => ({ '.flowloomrc': roles, '.config/config.cjs': evil(marker) }),
    ],
    [
      'a configuration of the configuration reader (js)',
      (marker) => ({ '.flowloomrc': roles, '.config/config.js': evil(marker) }),
    ],
    [
      'a configuration of the configuration reader (mjs)',
      (marker) => ({ '.flowloomrc': roles, '.config/config.mjs': evilModule(marker) }),
    ],
    [
      'a configuration of the configuration reader (ts)',
      (marker) => ({ '.flowloomrc': roles, '.config/config.ts': evil(marker) }),
    ],
    [
      'a reader of its own for TypeScript',
      (marker) => ({
        '.flowloomrc': roles,
        'node_modules/typescript/index.js': evil(marker),
        '.config/config.ts': 'export default {}',
      }),
    ],
    [
      'JavaScript inside YAML',
      (marker) => ({ '.flowloomrc.yaml': `roles: !!js/function "function(){${evil(marker)}}"\n` }),
    ],
    [
      'packages named like what the hooks use',
      (marker) => ({
        '.flowloomrc': roles,
        'node_modules/tiny-invariant/index.js': evil(marker),
        'node_modules/cosmiconfig/index.js': evil(marker),
      }),
    ],
  ])('%s', async (_what, files) => {
    const { session, root, base } = world();
    const marker = join(base, 'executed');
    for (const [name, content] of Object.entries(files(marker))) write(join(root, name), content);
    const one = session();
    const fired = [await one.start(), await one.prompt(), await one.stop(), await one.end()];
    for (const { code } of fired) expect(code).toBe(0);
    expect(fired[0]!.context).toMatch(/^You are master/);
    expect(existsSync(marker)).toBe(false);
  });

  test('a config file that imports another one outside the repository does not get it', async () => {
    const { session, root, base } = world();
    write(join(base, 'outside.json'), asJson);
    write(join(root, '.flowloomrc.json'), '{"$import":"../outside.json"}');
    expect((await session().start()).context).not.toContain('bakes the bread');
  });
});

describe('a bad one gives the defaults and one line in the log', () => {
  test.each<[string, string, string | Buffer]>([
    ['no JSON', '.flowloomrc.json', '{"roles":'],
    ['no YAML', '.flowloomrc.yaml', 'roles: [unclosed\n\t- x'],
    ['binary', '.flowloomrc', Buffer.from([0, 1, 2, 255, 254])],
    ['a list', '.flowloomrc.json', '[1,2,3]'],
    ['a text', '.flowloomrc.yaml', 'just a text'],
    ['an unknown key', '.flowloomrc.json', '{"stroe":"file"}'],
    ['a bad value', '.flowloomrc.json', '{"roles":{"master":5}}'],
    [
      'a YAML bomb',
      '.flowloomrc.yaml',
      `a: &a [x,x,x,x,x,x,x,x,x]\n${'bcdefghij'
        .split('')
        .map((name, n) => `${name}: &${name} [${Array(9).fill(`*${'abcdefghij'[n]}`).join(',')}]`)
        .join('\n')}\n`,
    ],
    [
      'polluting',
      '.flowloomrc.json',
      '{"__proto__":{"prompt":"on-change"},"constructor":{"prototype":{"x":1}}}',
    ],
  ])('%s', async (_what, name, content) => {
    const { session, root, base } = world();
    write(join(root, name), content);
    const one = session();
    const started = await one.start();
    expect([started.code, started.signal]).toEqual([0, null]);
    expect(started.context).toMatch(/^You are master.*plans and splits the work/s);
    expect((await one.prompt()).context).toMatch(/^You are master/);
    expect(logLines(base)).toHaveLength(1);
  });

  test('an empty one is no mistake', async () => {
    const { session, root, base } = world();
    write(join(root, '.flowloomrc'), '');
    expect((await session().start()).context).toMatch(/^You are master/);
    expect(logLines(base)).toEqual([]);
  });
});
