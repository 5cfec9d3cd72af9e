import { execFileSync } from 'node:child_process';
import { mkdirSync, realpathSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isWorktreeOf, locateScope, readHead } from '../../src/io/scope.ts';
import { git, repository, scratch, write } from '../support/scratch.ts';

/** What git itself says, as absolute real paths. */
function accordingToGit(directory: string): { commonDir: string; worktree: string; gitDir: string } {
  const ask = (...args: string[]): string =>
    realpathSync(git(directory, 'rev-parse', '--path-format=absolute', ...args));
  return { commonDir: ask('--git-common-dir'), worktree: ask('--show-toplevel'), gitDir: ask('--git-dir') };
}

function expectAsGit(directory: string): ReturnType<typeof locateScope> {
  const scope = locateScope(directory);
  const { commonDir, worktree, gitDir } = accordingToGit(directory);
  expect({ commonDir: scope.commonDir, worktree: scope.worktree, gitDir: scope.gitDir }).toEqual({
    commonDir,
    worktree,
    gitDir,
  });
  return scope;
}

describe('finds what git finds', () => {
  test('in the main work tree and its subdirectories', () => {
    const root = repository(join(scratch(), 'my shop'));
    mkdirSync(join(root, 'a', 'b'), { recursive: true });
    const top = expectAsGit(root);
    expect(top.root).toBe(root);
    expect(expectAsGit(join(root, 'a', 'b'))).toEqual(top);
  });

  test('in a linked work tree: another work tree of the same scope', () => {
    const base = scratch();
    const root = repository(join(base, 'shop'));
    git(root, 'worktree', 'add', '-q', '-b', 'docs', join(base, 'shop docs'));
    mkdirSync(join(base, 'shop docs', 'deep'));
    const main = expectAsGit(root);
    const linked = expectAsGit(join(base, 'shop docs', 'deep'));
    expect(linked.key).toBe(main.key);
    expect(linked.root).toBe(root);
    expect(linked.worktree).toBe(join(base, 'shop docs'));
  });

  test('in a submodule: a scope of its own', () => {
    const base = scratch();
    const root = repository(join(base, 'shop'));
    repository(join(base, 'library'));
    git(
      root,
      '-c',
      'protocol.file.allow=always',
      'submodule',
      '--quiet',
      'add',
      join(base, 'library'),
      'lib',
    );
    const module = expectAsGit(join(root, 'lib'));
    expect(module.key).not.toBe(locateScope(root).key);
  });

  test('in the work trees of a bare repository: one scope', () => {
    const base = scratch();
    git(base, 'clone', '-q', '--bare', repository(join(base, 'seed')), 'shop.git');
    const bare = join(base, 'shop.git');
    git(bare, 'worktree', 'add', '-q', join(base, 'one'), 'main');
    git(bare, 'worktree', 'add', '-q', '-b', 'two', join(base, 'two'));
    const one = expectAsGit(join(base, 'one'));
    expect(one.root).toBe(bare);
    expect(expectAsGit(join(base, 'two')).key).toBe(one.key);
  });

  test('in a bare repository kept in a hidden folder, with a .git file that names it', () => {
    const base = scratch();
    const home = join(base, 'shop');
    mkdirSync(home);
    git(home, 'clone', '-q', '--bare', repository(join(base, 'seed')), '.bare');
    writeFileSync(join(home, '.git'), 'gitdir: ./.bare\n');
    git(home, 'worktree', 'add', '-q', 'main');
    const linked = expectAsGit(join(home, 'main'));
    expect(locateScope(home).commonDir).toBe(linked.commonDir);
    expect(locateScope(home).key).toBe(linked.key);
  });

  test('with a separate git directory', () => {
    const base = scratch();
    mkdirSync(join(base, 'shop'));
    git(join(base, 'shop'), 'init', '-q', '--separate-git-dir', join(base, 'elsewhere'));
    expectAsGit(join(base, 'shop'));
  });

  test('through a symbolic link to the work tree', () => {
    const base = scratch();
    const root = repository(join(base, 'shop'));
    symlinkSync(root, join(base, 'link'));
    expect(locateScope(join(base, 'link'))).toEqual(locateScope(root));
  });

  test('a repository inside a repository is its own', () => {
    const root = repository(join(scratch(), 'shop'));
    const inner = repository(join(root, 'vendor', 'tool'));
    expectAsGit(inner);
    expect(locateScope(inner).key).not.toBe(locateScope(root).key);
  });
});

