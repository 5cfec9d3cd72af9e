/** The code cache is a help and never a need: whatever lies in its place, the hook does its work. */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { hooksFolder } from '../support/built.ts';
import { write } from '../support/scratch.ts';
import { type Fired, type SessionUnderTest, type World, world } from '../support/world.ts';

const expectAnswer = ({ code, signal, stderr, context }: Fired): void => {
  expect([code, signal, stderr.slice(0, 200)]).toEqual([0, null, '']);
  expect(context).toMatch(/^You are master \(epoch 1\)/);
};

/** A session with a warm cache of its own. */
async function warm(): Promise<{ w: World; one: SessionUnderTest; folder: string; files: () => string[] }> {
  const w = world();
  const one = w.session({ env: { XDG_CACHE_HOME: undefined } });
  const folder = join(w.home, '.cache', 'flowloom');
  expectAnswer(await one.start());
  expectAnswer(await one.prompt());
  return { w, one, folder, files: () => readdirSync(folder).map((name) => join(folder, name)) };
}

const prompts = (files: string[]): string => files.find((path) => path.includes('user-prompt-submit'))!;

test('is written once, privately, and used from then on', async () => {
  const { one, folder, files } = await warm();
  expect(lstatSync(folder).mode & 0o777).toBe(0o700);
  for (const path of files()) expect([path, lstatSync(path).mode & 0o777]).toEqual([path, 0o600]);
  const looks = (): string =>
    files()
      .map((path) => `${path} ${lstatSync(path).mtimeMs} ${lstatSync(path).ino}`)
      .join();
  expect(files()).toHaveLength(2);
  // One hook in sixteen, by its number, may add to it.
  const kept: boolean[] = [];
  for (let n = 0; n < 4; n++) {
    const before = looks();
    expectAnswer(await one.prompt());
    kept.push(looks() === before);
  }
  expect(kept).toContain(true);
});

const afresh =
  (make: (path: string) => unknown) =>
  (path: string): void => {
    rmSync(path);
    make(path);
  };

describe('in its place lies', () => {
  const spoils: [string, (path: string) => void][] = [
    ['nothing', (path) => rmSync(path)],
    ['an empty file', (path) => writeFileSync(path, '')],
    [
      'garbage',
      (path) => writeFileSync(path, Buffer.from(Array.from({ length: 50_000 }, (_, n) => (n * 31) % 256))),
    ],
    ['zeros', (path) => writeFileSync(path, Buffer.alloc(lstatSync(path).size))],
    ['half of it', (path) => writeFileSync(path, readFileSync(path).subarray(0, lstatSync(path).size / 2))],
    ['a FIFO', afresh((path) => execFileSync('mkfifo', [path]))],
    ['a directory', afresh((path) => mkdirSync(path))],
    ['a link to itself', afresh((path) => symlinkSync(path, path))],
    ['a link to a device', afresh((path) => symlinkSync('/dev/zero', path))],
    ['a file that others may write', (path) => chmodSync(path, 0o666)],
    [
      'what another hook left',
      (path) =>
        cpSync(
          `${path.replace(/user-prompt-submit.*/, '')}${readdirSync(join(path, '..')).find((name) => name.startsWith('session-start'))}`,
          path,
        ),
    ],
  ];
  test.each(spoils)('%s', async (_what, spoil) => {
    const { one, files } = await warm();
    spoil(prompts(files()));
    expectAnswer(await one.prompt());
    expectAnswer(await one.prompt());
  });

  /** As after a power cut: of the right length, with pages that never reached the disk. */
  test.each([0.2, 0.4, 0.6, 0.8, 0.95])('a cache whose pages from %d on are zeros', async (from) => {
    const { one, files } = await warm();
    const path = prompts(files());
    const bytes = readFileSync(path);
    bytes.fill(0, Math.floor(bytes.length * from));
    writeFileSync(path, bytes);
    expectAnswer(await one.prompt());
    expectAnswer(await one.prompt());
  });

  test.each([1, 2, 3, 4, 5, 6])('a cache with a flipped bit in every page (%d)', async (bit) => {
    const { one, files } = await warm();
    const path = prompts(files());
    const bytes = readFileSync(path);
    for (let at = 100 + bit * 97; at < bytes.length; at += 4096) bytes[at] = bytes[at]! ^ (1 << bit);
    writeFileSync(path, bytes);
    expectAnswer(await one.prompt());
    expectAnswer(await one.prompt());
  });
});

test.each<[string, (folder: string) => void]>([
  ['a file', (folder) => write(folder, 'x')],
  ['a link to nowhere', (folder) => symlinkSync('/nonexistent/x', folder)],
  ['a FIFO', (folder) => execFileSync('mkfifo', [folder])],
])('with %s in place of its folder', async (_what, make) => {
  const w = world();
  mkdirSync(join(w.home, '.cache'));
  make(join(w.home, '.cache', 'flowloom'));
  const one = w.session({ env: { XDG_CACHE_HOME: undefined } });
  expectAnswer(await one.start());
  expectAnswer(await one.prompt());
  expect(existsSync('/nonexistent')).toBe(false);
});

test('another version of the hooks does not use it', async () => {
  const w = world();
  const copy = join(w.base, 'flowloom', 'hooks');
  cpSync(hooksFolder, copy, { recursive: true });
  const through = ['/bin/sh', '-c', `exec "$0" "${join(copy, 'session-start.cjs')}"`];
  const env = { XDG_CACHE_HOME: undefined };
  const one = w.session({ env });
  expectAnswer(await one.start('startup', { through }));
  const body = join(copy, 'body', 'session-start.cjs');
  const text = readFileSync(body, 'utf8');
  expect(text).toContain('You are master (epoch');
  // Of the same length: only its time says that it is another one.
  writeFileSync(body, text.replace('You are master (epoch', 'You are bakers (epoch'));
  const told = await one.start('compact', { through });
  expect(told.context).toMatch(/^You are bakers/);
});

test.each(['body', 'lazy'])(
  'an installation that lost its folder %s does not disturb the session',
  async (name) => {
    const w = world();
    const copy = join(w.base, 'flowloom', 'hooks');
    cpSync(hooksFolder, copy, { recursive: true });
    rmSync(join(copy, name), { recursive: true });
    const one = w.session();
    for (const hook of ['session-start', 'user-prompt-submit', 'stop', 'session-end'] as const) {
      const fired = await one.fire(hook, {
        through: ['/bin/sh', '-c', `exec "$0" "${join(copy, `${hook}.cjs`)}"`],
      });
      expect([hook, fired.code, fired.signal]).toEqual([hook, 0, null]);
    }
  },
);
