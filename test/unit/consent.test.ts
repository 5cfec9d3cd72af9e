/** What is in force of what a user and a repository wrote, and what may stand in the place of a consent. */
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { agree, revoke } from '../../src/config/consent.ts';
import { configOf } from '../../src/config/find.ts';
import { defaults, keptConfig, layered, placesIn, resolveConfig } from '../../src/core/config.ts';
import { locateScope } from '../../src/io/scope.ts';
import { git, repository, scratch, write } from '../support/scratch.ts';
import { trust, writeOwnConfig } from '../support/trust.ts';

const shares = { store: 'git', git: { remote: 'origin', share: 'handoffs' } };

describe('of a repository that nobody agreed to', () => {
  test.each<[string, object]>([
    ['a store', { store: 'git' }],
    ['a remote', shares],
    ['a folder', { store: 'basic-memory', basicMemory: { path: '~/.ssh' } }],
    ['a graph', { store: 'memory-graph', memoryGraph: { file: '../x.jsonl' } }],
  ])('%s is not in force', (_what, repository) => {
    expect(layered({ own: undefined, repository, store: '' }).otherwise).toEqual(defaults);
  });

  test('what is not about places is, where the user said nothing', () => {
    const repository = { ...shares, prompt: 'on-change', leaseHours: 2, roles: { master: 'bakes.' } };
    const own = { leaseHours: 3 };
    expect(layered({ own, repository, store: '' }).otherwise).toEqual({
      ...defaults,
      prompt: 'on-change',
      leaseHours: 3,
      roles: { ...defaults.roles, master: 'bakes.' },
      foreignRoles: ['master'],
    });
  });

  test('the user’s own places stand, and so do they where the environment names the store', () => {
    const own = { store: 'git', git: { remote: 'mine' } };
    const repository = { store: 'file', git: { remote: 'theirs', share: 'handoffs' } };
    const git = { remote: 'mine', share: 'facts' };
    expect(layered({ own, repository, store: '' }).otherwise).toMatchObject({ store: 'git', git });
    expect(layered({ own: {}, repository, store: 'git' }).otherwise).toMatchObject({
      store: 'git',
      git: defaults.git,
    });
  });
});

test('what was agreed to wins over the user’s own, value by value', () => {
  const own = {
    store: 'git',
    git: { remote: 'mine', share: 'handoffs' },
    prompt: 'on-change',
    leaseHours: 3,
  };
  const repository = { git: { remote: 'theirs' }, prompt: 'always' };
  expect(layered({ own, repository, store: '' }).agreed).toMatchObject({
    store: 'git',
    git: { remote: 'theirs', share: 'handoffs' },
    prompt: 'always',
    leaseHours: 3,
  });
});

test('a repository has more handoffs kept than the user, never fewer', () => {
  const kept = (repository: number, own?: number) =>
    layered({
      own: own && { handoff: { keep: own } },
      repository: { store: 'git', handoff: { keep: repository } },
      store: '',
    });
  for (const [repository, own, otherwise, agreed] of [
    [1, undefined, 20, 20],
    [50, undefined, 50, 50],
    [1, 5, 5, 5],
    [50, 5, 5, 50],
  ] as const) {
    const both = kept(repository, own);
    expect([both.otherwise.handoff.keep, both.agreed.handoff.keep]).toEqual([otherwise, agreed]);
  }
});

test('roles are foreign only where the text in force is the repository’s', () => {
  const repository = { roles: { master: 'bakes.', worker: 'sells.' } };
  const own = { roles: { worker: 'sells.' } };
  expect(layered({ own, repository, store: '' }).otherwise.foreignRoles).toEqual(['master']);
  expect(layered({ own: repository, repository: {}, store: '' }).otherwise.foreignRoles).toEqual([]);
});

test('of a notebook that does not say whose a text is, it is foreign', () => {
  const { foreignRoles, ...old } = {
    ...defaults,
    roles: { master: 'bakes.', worker: defaults.roles.worker },
  };
  expect(keptConfig(old).foreignRoles).toEqual(['master']);
  expect(keptConfig({ ...old, foreignRoles: [] }).foreignRoles).toEqual([]);
  expect(keptConfig({ ...old, foreignRoles: 'x' }).foreignRoles).toEqual(['master']);
  expect(keptConfig(7)).toEqual(defaults);
});

