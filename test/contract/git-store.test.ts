import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { defaults } from '../../src/core/config.ts';
import type { Store } from '../../src/core/store.ts';
import { locateScope } from '../../src/io/scope.ts';
import { openStore } from '../../src/stores/open.ts';
import { gitStoreAt } from '../support/git-store-at.ts';
import { bundled, run } from '../support/other-process.ts';
import { program } from '../support/program.ts';
import { birth, presence } from '../support/records.ts';
import { contentsBelow, filesBelow, git, repository, scratch, write } from '../support/scratch.ts';
import { type StoreKit, storeContract } from './store-contract.ts';

const module = join(import.meta.dirname, '..', 'support', 'git-store-at.ts');
const coordOf = (place: string): string => join(place, 'coord.git');
const seqName = (seq: number): string => `refs/flowloom/seq/${String(seq).padStart(12, '0')}`;

type What = { seq: number; id: string; note: string };
const birthRef = (place: string, { seq }: What): string => join(coordOf(place), seqName(seq));
const presenceRef = (place: string, { id }: What): string =>
  join(coordOf(place), 'refs/flowloom/members', id);
const noteRef = (place: string, { note }: What): string =>
  join(coordOf(place), 'refs/flowloom/handoffs', note);
/** The file of the object that this ref names. */
const objectFile = (place: string, ref: string): string => {
  const oid = readFileSync(ref, 'utf8').trim();
  return join(coordOf(place), 'objects', oid.slice(0, 2), oid.slice(2));
};

type Spoil = (place: string, what: What) => void;
const spoilt =
  (of: typeof birthRef, make: (path: string) => void): Spoil =>
  (place, what) => {
    rmSync(of(place, what), { recursive: true, force: true });
    make(of(place, what));
  };
const spoiltObject =
  (of: typeof birthRef, spoil: (path: string) => void): Spoil =>
  (place, what) =>
    spoil(objectFile(place, of(place, what)));
/** Points the ref to an object of another program. */
const foreign =
  (of: typeof birthRef): Spoil =>
  (place, what) => {
    const tree = git(coordOf(place), 'hash-object', '-t', 'tree', '-w', '/dev/null');
    const commit = git(coordOf(place), 'commit-tree', '-m', 'theirs\n\n{"version":1}', tree);
    writeFileSync(of(place, what), `${commit}\n`);
  };

const empty = (path: string): void => writeFileSync(path, '');
const garbage = (path: string): void => writeFileSync(path, Buffer.from([0, 255, 123, 1]));
const fifo = (path: string): void => void execFileSync('mkfifo', [path]);
const link = (path: string): void => symlinkSync('/etc/hostname', path);
const huge = (path: string): void => {
  writeFileSync(path, '{');
  truncateSync(path, 100 << 20);
};
const half = (path: string): void => truncateSync(path, Math.floor(statSync(path).size / 2));
const flipped = (path: string): void => {
  const bytes = readFileSync(path);
  const middle = Math.floor(bytes.length / 2);
  bytes[middle] = bytes[middle]! ^ 0xff;
  writeFileSync(path, bytes);
};
const old = (path: string, ageMs = 60_000): void =>
  utimesSync(path, new Date(Date.now() - ageMs), new Date(Date.now() - ageMs));

