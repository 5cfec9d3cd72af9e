import { execFileSync } from 'node:child_process';
import { mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseStatus } from '../../src/core/git-facts.ts';
import { gitFacts } from '../../src/io/git.ts';
import { git, repository, scratch, write } from '../support/scratch.ts';

/** The exact command of the product, untrimmed, without the environment of this machine. */
const status = (directory: string): string =>
  execFileSync(
    'git',
    ['status', '--porcelain=v2', '--branch', '--no-ahead-behind', '-z', '--untracked-files=normal'],
    {
      cwd: directory,
      encoding: 'utf8',
      env: {
        PATH: process.env.PATH,
        HOME: '/nonexistent',
        GIT_CONFIG_NOSYSTEM: '1',
        GIT_CONFIG_GLOBAL: '/dev/null',
      },
    },
  );

const facts = (directory: string) => parseStatus(status(directory));

describe('what real git says', () => {
  test('a clean repository', () => {
    const root = repository(join(scratch(), 'shop'));
    expect(facts(root)).toEqual({
      branch: 'main',
      head: git(root, 'rev-parse', 'HEAD'),
      dirty: [],
      staged: [],
    });
  });

  test('before the first commit', () => {
    const root = join(scratch(), 'shop');
    mkdirSync(root);
    git(root, 'init', '-q', '-b', 'trunk');
    write(join(root, 'a'), 'x');
    git(root, 'add', 'a');
    expect(facts(root)).toEqual({ branch: 'trunk', head: '', dirty: [], staged: ['a'] });
  });

  test('detached', () => {
    const root = repository(join(scratch(), 'shop'));
    git(root, 'checkout', '-q', '--detach');
    expect(facts(root).branch).toBe('(detached)');
  });

  test('with an upstream, ahead and behind', () => {
    const base = scratch();
    const root = repository(join(base, 'shop'));
    git(base, 'clone', '-q', root, 'clone');
    write(join(base, 'clone', 'a'), 'x');
    git(join(base, 'clone'), 'add', 'a');
    git(join(base, 'clone'), 'commit', '-q', '-m', 'a');
    expect(facts(join(base, 'clone'))).toMatchObject({ branch: 'main', dirty: [], staged: [] });
  });

  test.each<[string, string]>([
    ['a plain name', 'plain.txt'],
    ['spaces', 'a b  c.txt'],
    ['leading and trailing spaces', ' x .txt '],
    ['unicode', 'Übergrößenträger-日本-😀.txt'],
    ['a newline', 'two\nlines.txt'],
    ['quotes', 'say "hi".txt'],
    ['a tab', 'a\tb.txt'],
    ['an arrow', 'old -> new.txt'],
    ['a hash and a question mark', '# branch.head ?.txt'],
    ['a name like an entry', '1 M. N... 100644.txt'],
  ])('%s, through untracked, staged, changed and renamed', (_what, name) => {
    const root = repository(join(scratch(), 'shop'));
    write(join(root, name), 'one\ntwo\nthree\n');
    expect(facts(root)).toMatchObject({ dirty: [name], staged: [] });
    git(root, 'add', '--', name);
    expect(facts(root)).toMatchObject({ dirty: [], staged: [name] });
    write(join(root, name), 'one\ntwo\nfour\n');
    expect(facts(root)).toMatchObject({ dirty: [name], staged: [name] });
    git(root, 'add', '--', name);
    git(root, 'commit', '-q', '-m', 'x');
    renameSync(join(root, name), join(root, `new ${name}`));
    git(root, 'add', '-A');
    expect(facts(root)).toMatchObject({ dirty: [], staged: [`new ${name}`] });
    write(join(root, `new ${name}`), 'one\ntwo\nthree\nfour\n');
    expect(facts(root)).toMatchObject({ dirty: [`new ${name}`], staged: [`new ${name}`] });
  });

  test('deleted, in the index and in the work tree', () => {
    const root = repository(join(scratch(), 'shop'));
    for (const name of ['a', 'b']) write(join(root, name), name);
    git(root, 'add', '.');
    git(root, 'commit', '-q', '-m', 'x');
    git(root, 'rm', '-q', 'a');
    rmSync(join(root, 'b'));
    expect(facts(root)).toMatchObject({ dirty: ['b'], staged: ['a'] });
  });

  test('a conflict counts as both', () => {
    const root = repository(join(scratch(), 'shop'));
    git(root, 'checkout', '-q', '-b', 'other');
    write(join(root, 'in conflict.txt'), 'theirs\n');
    git(root, 'add', '.');
    git(root, 'commit', '-q', '-m', 'theirs');
    git(root, 'checkout', '-q', 'main');
    write(join(root, 'in conflict.txt'), 'ours\n');
    git(root, 'add', '.');
    git(root, 'commit', '-q', '-m', 'ours');
    expect(() => git(root, 'merge', 'other')).toThrow();
    expect(facts(root)).toMatchObject({
      branch: 'main',
      dirty: ['in conflict.txt'],
      staged: ['in conflict.txt'],
    });
  });

  test('everything at once, and an untracked directory is one entry', () => {
    const root = repository(join(scratch(), 'shop'));
    for (const name of ['a', 'b', 'c']) write(join(root, name), `${name}\n`.repeat(20));
    git(root, 'add', '.');
    git(root, 'commit', '-q', '-m', 'x');
    git(root, 'mv', 'a', 'moved');
    write(join(root, 'b'), 'changed');
    write(join(root, 'c'), 'staged');
    git(root, 'add', 'c');
    write(join(root, 'new', 'x'), 'x');
    write(join(root, 'new', 'y'), 'y');
    const { dirty, staged } = facts(root);
    expect([...(dirty ?? [])].sort()).toEqual(['b', 'new/']);
    expect([...(staged ?? [])].sort()).toEqual(['c', 'moved']);
  });
});

test('any output is read or skipped, never thrown at', () => {
  const entry = fc.oneof(
    fc.string(),
    fc.constantFrom(
      '1',
      '1 ',
      '1 M',
      '2 R. N...',
      'u UU',
      'u',
      '? ',
      '# branch.head ',
      '# branch.oid (initial)',
      '! x',
      '',
    ),
    fc.tuple(fc.constantFrom('1 ', '2 ', 'u '), fc.string({ unit: 'binary' })).map((parts) => parts.join('')),
  );
  fc.assert(
    fc.property(fc.array(entry), (entries) => {
      const read = parseStatus(entries.join('\0'));
      for (const path of [...(read.dirty ?? []), ...(read.staged ?? [])]) expect(typeof path).toBe('string');
    }),
    { numRuns: 1000 },
  );
});

describe('asking git', () => {
  test('a work tree', () => {
    const root = repository(join(scratch(), 'shop'));
    write(join(root, 'a'), 'x');
    expect(gitFacts(root, 60_000)).toEqual({
      branch: 'main',
      head: git(root, 'rev-parse', 'HEAD'),
      dirty: ['a'],
      staged: [],
    });
  });

  test('no repository, and no directory', () => {
    const base = scratch();
    expect(gitFacts(base, 60_000)).toBeNull();
    expect(gitFacts(join(base, 'gone'), 60_000)).toBeNull();
  });

  test('leaves no lock and does not refresh the index', () => {
    const root = repository(join(scratch(), 'shop'));
    const before = execFileSync('stat', ['-c', '%Y %i %s', join(root, '.git', 'index')], {
      encoding: 'utf8',
    });
    gitFacts(root, 60_000);
    expect(execFileSync('stat', ['-c', '%Y %i %s', join(root, '.git', 'index')], { encoding: 'utf8' })).toBe(
      before,
    );
  });
});
