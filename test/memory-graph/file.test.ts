/** Which file it is, and files that it must not be. */
import { execFileSync } from 'node:child_process';
import { chownSync, copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { defaults } from '../../src/core/config.ts';
import { mostSeq } from '../../src/core/seq.ts';
import { lineOf } from '../../src/stores/memory-graph/records.ts';
import { memoryGraphStore } from '../../src/stores/memory-graph-store.ts';
import { openStore, type Site } from '../../src/stores/open.ts';
import { graphAt, graphOf, siteAt, theirs } from '../support/graph.ts';
import { bundled } from '../support/other-process.ts';
import { birth } from '../support/records.ts';
import { contentsBelow, scratch, write } from '../support/scratch.ts';
import { asNobody, give } from '../support/unprivileged.ts';

type Json = Record<string, unknown>;
const json = (path: string, value: unknown): string => write(path, JSON.stringify(value));
const server = (path?: string, more: Json = {}): Json => ({
  command: 'npx',
  args: ['-y', '@modelcontextprotocol/server-memory'],
  ...(path === undefined ? {} : { env: { MEMORY_FILE_PATH: path } }),
  ...more,
});
const mcp = (...servers: Json[]): Json => ({
  mcpServers: Object.fromEntries(servers.map((one, index) => [`memory${index || ''}`, one])),
});

/** A project and a user, and nothing in our own configuration. */
function project(more: { file?: string; env?: NodeJS.ProcessEnv; worktree?: string } = {}): {
  base: string;
  shop: string;
  home: string;
  site: Site;
} {
  const base = scratch('graph-file');
  const [shop, home] = [join(base, 'shop'), join(base, 'home')];
  mkdirSync(shop);
  mkdirSync(home);
  const worktree = more.worktree ? join(base, more.worktree) : shop;
  const site = siteAt(base, {
    scope: { key: 'shop-abc', root: shop, commonDir: null, worktree, gitDir: null },
    config: { ...defaults, store: 'memory-graph', memoryGraph: { file: more.file ?? '' } },
    env: { HOME: home, ...more.env },
  });
  return { base, shop, home, site };
}
const ready = async (site: Site): Promise<string> => {
  const store = await openStore('memory-graph', site);
  await store.ready();
  return store.place;
};

describe('the file is', () => {
  test('the one that our configuration names, whatever the client knows', async () => {
    const { base, shop, site } = project({ file: 'docs/memory.jsonl' });
    json(join(shop, '.mcp.json'), mcp(server(join(base, 'other.jsonl'))));
    mkdirSync(join(shop, 'docs'));
    expect(await ready(site)).toBe(join(shop, 'docs', 'memory.jsonl'));
    const absolute = join(base, 'mine.jsonl');
    expect(await ready(siteAt(base, { config: { ...site.config, memoryGraph: { file: absolute } } }))).toBe(
      absolute,
    );
    const inHome = project({ file: '~/memory.jsonl' });
    expect(await ready(inHome.site)).toBe(join(inHome.home, 'memory.jsonl'));
  });

  test('relative to the main work tree, so that all work trees share it', async () => {
    const { shop, site } = project({ file: 'memory.jsonl', worktree: 'shop-fix' });
    expect(await ready(site)).toBe(join(shop, 'memory.jsonl'));
  });

  test('the one of the client: of this user and project, else of the project, else of the user', async () => {
    const { base, shop, home, site } = project();
    const [own, shared, everywhere] = ['own', 'shared', 'everywhere'].map((name) =>
      join(base, `${name}.jsonl`),
    );
    const client = join(home, '.claude.json');
    const ofUser = { ...mcp(server(everywhere)), numStartups: 3 };
    json(client, ofUser);
    expect(await ready(site)).toBe(everywhere);
    json(join(shop, '.mcp.json'), mcp({ command: 'other' }, server(shared)));
    expect(await ready(site)).toBe(shared);
    json(client, { ...ofUser, projects: { [shop]: mcp(server(own)), '/elsewhere': mcp(server('/x')) } });
    expect(await ready(site)).toBe(own);
  });

  test('in the client’s directory where CLAUDE_CONFIG_DIR says so, and in the directory a session was started in', async () => {
    const { base, home, shop } = project();
    const [a, b] = [join(base, 'a.jsonl'), join(base, 'b.jsonl')];
    json(join(home, '.claude.json'), mcp(server(join(base, 'no.jsonl'))));
    json(join(base, 'config', '.claude.json'), mcp(server(a)));
    const env = {
      HOME: home,
      CLAUDE_CONFIG_DIR: join(base, 'config'),
      CLAUDE_PROJECT_DIR: join(shop, 'packages'),
    };
    const site = { ...project().site, place: join(base, 'state'), env };
    expect(await ready(site)).toBe(a);
    json(join(shop, 'packages', '.mcp.json'), mcp(server(b)));
    expect(await ready(site)).toBe(b);
  });

  test('what a variable makes of it', async () => {
    const { base, shop, site } = project({ env: { DATA: '' } });
    json(join(shop, '.mcp.json'), mcp(server(`$\{DATA_DIR:-${base}}/x.jsonl`)));
    expect(await ready(site)).toBe(join(base, 'x.jsonl'));
    json(join(shop, '.mcp.json'), mcp(server(`$\{DATA_DIR}/y.jsonl`)));
    expect(await ready({ ...site, env: { ...site.env, DATA_DIR: base } })).toBe(join(base, 'y.jsonl'));
  });

  test('of any server that has the variable, under whatever command', async () => {
    const { base, shop, site } = project();
    const file = join(base, 'x.jsonl');
    json(join(shop, '.mcp.json'), mcp(server(), server(file, { command: '/opt/memory', args: [] })));
    expect(await ready(site)).toBe(file);
  });

  test('the same for a work tree that does not name one, and for the hooks of sessions that run', async () => {
    const { base, shop, site } = project();
    const file = join(base, 'x.jsonl');
    json(join(shop, '.mcp.json'), mcp(server(file)));
    expect(await ready(site)).toBe(file);
    const seq = await memoryGraphStore(site).join(birth('a'), 0);
    const tree = {
      ...site,
      scope: { ...site.scope, root: join(base, 'tree'), worktree: join(base, 'tree') },
    };
    expect(await ready(tree)).toBe(file);
    rmSync(join(shop, '.mcp.json'));
    expect(await memoryGraphStore(tree).birth(seq)).toEqual(birth('a'));
    rmSync(file);
    await expect(ready(tree)).rejects.toThrow(/no memory server/);
  });

  test('made only by the first that joins, and only in a directory that is there', async () => {
    const place = scratch('graph-file');
    const store = graphAt(place);
    await store.ready();
    expect(existsSync(graphOf(place))).toBe(false);
    await store.join(birth('a'), 0);
    expect(existsSync(graphOf(place))).toBe(true);
    const { base, site } = project({ file: 'nowhere/memory.jsonl' });
    await expect(ready(site)).rejects.toThrow(/there is no directory .*shop\/nowhere\. Make it/);
    await expect(memoryGraphStore(site).join(birth('a'), 0)).rejects.toThrow(/there is no directory/);
    expect(existsSync(join(base, 'shop', 'nowhere'))).toBe(false);
  });
});

describe('no file is found, and a sentence says why and what to do, when', () => {
  test.each<[string, Json | string | null, RegExp]>([
    ['nothing names one', null, /told of no memory server here\. Set memoryGraph\.file/],
    ['the configuration cannot be read', '{ "mcpServers": {', /told of no memory server/],
    [
      'there are other servers only',
      mcp({ command: 'npx', args: ['server-everything'] }),
      /told of no memory server/,
    ],
    ['entries are of another shape', { mcpServers: { memory: 7, other: [] } }, /told of no memory server/],
    [
      'it has no path',
      mcp(server()),
      /"memory" in .*\.mcp\.json has no MEMORY_FILE_PATH, so its file lies inside/,
    ],
    ['its path is empty', mcp(server('')), /has no MEMORY_FILE_PATH/],
    ['its path is relative', mcp(server('memory.jsonl')), /relative MEMORY_FILE_PATH memory\.jsonl/],
    ['its path is in a home that it does not know', mcp(server('~/m.jsonl')), /relative MEMORY_FILE_PATH/],
    ['a variable is not set', mcp(server(`$\{NOT_SET}/m.jsonl`)), /of which a variable is not set/],
    [
      'it runs in a container',
      mcp(server('/app/m.jsonl', { command: 'docker', args: ['run', 'mcp/memory'] })),
      /in a container/,
    ],
  ])('%s', async (_what, configuration, says) => {
    const { shop, site } = project();
    if (typeof configuration === 'string') write(join(shop, '.mcp.json'), configuration);
    else if (configuration) json(join(shop, '.mcp.json'), configuration);
    await expect(ready(site)).rejects.toThrow(says);
    await expect(ready(site)).rejects.toThrow(
      /There is no file for the memory graph: .*Set memoryGraph\.file, or MEMORY_FILE_PATH/,
    );
    const store = memoryGraphStore(site);
    await expect(store.numbers()).rejects.toThrow(says);
    expect(store.place).toContain('memory-graph');
  });
});

const spoiled: [string, (path: string) => void, RegExp][] = [
  ['a symbolic link', (path) => symlinkSync('/etc/hostname', path), /is a symbolic link/],
  ['a link to nowhere', (path) => symlinkSync('/nonexistent/x', path), /is a symbolic link/],
  ['a directory', (path) => mkdirSync(path), /is not a regular file/],
  ['a FIFO', (path) => void execFileSync('mkfifo', [path]), /is not a regular file/],
  ['a key', (path) => void write(path, 'ssh-ed25519 AAAA ada\n'), /is not a memory graph/],
  ['other JSON', (path) => void write(path, '{"mcpServers":{}}'), /is not a memory graph/],
];

describe('of what is no memory graph we keep off, and say so', () => {
  test.each(spoiled)('%s', async (_what, make, says) => {
    const place = scratch('graph-file');
    make(graphOf(place));
    const before = contentsBelow(place);
    const store = graphAt(place);
    await expect(store.ready()).rejects.toThrow(says);
    await expect(store.ready()).rejects.toThrow(/Name another file in memoryGraph\.file/);
    await expect(store.join(birth('a'), 0)).rejects.toThrow(says);
    for (const [name, content] of Object.entries(before)) expect(contentsBelow(place)[name]).toBe(content);
  });

  test.each(['.bashrc', 'authorized_keys', 'memory'])('an empty file called %s, or none', async (name) => {
    const { shop, site } = project({ file: name });
    await expect(ready(site)).rejects.toThrow(/does not end in \.jsonl/);
    await expect(memoryGraphStore(site).join(birth('a'), 0)).rejects.toThrow(/does not end in \.jsonl/);
    expect(existsSync(join(shop, name))).toBe(false);
    write(join(shop, name), '\n');
    await expect(memoryGraphStore(site).join(birth('a'), 0)).rejects.toThrow(/does not end in \.jsonl/);
    write(join(shop, name), theirs);
    expect(await ready(site)).toBe(join(shop, name));
  });

  const readier = bundled(`
    import { graphAt } from './test/support/graph.ts';
    graphAt(process.argv[2]).ready().then(() => console.log('ready'), (error) => console.log(error.message));
  `);

  test('a file or a directory that this user cannot write to', ({ skip }) => {
    if (!asNobody) return skip('skipped: needs setpriv when run as root');
    const said = (place: string): string => {
      const [program, ...args] = [...asNobody!, process.execPath, join(place, 'readier.cjs'), place];
      return execFileSync(program!, args, { encoding: 'utf8', env: { PATH: process.env.PATH } });
    };
    const place = scratch('graph-file');
    copyFileSync(readier, join(place, 'readier.cjs'));
    write(graphOf(place), theirs);
    give(place);
    expect(said(place)).toBe('ready\n');
    execFileSync('chmod', ['400', graphOf(place)]);
    expect(said(place)).toMatch(/memory\.jsonl is not writable \(EACCES\)\. Make it so/);
    if (process.getuid?.() === 0) {
      execFileSync('chmod', ['644', graphOf(place)]);
      chownSync(graphOf(place), 0, 0);
      expect(said(place)).toMatch(/belongs to another user/);
    }
    rmSync(graphOf(place));
    execFileSync('chmod', ['500', place]);
    expect(said(place)).toMatch(/is not writable \(EACCES\)/);
    execFileSync('chmod', ['700', place]);
  });
});

test('a line that claims the very last number is said, and costs no number', async () => {
  const place = scratch('graph-file');
  const last = lineOf(
    { kind: 'session', seq: mostSeq, birth: birth('x'), presence: null, seen: 1, at: 'now' },
    'shop-abc',
  );
  write(graphOf(place), `${theirs}\n${last}`);
  await expect(graphAt(place).join(birth('a'), 0)).rejects.toThrow(
    /there is none above it\. Take that line out/,
  );
  write(graphOf(place), theirs);
  expect(await graphAt(place).join(birth('a'), 0)).toBe(1);
});

test('what was there before stays letter by letter', async () => {
  const place = scratch('graph-file');
  const before = `\ufeff${theirs}\r\n\r\n{ half`;
  write(graphOf(place), before);
  const store = graphAt(place);
  const seq = await store.join(birth('a'), 0);
  await store.putHandoff('000001-abc', 'x', { durable: true });
  await store.forget({ seqs: [seq], members: ['a'] });
  await store.dropHandoff('000001-abc');
  expect(readFileSync(graphOf(place), 'utf8').startsWith(before)).toBe(true);
});