const kit: StoreKit = {
  open: gitStoreAt,
  capabilities: { exclusive: true, keeps: true, forgets: true },
  holds(place, id) {
    const repo = coordOf(place);
    if (filesBelow(repo).some((file) => file.includes(id))) return true;
    const all = git(repo, 'cat-file', '--batch-all-objects', '--batch-check=%(objectname)').split('\n');
    return all.filter(Boolean).some((oid) => git(repo, 'cat-file', '-p', oid).includes(id));
  },
  module,
  factory: 'gitStoreAt',
  damage: {
    'an empty ref of a birth, as a power cut leaves it': spoilt(birthRef, empty),
    'garbage for the ref of a birth': spoilt(birthRef, garbage),
    'a ref of a birth to nothing': spoilt(birthRef, (path) => writeFileSync(path, `${'1'.repeat(40)}\n`)),
    'a FIFO for the ref of a birth': spoilt(birthRef, fifo),
    'a directory for the ref of a birth': spoilt(birthRef, mkdirSync),
    'a symbolic link for the ref of a birth': spoilt(birthRef, link),
    'a ref of a birth of 100 MB': spoilt(birthRef, huge),
    'a commit of another program for a birth': foreign(birthRef),
    'half an object of a birth': spoiltObject(birthRef, half),
    'an empty object of a birth': spoiltObject(birthRef, empty),
    'a flipped bit in the object of a birth': spoiltObject(birthRef, flipped),
    'no object of a birth': spoiltObject(birthRef, rmSync),
    'an object of a birth of 100 MB': spoiltObject(birthRef, huge),
    'an empty ref of a presence': spoilt(presenceRef, empty),
    'a FIFO for the ref of a presence': spoilt(presenceRef, fifo),
    'a commit of another program for a presence': foreign(presenceRef),
    'half an object of a presence': spoiltObject(presenceRef, half),
    'no object of a presence': spoiltObject(presenceRef, rmSync),
    'an empty ref of a note': spoilt(noteRef, empty),
    'a directory for the ref of a note': spoilt(noteRef, mkdirSync),
    'garbage for the object of a note': spoiltObject(noteRef, garbage),
  },
  litter(place) {
    const repo = coordOf(place);
    for (const name of [
      'notes.txt',
      'refs/flowloom/seq/7',
      'refs/flowloom/seq/README',
      'refs/flowloom/seq/00000000000x',
      'refs/flowloom/seq/0000000000010',
      'refs/flowloom/handoffs/mine',
      'refs/heads/theirs',
      'objects/info/theirs',
    ])
      write(join(repo, name), 'not ours');
  },
  leftovers(place) {
    const names = [
      'refs/flowloom/seq/000000000099.lock',
      'refs/flowloom/members/a.lock',
      'objects/ab/tmp_obj_x7Yz',
      'objects/pack/tmp_pack_x7Yz',
      'packed-refs.lock',
      '../coord.git.12-ab.tmp',
      '../sync.lock.12-ab-cd-0.tmp',
    ];
    for (const name of names) old(write(join(coordOf(place), name), 'half'));
    return names.length;
  },
};

storeContract('git', kit);

/** A place with a store that has records of every kind. */
async function filled(): Promise<{ place: string; repo: string; store: Store }> {
  const place = scratch('git-store');
  const store = gitStoreAt(place);
  for (const id of ['a', 'b', 'c']) {
    const seq = await store.join(birth(id), 0);
    await store.announce(id, presence({ name: id }));
    await store.putHandoff(`${String(seq).padStart(6, '0')}-${id}`, `note of ${id}\n`);
  }
  return { place, repo: coordOf(place), store };
}

/** Everything a reader sees. */
async function view(store: Store): Promise<unknown> {
  const { above } = await store.numbers();
  return {
    births: await Promise.all(above.map((seq) => store.birth(seq))),
    presences: await Promise.all(
      (await store.memberIds()).sort().map(async (id) => (await store.presence(id))?.presence),
    ),
    notes: await Promise.all((await store.handoffs()).map((id) => store.handoff(id))),
    damaged: await store.damaged(),
  };
}