describe('outside git', () => {
  test('the directory itself is the scope', () => {
    const base = scratch();
    mkdirSync(join(base, 'a'));
    const scope = locateScope(join(base, 'a'));
    expect(scope).toMatchObject({
      root: join(base, 'a'),
      commonDir: null,
      gitDir: null,
      worktree: join(base, 'a'),
    });
    expect(locateScope(base).key).not.toBe(scope.key);
    expect(readHead(scope)).toEqual({ branch: '', commit: '' });
  });

  test.each<[string, (root: string) => void]>([
    ['a .git file with garbage', (root) => write(join(root, '.git'), '\u0000\u0001garbage')],
    ['an empty .git file', (root) => write(join(root, '.git'), '')],
    ['a .git file that names nothing', (root) => write(join(root, '.git'), 'gitdir: \n')],
    [
      'a .git file that names a folder that is gone',
      (root) => write(join(root, '.git'), `gitdir: ${root}/gone/.git/worktrees/x\n`),
    ],
    [
      'a .git file that names a folder that is no git directory',
      (root) => {
        mkdirSync(join(root, 'other'));
        write(join(root, '.git'), 'gitdir: other\n');
      },
    ],
    ['an empty .git folder', (root) => mkdirSync(join(root, '.git'))],
    ['a .git link that leads nowhere', (root) => symlinkSync(join(root, 'gone'), join(root, '.git'))],
    ['a .git link to itself', (root) => symlinkSync('.git', join(root, '.git'))],
    ['a huge .git file', (root) => write(join(root, '.git'), 'x'.repeat(1 << 20))],
  ])('%s makes no repository', (_what, make) => {
    const root = join(scratch(), 'shop');
    mkdirSync(root);
    make(root);
    expect(locateScope(root)).toMatchObject({ root, commonDir: null, gitDir: null });
  });

  test('a directory that is gone keeps the scope it would have', () => {
    const root = repository(join(scratch(), 'shop'));
    mkdirSync(join(root, 'gone'));
    rmSync(join(root, 'gone'), { recursive: true });
    expect(locateScope(join(root, 'gone')).commonDir).toBe(join(root, '.git'));
  });
});

test('a directory that somebody named counts only inside the repository', () => {
  const base = scratch();
  const root = repository(join(base, 'shop'));
  const other = repository(join(base, 'other'));
  git(root, 'worktree', 'add', '-q', join(base, 'linked'));
  const scope = locateScope(root);
  expect([root, join(base, 'linked')].map((path) => isWorktreeOf(scope, path))).toEqual([true, true]);
  expect([other, base, '', '/'].map((path) => isWorktreeOf(scope, path))).toEqual([
    false,
    false,
    false,
    false,
  ]);
  expect(isWorktreeOf(locateScope(base), base)).toBe(false);
});

test('a key is a plain file name, different for different places of the same name', () => {
  const base = scratch();
  const keys = ['one', 'two'].map((name) => locateScope(repository(join(base, name, 'shop'))).key);
  for (const key of keys) expect(key).toMatch(/^shop-[a-z0-9]+$/);
  expect(new Set(keys).size).toBe(2);
  expect(locateScope('/').key).toMatch(/^[A-Za-z0-9._-]+$/);
});

