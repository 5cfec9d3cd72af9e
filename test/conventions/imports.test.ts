/** Which part may know which other part. */
import { basename } from 'node:path';
import { describe, expect, test } from 'vitest';
import { wiredHooks } from '../../src/claude/settings.ts';
import { codeOf, importsOf, read, sourcesIn, withoutStrings } from './sources.ts';

interface Rule {
  readonly of: string;
  /** What its files may import, by the beginning of the path. */
  readonly may: readonly string[];
  /** What they may import for its types only. */
  readonly types?: readonly string[];
}

const rules: Rule[] = [
  { of: 'src/core', may: ['src/core/', 'tiny-invariant'] },
  { of: 'src/flows', may: ['src/core/', 'src/flows/', 'src/messages/model.ts'] },
  { of: 'src/stores', may: ['src/core/', 'src/io/', 'src/stores/', 'node:', 'tiny-invariant', 'js-yaml'] },
  { of: 'src/io', may: ['src/core/', 'src/io/', 'node:', 'execa'], types: ['src/flows/session.ts'] },
  { of: 'src/config', may: ['src/core/', 'src/config/', 'src/io/', 'node:', 'cosmiconfig'] },
  {
    of: 'src/messages',
    may: ['src/core/', 'src/messages/'],
    types: [
      'src/claude/',
      'src/flows/',
      'src/io/',
      'src/stores/',
      'src/config/',
      'src/doctor/',
      'install/',
      'picocolors',
    ],
  },
  {
    of: 'src/claude',
    may: ['src/core/', 'src/claude/', 'src/io/', 'src/compose.ts', 'src/messages/old-node.ts', 'node:'],
    types: ['src/flows/session.ts', 'src/flows/steady.ts'],
  },
  {
    of: 'install',
    may: [
      'install/',
      'src/core/',
      'src/io/',
      'src/claude/judge-settings.ts',
      'src/claude/read-settings.ts',
      'src/claude/servers.ts',
      'src/claude/settings-in-play.ts',
      'src/claude/settings.ts',
      'src/messages/install.ts',
      'node:',
      'nanoid',
      'jsonc-parser',
      'tiny-invariant',
    ],
    types: ['src/claude/payload.ts'],
  },
  {
    of: 'src/mcp',
    may: [
      'src/core/',
      'src/flows/',
      'node:stream',
      'src/mcp/',
      'src/messages/mcp.ts',
      'src/claude/identity.ts',
      'src/compose.ts',
      '@modelcontextprotocol/server',
      '@modelcontextprotocol/server/stdio',
    ],
  },
  { of: 'hooks', may: ['src/claude/', 'src/flows/'] },
];

describe.each(rules)('$of', ({ of, may, types = [] }) => {
  test('imports only what it may', () => {
    const files = sourcesIn(of);
    expect(files.length).toBeGreaterThan(0);
    const within = (list: readonly string[], from: string): boolean =>
      list.some((start) => (/[/:]$/.test(start) ? from.startsWith(start) : from === start));
    const wrong = files.flatMap((file) =>
      importsOf(file)
        .filter(({ from, typeOnly }) => !within(may, from) && !(typeOnly && within(types, from)))
        .map(({ from, typeOnly }) => `${file} imports ${from}${typeOnly ? ' (types)' : ''}`),
    );
    expect(wrong).toEqual([]);
  });
});

const everySource = ['src', 'install', 'hooks'].flatMap(sourcesIn);

test('the imports are really read', () => {
  expect(importsOf('src/flows/join.ts').map(({ from }) => from)).toContain('src/core/member.ts');
  expect(importsOf('src/flows/orient.ts')).toContainEqual({
    from: 'src/flows/inherit.ts',
    typeOnly: false,
    dynamic: true,
  });
  expect(importsOf('src/core/store.ts')).toContainEqual({
    from: 'src/core/member.ts',
    typeOnly: true,
    dynamic: false,
  });
});

test('nothing imports hooks, tests or what was built', () => {
  const wrong = everySource.flatMap((file) =>
    importsOf(file)
      .filter(({ from }) => /^(?:hooks|test|dist|scripts)\//.test(from) || from.startsWith('../'))
      .map(({ from }) => `${file} imports ${from}`),
  );
  expect(wrong).toEqual([]);
});

test('files are named with their extension, builtins with node:', () => {
  const wrong = everySource.flatMap((file) =>
    importsOf(file)
      .filter(({ from }) =>
        from.includes('/') && /^(?:src|install|hooks)\//.test(from) ? !from.endsWith('.ts') : false,
      )
      .map(({ from }) => `${file} imports ${from}`),
  );
  expect(wrong).toEqual([]);
});

describe('the core is pure', () => {
  const impure: [what: string, pattern: RegExp][] = [
    ['a clock', /\bDate\.now\b|\bnew Date\(\s*\)|(?<![.\w])Date\(\)|\bperformance\b|\bhrtime\b/],
    ['the environment', /(?<![.\w"])process\.(?!pid\b|start\b|domain\b)|\bglobalThis\b|\bimport\.meta\b/],
    ['chance', /\bMath\.random\b|\bcrypto\b/],
    ['timers or the net', /\b(?:setTimeout|setInterval|setImmediate|queueMicrotask|fetch)\(/],
    ['the terminal', /\bconsole\b/],
    ['other modules at run time', /\brequire\(|\bimport\(/],
  ];
  test.each(sourcesIn('src/core'))('%s', (file) => {
    const code = withoutStrings(codeOf(file));
    for (const [what, pattern] of impure) expect([what, code.match(pattern)?.[0]]).toEqual([what, undefined]);
    for (const { from } of importsOf(file)) expect(from).not.toMatch(/^node:/);
  });
});

test('the flows have no clock, no environment and no terminal of their own', () => {
  const wrong = sourcesIn('src/flows').flatMap((file) => {
    const code = withoutStrings(codeOf(file));
    const met = code.match(/\bDate\.now\b|\bnew Date\(\s*\)|(?<![.\w"])process\.env\b|\bconsole\b/);
    return met ? [`${file}: ${met[0]}`] : [];
  });
  expect(wrong).toEqual([]);
});

describe('an entry is one call', () => {
  test('there is one for every event that is wired, and no other', () => {
    expect(sourcesIn('hooks').map((file) => basename(file, '.ts'))).toEqual(
      wiredHooks.map(({ file }) => file.replace(/\.cjs$/, '')).sort(),
    );
  });

  test.each(wiredHooks)('$file', ({ event, file }) => {
    const text = read(`hooks/${file.replace(/\.cjs$/, '.ts')}`);
    const body = text.replace(/^(?:\/\/.*|\/\*[\s\S]*?\*\/|import [^;]*;|)\n/gm, '').trim();
    const call = body.match(/^runHook\('(\w+)', \(session, payload\) => \w+\(session[^;{}]*\)\);$/);
    expect([body, call?.[1]]).toEqual([body, event]);
  });
});