describe('what git says of the git store', () => {
  test('nothing is wrong with it, and plain commands show the records', async () => {
    const { repo } = await filled();
    expect(git(repo, 'fsck', '--strict', '--no-dangling')).toBe('');
    expect(git(repo, 'for-each-ref', '--format=%(refname)', 'refs/flowloom')).toBe(
      [
        'refs/flowloom/handoffs/000001-a',
        'refs/flowloom/handoffs/000002-b',
        'refs/flowloom/handoffs/000003-c',
        'refs/flowloom/members/a',
        'refs/flowloom/members/b',
        'refs/flowloom/members/c',
        ...[1, 2, 3].map(seqName),
      ].join('\n'),
    );
    expect(git(repo, 'log', '-1', '--format=%s', seqName(2))).toBe('join 2: startup of b');
    expect(git(repo, 'log', '-1', '--format=%aI', seqName(2))).toBe('2026-11-22T08:00:00+00:00');
    expect(JSON.parse(git(repo, 'log', '-1', '--format=%b', seqName(2)))).toEqual(birth('b'));
    expect(git(repo, 'log', '--all', '--format=%s').split('\n')).toHaveLength(9);
  });

  test('the command that a handoff is shown by shows it', async () => {
    const { store } = await filled();
    const shown = execFileSync('sh', ['-c', store.handoffPlace('000002-b')], { encoding: 'utf8' });
    expect(shown.trimEnd()).toBe('note of b');
  });

  test('one record is one object, whatever was written before', async () => {
    const { repo, store } = await filled();
    for (let i = 0; i < 10; i++) {
      await store.announce('a', presence({ name: `a${i}` }));
      await store.putHandoff('000001-a', `checkpoint ${i}\n`);
    }
    const objects = git(repo, 'count-objects');
    expect(objects).toMatch(/^10 objects/);
    expect(git(repo, 'fsck', '--strict', '--unreachable')).not.toContain('commit');
  });

  test('directories are 0700 and files 0600, whatever the umask', async () => {
    const before = process.umask(0);
    try {
      const { place } = await filled();
      for (const name of filesBelow(place))
        expect([name, statSync(join(place, name)).mode & 0o077]).toEqual([name, 0]);
      const folders = readdirSync(place, { recursive: true, withFileTypes: true });
      for (const folder of folders.filter((entry) => entry.isDirectory()))
        expect([folder.name, statSync(join(folder.parentPath, folder.name)).mode & 0o077]).toEqual([
          folder.name,
          0,
        ]);
    } finally {
      process.umask(before);
    }
  });

  test.each([
    ['packed refs', [['pack-refs', '--all', '--prune']]],
    ['a packed repository', [['gc', '--prune=now', '--quiet']]],
    [
      'a repository packed twice',
      [
        ['gc', '--quiet'],
        ['gc', '--aggressive', '--prune=now', '--quiet'],
      ],
    ],
  ])('%s reads and writes as before', async (_what, commands) => {
    const { place, repo, store } = await filled();
    const before = await view(store);
    for (const command of commands) git(repo, ...command);
    expect(existsSync(join(repo, 'packed-refs'))).toBe(true);
    expect(await view(store)).toEqual(before);
    expect(await view(gitStoreAt(place))).toEqual(before);

    const beat = (await store.presence('b'))!.beat;
    await store.renew('b');
    expect((await store.presence('b'))!.beat).not.toBe(beat);
    await store.announce('c', presence({ name: 'later' }));
    expect((await gitStoreAt(place).presence('c'))?.presence.name).toBe('later');
    expect(await store.join(birth('d'), 0)).toBe(4);
    expect(await store.refile(birth('x'), 2)).toBe(false);
    expect(await store.putHandoff('000001-a', 'x', { first: true })).toBe(false);
    await store.dropHandoff('000001-a');
    await store.forget({ seqs: [1, 4], members: ['a'] });
    expect((await store.numbers()).above).toEqual([2, 3, 4]);
    expect(await store.handoffs()).toEqual(['000002-b', '000003-c']);
    expect(await store.memberIds()).toEqual(expect.not.arrayContaining(['a']));
    await store.sweep(3_600_000);
    expect(await store.damaged()).toEqual([]);
    expect(git(repo, 'fsck', '--strict', '--no-dangling')).toBe('');
  });

  test('what was forgotten after somebody packed it is gone once it was tidied', async () => {
    const { place, repo, store } = await filled();
    git(repo, 'gc', '--quiet');
    await store.announce('victim', presence());
    await store.join(birth('victim'), 0);
    await store.join(birth('d'), 0);
    git(repo, 'gc', '--quiet');
    await store.forget({ seqs: [4], members: ['victim'] });
    await store.sweep(3_600_000);
    expect(kit.holds(place, 'victim')).toBe(false);
    expect((await view(store)) as object).toMatchObject({ damaged: [] });
  });

  test('what was packed costs a git process once, and none afterwards', async () => {
    const { place, repo, store } = await filled();
    const before = await view(store);
    git(repo, 'gc', '--prune=now', '--quiet');
    expect(await view(gitStoreAt(place))).toEqual(before);
    vi.stubEnv('PATH', '/nonexistent');
    try {
      expect(await view(gitStoreAt(place))).toEqual(before);
    } finally {
      vi.unstubAllEnvs();
    }
  });

  test('joins while git packs and prunes: distinct, none lost', async () => {
    const { place, repo } = await filled();
    const packing = (async () => {
      for (let i = 0; i < 25; i++) {
        const child = spawn('git', ['pack-refs', '--all', '--prune'], { cwd: repo, stdio: 'ignore' });
        await once(child, 'close');
      }
    })();
    const said = await Promise.all([0, 1, 2].map((who) => run(joining, [place, `p${who}`, '25'])));
    await packing;
    const seqs = said.flatMap((text) => JSON.parse(text) as number[]);
    expect(new Set(seqs).size).toBe(75);
    const store = gitStoreAt(place);
    expect((await store.numbers()).above).toHaveLength(78);
    for (const seq of seqs) expect(await store.birth(seq)).not.toBeNull();
    expect(await store.damaged()).toEqual([]);
    expect(git(repo, 'fsck', '--strict', '--no-dangling')).toBe('');
  });

  test('joins of git itself and of hooks take distinct numbers', async () => {
    const { place, repo } = await filled();
    const commit = git(repo, 'rev-parse', seqName(1));
    const theirs: number[] = [];
    const other = (async () => {
      for (let seq = 4; seq < 60; seq++) {
        const child = spawn('git', ['update-ref', seqName(seq), commit, '0'.repeat(40)], {
          cwd: repo,
          stdio: 'ignore',
        });
        const [code] = await once(child, 'close');
        if (code === 0) theirs.push(seq);
      }
    })();
    const ours = JSON.parse(await run(joining, [place, 'p', '40'])) as number[];
    await other;
    expect(ours.filter((seq) => theirs.includes(seq))).toEqual([]);
    for (const seq of ours) expect((await gitStoreAt(place).birth(seq))?.id).toMatch(/^p-/);
  });
});