test('where a text came from is no key of a file', () => {
  expect(resolveConfig({ foreignRoles: ['master'] }).problems).toEqual([
    { key: 'foreignRoles', expected: 'no such key' },
  ]);
});

test('what the store does not look at is no wish', () => {
  const config = resolveConfig({ ...shares, store: 'file', memoryGraph: { file: 'x.jsonl' } }).config;
  expect(placesIn(config)).toEqual({ store: 'file' });
  expect(placesIn({ ...config, store: 'git', git: { remote: '', share: 'handoffs' } })).toEqual({
    store: 'git',
    remote: '',
    share: 'facts',
  });
});

describe('a consent', () => {
  let base: string;
  let shop: string;
  let env: NodeJS.ProcessEnv;
  const configure = (values: object, directory = shop): string =>
    write(join(directory, '.flowloomrc.json'), JSON.stringify(values));
  const load = (directory = shop, more: NodeJS.ProcessEnv = {}) =>
    configOf(locateScope(directory), { ...env, ...more });
  const trustFile = (): string => join(shop, '.git', 'flowloom', 'trust.json');
  const keyFile = (): string => join(base, 'home', '.local', 'state', 'flowloom', 'trust.key');

  beforeEach(() => {
    base = scratch('consent');
    shop = repository(join(base, 'shop'));
    mkdirSync(join(base, 'home'));
    env = { HOME: join(base, 'home') };
    configure(shares);
  });

  test('is asked for, and then the values are in force', async () => {
    expect(await load()).toMatchObject({
      config: { store: 'file', git: defaults.git },
      wants: { places: { store: 'git', remote: 'origin', share: 'handoffs' }, where: null },
      agreed: false,
    });
    await trust(shop, env);
    expect(await load()).toMatchObject({ config: shares, agreed: true });
    expect(readFileSync(trustFile(), 'utf8')).not.toContain('origin');
    revoke(locateScope(shop), env);
    expect(await load()).toMatchObject({ config: { store: 'file' }, agreed: false });
  });

  test.each<[string, object]>([
    ['another remote', { store: 'git', git: { remote: 'upstream', share: 'handoffs' } }],
    ['less', { store: 'git', git: { remote: 'origin' } }],
    ['another store', { store: 'basic-memory', basicMemory: { path: '/' } }],
  ])('is not one to %s; the first values are still agreed to', async (_what, values) => {
    await trust(shop, env);
    configure(values);
    expect(await load()).toMatchObject({ config: { store: 'file', git: defaults.git }, agreed: false });
    await trust(shop, env);
    expect((await load()).agreed).toBe(true);
    configure(shares);
    expect((await load()).agreed).toBe(true);
  });

  test('stays where only what needs none is changed', async () => {
    await trust(shop, env);
    configure({ ...shares, memoryGraph: { file: '/x.jsonl' }, prompt: 'on-change', stroe: 1 });
    expect(await load()).toMatchObject({ config: { ...shares, prompt: 'on-change' }, agreed: true });
  });

  test.each<[string, object]>([
    ['file', { store: 'file' }],
    ['nothing of places', { prompt: 'on-change', git: { remote: 'origin' } }],
    ['what the user wants too', { git: { remote: 'origin' } }],
    ['nonsense', { store: 'floppy', git: 'x' }],
  ])('is not needed for %s', async (what, values) => {
    if (what.includes('user')) writeOwnConfig(env.HOME!, { git: { remote: 'origin' }, store: 'git' });
    configure(values);
    expect(await load()).toMatchObject({ wants: null, agreed: false });
  });

  test('is needed to be taken back to files from where the user’s own configuration says', async () => {
    writeOwnConfig(env.HOME!, shares);
    configure({ store: 'file' });
    expect(await load()).toMatchObject({ config: shares, wants: { places: { store: 'file' } } });
    await trust(shop, env);
    expect(await load()).toMatchObject({ config: { store: 'file' }, agreed: true });
  });

  test('is of all work trees of the clone', async () => {
    git(shop, 'add', '.');
    git(shop, 'commit', '-q', '-m', 'Share');
    git(shop, 'worktree', 'add', '-q', join(base, 'tree'));
    await trust(shop, env);
    expect((await load(join(base, 'tree'))).agreed).toBe(true);
  });

  test('is not of a copy, and is of a clone that was moved', async () => {
    await trust(shop, env);
    cpSync(shop, join(base, 'copy'), { recursive: true, preserveTimestamps: true });
    expect((await load(join(base, 'copy'))).agreed).toBe(false);
    renameSync(shop, join(base, 'moved'));
    expect((await load(join(base, 'moved'))).agreed).toBe(true);
  });

  test('is not of another clone in the same place', async () => {
    await trust(shop, env);
    rmSync(shop, { recursive: true });
    repository(shop);
    configure(shares);
    expect((await load()).agreed).toBe(false);
  });

  test('works outside of git', async () => {
    const plain = join(base, 'plain');
    configure(shares, plain);
    await trust(plain, env);
    expect((await load(plain)).agreed).toBe(true);
    expect(existsSync(join(plain, 'trust.json'))).toBe(false);
  });

  test('may lie wherever state may', async () => {
    const state = { ...env, FLOWLOOM_STATE_DIR: join(base, 'state') };
    await trust(shop, state);
    expect(existsSync(trustFile())).toBe(false);
    expect((await load(shop, state)).agreed).toBe(true);
    revoke(locateScope(shop), state);
    expect((await load(shop, state)).agreed).toBe(false);
  });

  describe('is not', () => {
    const spoilt: Readonly<Record<string, () => void>> = {
      'a file that came with an archive, made by another user': () => {
        const kept = readFileSync(trustFile(), 'utf8');
        rmSync(keyFile());
        agree({ places: { store: 'file' }, where: null, servers: [] }, locateScope(shop), env);
        writeFileSync(trustFile(), kept);
      },
      'without the key': () => rmSync(keyFile()),
      'with a key that others can read': () => chmodSync(keyFile(), 0o644),
      'with a key that is a link': () => {
        renameSync(keyFile(), `${keyFile()}.away`);
        symlinkSync(`${keyFile()}.away`, keyFile());
      },
      'with a key that is none': () => writeFileSync(keyFile(), 'x'.repeat(64)),
      'with an empty key': () => writeFileSync(keyFile(), ''),
      'a link': () => {
        renameSync(trustFile(), join(base, 'away'));
        symlinkSync(join(base, 'away'), trustFile());
      },
      'a directory': () => {
        rmSync(trustFile());
        mkdirSync(trustFile());
      },
      'no JSON': () => writeFileSync(trustFile(), '{"version":1,"agreed":['),
      'of another shape': () => writeFileSync(trustFile(), '{"agreed":{"all":true}}'),
      everything: () => writeFileSync(trustFile(), '{"version":1,"agreed":["*",true,null,""]}'),
    };
    test.each(Object.entries(spoilt))('%s', async (_what, spoil) => {
      await trust(shop, env);
      spoil();
      expect(await load()).toMatchObject({ config: { store: 'file' }, agreed: false });
    });
  });

  test('takes the place of what is no consent, and says what is in its way where it cannot', async () => {
    await trust(shop, env);
    rmSync(trustFile());
    symlinkSync(write(join(base, 'victim'), 'mine'), trustFile());
    await trust(shop, env);
    expect((await load()).agreed).toBe(true);
    expect(readFileSync(join(base, 'victim'), 'utf8')).toBe('mine');
    writeFileSync(keyFile(), 'short');
    await expect(trust(shop, env)).rejects.toThrow(/trust\.key holds no key: remove it/);
  });

  test('is of the folder as it is without links: another target is another wish', async () => {
    mkdirSync(join(shop, 'notes'));
    configure({ store: 'basic-memory', basicMemory: { path: 'notes' } });
    await trust(shop, env);
    expect((await load()).wants?.where).toBe(join(shop, 'notes'));
    rmSync(join(shop, 'notes'), { recursive: true });
    mkdirSync(join(base, 'home', '.ssh'));
    symlinkSync(join(base, 'home', '.ssh'), join(shop, 'notes'));
    expect(await load()).toMatchObject({
      config: { store: 'file' },
      wants: { where: join(base, 'home', '.ssh') },
      agreed: false,
    });
  });

  test('is needed for a graph that only the repository’s .mcp.json names, whoever chose the store', async () => {
    rmSync(join(shop, '.flowloomrc.json'));
    writeOwnConfig(env.HOME!, { store: 'memory-graph' });
    const server = { command: 'npx', args: ['@modelcontextprotocol/server-memory'] };
    const serve = (path: string): string =>
      write(
        join(shop, '.mcp.json'),
        JSON.stringify({ mcpServers: { memory: { ...server, env: { MEMORY_FILE_PATH: path } } } }),
      );
    expect(await load()).toMatchObject({ config: { store: 'memory-graph' }, wants: null });
    serve('/tmp/a.jsonl');
    expect(await load()).toMatchObject({ config: { store: 'file' }, wants: { servers: ['/tmp/a.jsonl'] } });
    await trust(shop, env);
    expect(await load()).toMatchObject({ config: { store: 'memory-graph' }, agreed: true });
    serve('/tmp/b.jsonl');
    expect(await load()).toMatchObject({ config: { store: 'file' }, agreed: false });
  });
});

