/** What another user puts where answers and compiled hooks are kept is never run. */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readEntry } from '../../src/io/code-entry.ts';
import { missing } from '../support/missing.ts';
import { scratch, write } from '../support/scratch.ts';
import { idOf } from '../support/state.ts';
import { type SessionUnderTest, type World, world } from '../support/world.ts';
import { aSecond, isByGate, settle, shells, steadySession, through } from './kit.ts';

const isRoot = process.getuid?.() === 0;
const stranger = 60_001;
const belongToStranger = (path: string): void =>
  void execFileSync('chown', ['-hR', `${stranger}:${stranger}`, path]);

interface Trap {
  readonly w: World;
  readonly one: SessionUnderTest;
  readonly cache: string;
  readonly ready: string;
  /** A file of the user's own that says so when it is run. */
  readonly own: string;
  readonly pwned: () => boolean;
}

function trap(): Trap {
  const w = world();
  const shared = join(w.base, 'shared');
  mkdirSync(shared);
  chmodSync(shared, 0o777);
  const one = w.session({ env: { XDG_CACHE_HOME: shared } });
  const cache = join(shared, 'flowloom');
  const mark = join(w.base, 'pwned');
  const own = write(join(w.base, 'own.sh'), `: >'${mark}'\n`);
  return { w, one, cache, ready: join(cache, 'ready', one.id), own, pwned: () => existsSync(mark) };
}

/** The directories where answers are looked for, open to everybody. */
function open({ ready }: Trap): void {
  mkdirSync(dirname(ready), { recursive: true });
  for (const path of [dirname(dirname(ready)), dirname(ready)]) chmodSync(path, 0o777);
}

const traps: Record<string, (t: Trap) => void> = {
  'a link to a file of the user': (t) => {
    open(t);
    symlinkSync(t.own, t.ready);
  },
  'a second name of a file of the user': (t) => {
    open(t);
    linkSync(t.own, t.ready);
  },
  'a FIFO': (t) => {
    open(t);
    execFileSync('mkfifo', [t.ready]);
  },
  'a link to another directory of the user': (t) => {
    open(t);
    rmSync(dirname(t.ready), { recursive: true });
    const elsewhere = join(t.w.base, 'elsewhere');
    mkdirSync(elsewhere);
    linkSync(t.own, join(elsewhere, t.one.id));
    symlinkSync(elsewhere, dirname(t.ready));
  },
};

const byStranger: Record<string, (t: Trap) => void> = {
  'directories of a stranger, with a link to a file of the user': (t) => {
    open(t);
    symlinkSync(t.own, t.ready);
    belongToStranger(t.cache);
  },
  'directories of a stranger, with a second name of a file of the user': (t) => {
    open(t);
    belongToStranger(t.cache);
    linkSync(t.own, t.ready);
  },
  'a file of a stranger': (t) => {
    open(t);
    write(t.ready, `# {"hooks":"x"}\n${readFileSync(t.own, 'utf8')}`);
    belongToStranger(t.ready);
  },
};

describe.each(shells)('in $name', ({ name, shell, isHere }) => {
  if (!isHere) return missing(name);

  test.each(Object.entries({ ...traps, ...(isRoot ? byStranger : {}) }))(
    'nothing runs what is there in place of an answer: %s',
    async (_what, make) => {
      const t = trap();
      make(t);
      const fired = await t.one.prompt('go on', through(shell));
      expect([fired.code, isByGate(fired)]).toEqual([0, false]);
      expect(fired.context).toMatch(/^You are master \(epoch 1\)/);
      expect(t.pwned()).toBe(false);
      expect(readFileSync(t.own, 'utf8')).toContain('pwned');
    },
  );
  if (!isRoot) missing('root, to be a stranger');

  test('a directory of its own that is open to others is closed, and the gate answers again', async () => {
    const t = trap();
    open(t);
    await t.one.start();
    await t.one.prompt('x', through(shell));
    await aSecond();
    await settle(t.one, shell);
    for (const path of [t.cache, dirname(t.ready)]) expect(statSync(path).mode & 0o777).toBe(0o700);
  });

  test.each([
    ['a link', (beat: string, kept: string) => symlinkSync(kept, beat)],
    ['a second name', (beat: string, kept: string) => linkSync(kept, beat)],
  ])('a beat that is %s of another file leaves that as it is', async (_what, make) => {
    const w = world();
    const one = await steadySession(w, shell);
    await settle(one, shell);
    const kept = write(join(w.base, 'kept'), 'kept');
    const beat = join(w.state, 'members', idOf(w.state, one.client.pid), 'beat');
    rmSync(beat);
    make(beat, kept);
    const fired = await one.prompt('go on', through(shell));
    expect([fired.code, isByGate(fired)]).toEqual([0, false]);
    expect(readFileSync(kept, 'utf8')).toBe('kept');
  });
});

describe('compiled code', () => {
  const anEntry = (): string => {
    const path = write(join(scratch('entry'), 'flowloom', 'entry.bin'), Buffer.from('abab'));
    chmodSync(path, 0o600);
    chmodSync(dirname(path), 0o700);
    return path;
  };

  test.each<[string, (path: string) => string | undefined, boolean]>([
    ['a directory of its own', () => undefined, true],
    ['one that others may write in', (path) => void chmodSync(dirname(path), 0o777), false],
    ['one that its group may write in', (path) => void chmodSync(dirname(path), 0o770), false],
    [
      'a link to one',
      (path) => {
        renameSync(dirname(path), `${dirname(path)}.real`);
        symlinkSync(`${dirname(path)}.real`, dirname(path));
        return undefined;
      },
      false,
    ],
    ...(isRoot
      ? ([
          [
            'one of a stranger',
            (path: string) => void execFileSync('chown', [`${stranger}`, dirname(path)]),
            false,
          ],
        ] as [string, (path: string) => undefined, boolean][])
      : []),
  ])('is taken from %s or not', (_what, make, taken) => {
    const path = anEntry();
    make(path);
    expect(readEntry(path) !== undefined).toBe(taken);
  });

  test.skipIf(!isRoot)('is not kept in a directory of a stranger', async () => {
    const t = trap();
    mkdirSync(t.cache);
    chmodSync(t.cache, 0o777);
    belongToStranger(t.cache);
    await t.one.start();
    await t.one.prompt();
    expect(readdirSync(t.cache)).toEqual([]);
  });
});