const joining = bundled(`
  import { gitStoreAt } from ${JSON.stringify(module)};
  const [place, who, count] = process.argv.slice(2);
  (async () => {
    const store = gitStoreAt(place);
    const seqs = [];
    for (let i = 0; i < Number(count); i++)
      seqs.push(await store.join({ ...${JSON.stringify(birth('x'))}, id: who + '-' + i }, 0));
    console.log(JSON.stringify(seqs));
  })();
`);

describe('a process that was killed', () => {
  test('while it took a number does not keep others from theirs', async () => {
    const { repo, store } = await filled();
    writeFileSync(join(repo, `${seqName(4)}.lock`), '');
    expect(await store.join(birth('d'), 0)).toBe(5);
    expect((await store.numbers()).above).toEqual([1, 2, 3, 5]);
  });

  test('while it announced itself does not keep its next hook from it', async () => {
    const { repo, store } = await filled();
    old(write(join(repo, 'refs/flowloom/members/a.lock'), ''));
    await store.announce('a', presence({ name: 'again' }));
    expect((await store.presence('a'))?.presence.name).toBe('again');
    expect(existsSync(join(repo, 'refs/flowloom/members/a.lock'))).toBe(false);
  });

  test('just now is waited for a moment, and then said', async () => {
    const { repo, store } = await filled();
    write(join(repo, 'refs/flowloom/members/a.lock'), '');
    await expect(store.announce('a', presence())).rejects.toThrow(/members\/a is locked/);
    expect((await store.presence('a'))?.presence.name).toBe('a');
  });

  test('a presence that a power cut emptied is written anew by its owner', async () => {
    const { repo, store } = await filled();
    writeFileSync(join(repo, 'refs/flowloom/members/a'), '');
    expect(await store.presence('a')).toBeNull();
    await store.announce('a', presence({ name: 'again' }));
    expect((await store.presence('a'))?.presence.name).toBe('again');
    expect(await store.damaged()).toEqual([]);
  });
});