describe('the user’s own configuration', () => {
  let base: string;
  let home: string;
  let shop: string;
  const load = (env: NodeJS.ProcessEnv = {}) => configOf(locateScope(shop), { HOME: home, ...env });

  beforeEach(() => {
    base = scratch('own-config');
    home = join(base, 'home');
    shop = repository(join(base, 'shop'));
  });

  test('needs no consent', async () => {
    const own = writeOwnConfig(home, { ...shares, roles: { master: 'bakes.' } });
    expect(await load()).toMatchObject({
      config: { ...shares, roles: { master: 'bakes.' }, foreignRoles: [] },
      own,
      file: null,
      problems: [],
      wants: null,
    });
  });

  test('lies in XDG_CONFIG_HOME where that is absolute', async () => {
    write(join(base, 'config', 'flowloom', 'config.json'), '{"leaseHours":2}');
    expect((await load({ XDG_CONFIG_HOME: join(base, 'config') })).config.leaseHours).toBe(2);
    writeOwnConfig(home, { leaseHours: 3 });
    expect((await load({ XDG_CONFIG_HOME: 'config' })).config.leaseHours).toBe(3);
  });

  test('may be a link, as a dotfiles manager makes it', async () => {
    mkdirSync(join(home, '.config', 'flowloom'), { recursive: true });
    const elsewhere = write(join(base, 'dotfiles', 'flowloom.json'), '{"leaseHours":2}');
    symlinkSync(elsewhere, join(home, '.config', 'flowloom', 'config.json'));
    expect((await load()).config.leaseHours).toBe(2);
  });

  const inPlaceOf =
    (make: (file: string) => unknown) =>
    (file: string): void => {
      rmSync(file);
      make(file);
    };

  test.each<[string, (file: string) => unknown, RegExp]>([
    ['is no JSON', (file) => writeFileSync(file, '{'), /can be read/],
    ['is YAML', (file) => writeFileSync(file, 'leaseHours: 2'), /can be read/],
    ['is a list', (file) => writeFileSync(file, '[]'), /an object/],
    ['anybody can write to', (file) => chmodSync(file, 0o666), /anybody can write to .*config\.json/],
    [
      'lies in a directory that anybody can write to',
      (file) => chmodSync(join(file, '..'), 0o777),
      /anybody can/,
    ],
    ['is larger than any of ours', (file) => writeFileSync(file, ' '.repeat(20_000)), /larger than/],
    ['is a directory', inPlaceOf(mkdirSync), /not a regular file/],
    [
      'is a link to a device',
      inPlaceOf((file) => symlinkSync('/dev/zero', file)),
      /not a regular file|another user|anybody/,
    ],
  ])('that %s is passed over with a sentence', async (_what, spoil, sentence) => {
    const file = writeOwnConfig(home, { leaseHours: 2 });
    spoil(file);
    const { config, problems } = await load();
    expect(config).toEqual(defaults);
    expect(problems).toMatchObject([{ file, expected: expect.stringMatching(sentence) }]);
  });
});