test('any path gives a scope, never an exception', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string({ unit: 'binary' }),
        fc.constantFrom('', '\0', '../../..', '/x\0y', 'x'.repeat(10_000), `/${'a/'.repeat(3000)}`),
      ),
      (path) => {
        expect(basename(locateScope(path).key)).toMatch(/^[A-Za-z0-9._-]+$/);
      },
    ),
    { numRuns: 200 },
  );
});

describe('branch and commit', () => {
  test.each<[string, (root: string) => void]>([
    ['on a branch', () => {}],
    ['on a branch with slashes', (root) => void git(root, 'checkout', '-q', '-b', 'feature/ünï/x')],
    ['with packed refs', (root) => void git(root, 'pack-refs', '--all')],
  ])('%s, as git says', (_what, make) => {
    const root = repository(join(scratch(), 'shop'));
    make(root);
    expect(readHead(locateScope(root))).toEqual({
      branch: git(root, 'symbolic-ref', '--short', 'HEAD'),
      commit: git(root, 'rev-parse', 'HEAD'),
    });
  });

  test('detached', () => {
    const root = repository(join(scratch(), 'shop'));
    git(root, 'checkout', '-q', '--detach');
    expect(readHead(locateScope(root))).toEqual({
      branch: '(detached)',
      commit: git(root, 'rev-parse', 'HEAD'),
    });
  });

  test('before the first commit', () => {
    const root = join(scratch(), 'shop');
    mkdirSync(root);
    git(root, 'init', '-q', '-b', 'trunk');
    expect(readHead(locateScope(root))).toEqual({ branch: 'trunk', commit: '' });
  });

  test('of a linked work tree are its own', () => {
    const base = scratch();
    const root = repository(join(base, 'shop'));
    git(root, 'worktree', 'add', '-q', '-b', 'docs', join(base, 'docs'));
    write(join(base, 'docs', 'a'), 'x');
    git(join(base, 'docs'), 'add', '.');
    git(join(base, 'docs'), 'commit', '-q', '-m', 'a');
    expect(readHead(locateScope(join(base, 'docs')))).toEqual({
      branch: 'docs',
      commit: git(root, 'rev-parse', 'docs'),
    });
    expect(readHead(locateScope(root)).branch).toBe('main');
  });

  test('a HEAD with garbage says nothing that is not there', () => {
    const root = repository(join(scratch(), 'shop'));
    write(join(root, '.git', 'HEAD'), 'ref: ../../etc/passwd\n');
    expect(readHead(locateScope(root)).branch).not.toContain('passwd');
  });
});

describe('what lies below .git and is no file of git', () => {
  const strange: readonly [string, (path: string) => void][] = [
    ['a FIFO', (path) => void execFileSync('mkfifo', [path])],
    ['a link to a device without an end', (path) => symlinkSync('/dev/zero', path)],
    ['a directory', (path) => void mkdirSync(path)],
    ['a file of 100 MB', (path) => truncateSync(write(path, 'ref: refs/heads/main\n'), 100 << 20)],
    ['a link to nowhere', (path) => symlinkSync('/nonexistent/x', path)],
    ['a link to itself', (path) => symlinkSync(path, path)],
  ];

  test.each(strange)('is not waited for, nor read: %s', (_what, make) => {
    for (const name of ['HEAD', 'refs/heads/main', 'packed-refs', 'commondir']) {
      const root = repository(join(scratch(), 'shop'));
      const path = join(root, '.git', name);
      rmSync(path, { recursive: true, force: true });
      make(path);
      expect(readHead(locateScope(root)).commit).toMatch(/^(?:[0-9a-f]{40})?$/);
    }
    const root = realpathSync(scratch());
    make(join(root, '.git'));
    expect(locateScope(root)).toMatchObject({ worktree: root, gitDir: null });
  });

  test('a repository that keeps its refs in tables has no branch by the name of that', () => {
    const root = repository(join(scratch(), 'shop'));
    write(join(root, '.git', 'HEAD'), 'ref: refs/heads/.invalid\n');
    expect(readHead(locateScope(root))).toEqual({ branch: '', commit: '' });
  });
});