describe('the repository of the git store', () => {
  test('is made once, however many make it', async () => {
    const place = scratch('git-store');
    const making = bundled(`
      import { gitStoreAt } from ${JSON.stringify(module)};
      gitStoreAt(process.argv[2]).ready().then(() => console.log('made'));
    `);
    await Promise.all(Array.from({ length: 8 }, () => run(making, [place])));
    expect(readdirSync(place)).toEqual(['coord.git']);
    expect(git(coordOf(place), 'rev-parse', '--is-bare-repository')).toBe('true');
    expect(git(coordOf(place), 'config', 'flowloom.clone')).toMatch(/^c\w{8,}$/);
    expect(readdirSync(join(coordOf(place), 'hooks', '..'))).not.toContain('hooks');
  });

  test('cannot be made without git, and says so', async () => {
    const place = scratch('git-store');
    vi.stubEnv('PATH', '/nonexistent');
    try {
      await expect(gitStoreAt(place).ready()).rejects.toThrow(/needs git, which is not on the PATH/);
    } finally {
      vi.unstubAllEnvs();
    }
    expect(readdirSync(place)).toEqual([]);
  });

  test('is not made with a git that is too old or broken, and that is said', async () => {
    const base = scratch('git-store');
    program(join(base, 'bin', 'git'), 'echo "error: unknown option: object-format" >&2; exit 129');
    vi.stubEnv('PATH', `${join(base, 'bin')}:${process.env.PATH}`);
    try {
      await expect(gitStoreAt(join(base, 'place')).ready()).rejects.toThrow(
        /2\.31 or newer.*unknown option/s,
      );
    } finally {
      vi.unstubAllEnvs();
    }
  });

  test.each<[string, (repo: string) => void]>([
    ['a file', (repo) => writeFileSync(repo, 'theirs')],
    ['a repository of somebody else', (repo) => git('/', 'init', '-q', '--bare', repo)],
    ['a directory with something in it', (repo) => write(join(repo, 'theirs.txt'), 'x')],
  ])('is not made where there is %s, which stays as it is', async (_what, make) => {
    const place = scratch('git-store');
    make(coordOf(place));
    const before = contentsBelow(place);
    await expect(gitStoreAt(place).ready()).rejects.toThrow();
    await expect(gitStoreAt(place).join(birth('a'), 0)).rejects.toThrow();
    expect(contentsBelow(place)).toEqual(before);
  });

  test('ignores what the environment says of other repositories', async () => {
    const base = scratch('git-store');
    const other = repository(join(base, 'other'));
    const before = contentsBelow(other);
    vi.stubEnv('GIT_DIR', join(other, '.git'));
    vi.stubEnv('GIT_INDEX_FILE', join(other, '.git', 'index'));
    vi.stubEnv('GIT_DEFAULT_HASH', 'sha256');
    try {
      const store = gitStoreAt(join(base, 'place'));
      await store.join(birth('a'), 0);
      await store.announce('a', presence());
      expect(readFileSync(join(base, 'place', 'coord.git', seqName(1)), 'utf8')).toMatch(/^[0-9a-f]{40}\n$/);
    } finally {
      vi.unstubAllEnvs();
    }
    expect(contentsBelow(other)).toEqual(before);
  });
});

describe('the repository of the user', () => {
  test.each(['sha1', 'sha256'])('with %s is the same before and after', async (format) => {
    const base = scratch('git-user');
    const root = join(base, 'shop');
    mkdirSync(root);
    git(root, 'init', '-q', '-b', 'main', `--object-format=${format}`);
    write(join(root, 'README.md'), 'A shop.\n');
    git(root, 'add', '.');
    git(root, 'commit', '-q', '-m', 'Open the shop');
    write(join(root, 'new.txt'), 'x');
    appendFileSync(join(root, 'README.md'), 'More.\n');
    git(root, 'status');
    const facts = (): unknown => ({
      status: git(root, 'status', '--porcelain=v2', '--branch'),
      refs: git(root, 'for-each-ref'),
      index: readFileSync(join(root, '.git', 'index'), 'latin1'),
      objects: git(root, 'count-objects', '-v'),
      fsck: git(root, 'fsck'),
      log: git(root, 'log', '--all', '--format=%H %s'),
      stash: git(root, 'stash', 'list'),
      config: readFileSync(join(root, '.git', 'config'), 'utf8'),
      files: filesBelow(root).filter((name) => !name.startsWith('.git/flowloom/')),
    });
    const before = facts();
    const site = {
      place: join(root, '.git', 'flowloom'),
      scope: locateScope(root),
      config: { ...defaults, store: 'git' as const },
      env: process.env,
    };
    const store = await openStore('git', site);
    await store.ready();
    const seq = await store.join(birth('a'), 0);
    await store.announce('a', presence());
    await store.renew('a');
    await store.putHandoff('000001-a', 'x', { durable: true });
    await store.join(birth('b'), 0);
    await store.forget({ seqs: [seq], members: ['a'] });
    await store.sweep(0);
    expect(facts()).toEqual(before);
    const oid = readFileSync(join(site.place, 'coord.git', seqName(2)), 'utf8').trim();
    expect(oid).toHaveLength(format === 'sha1' ? 40 : 64);
    expect(git(join(site.place, 'coord.git'), 'fsck', '--strict', '--no-dangling')).toBe('');
    expect(await store.birth(2)).toEqual(birth('b'));
  });
});
