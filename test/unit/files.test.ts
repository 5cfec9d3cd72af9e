import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  closeSync,
  existsSync,
  ftruncateSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  createFile,
  exchangeFile,
  linkNew,
  makePrivateDirectory,
  replaceFile,
  writeTemporary,
} from '../../src/io/atomic-write.ts';
import { fingerprint } from '../../src/io/fingerprint.ts';
import { appendLog, readLog } from '../../src/io/log.ts';
import { notebooksIn } from '../../src/io/notebook-file.ts';
import type { Place } from '../../src/io/places.ts';
import { preparePlace } from '../../src/io/places.ts';
import { startOf, thisDomain } from '../../src/io/processes.ts';
import { safeRead, UnreadableError } from '../../src/io/safe-read.ts';
import { readTail } from '../../src/io/tail.ts';
import { startClient } from '../support/clients.ts';
import { scratch, write } from '../support/scratch.ts';

const mode = (path: string): number => statSync(path).mode & 0o777;

describe('reading what anybody may have put there', () => {
  test('a regular file', () => {
    expect(safeRead(write(join(scratch(), 'a'), 'text ä'), 100)).toBe('text ä');
  });

  test('nothing there is null', () => {
    expect(safeRead(join(scratch(), 'a'), 100)).toBeNull();
  });

  test.each<[string, (path: string) => void, string]>([
    ['a FIFO without a writer', (path) => execFileSync('mkfifo', [path]), 'ENOTFILE'],
    ['a directory', (path) => mkdirSync(path), 'ENOTFILE'],
    ['a symbolic link to a good file', (path) => symlinkSync(write(`${path}.target`, 'x'), path), 'ELOOP'],
    ['a symbolic link to itself', (path) => symlinkSync(path, path), 'ELOOP'],
    ['a file that is too large', (path) => writeFileSync(path, 'x'.repeat(101)), 'EFBIG'],
    [
      'a sparse file of 100 GB',
      (path) => {
        writeFileSync(path, '');
        truncateSync(path, 100 * 1024 ** 3);
      },
      'EFBIG',
    ],
  ])('%s is refused with a reason, at once', (_what, make, code) => {
    const path = join(scratch(), 'record');
    make(path);
    expect(() => safeRead(path, 100)).toThrow(UnreadableError);
    expect(() => safeRead(path, 100)).toThrow(expect.objectContaining({ code }));
  });

  test('a device is refused', () => {
    expect(() => safeRead('/dev/zero', 100)).toThrow(UnreadableError);
  });

  test('a path that is none is refused and not absent', () => {
    expect(() => safeRead('/dev/null/x', 100)).toThrow(UnreadableError);
    expect(() => safeRead(join(scratch(), 'x\0y'), 100)).toThrow();
  });
});

describe('writing as a whole or not at all', () => {
  test('replaces, private, and leaves nothing behind', () => {
    const path = join(scratch(), 'record');
    replaceFile(path, 'one');
    replaceFile(path, 'two', { durable: true });
    expect(readFileSync(path, 'utf8')).toBe('two');
    expect(mode(path)).toBe(0o600);
    expect(readdirSync(join(path, '..'))).toEqual(['record']);
  });

  test('private whatever the umask', () => {
    const path = join(scratch(), 'deep', 'er', 'record');
    const before = process.umask(0);
    try {
      makePrivateDirectory(join(path, '..'));
      replaceFile(path, 'x');
      createFile(`${path}-2`, 'x');
    } finally {
      process.umask(before);
    }
    expect([mode(join(path, '..')), mode(join(path, '..', '..')), mode(path), mode(`${path}-2`)]).toEqual([
      0o700, 0o700, 0o600, 0o600,
    ]);
  });

  test('replaces a symbolic link and not what it points to', () => {
    const base = scratch();
    const target = write(join(base, 'target'), 'theirs');
    symlinkSync(target, join(base, 'record'));
    replaceFile(join(base, 'record'), 'mine');
    expect(readFileSync(target, 'utf8')).toBe('theirs');
    expect(readFileSync(join(base, 'record'), 'utf8')).toBe('mine');
  });

  test('replaces a FIFO without waiting for a reader', () => {
    const path = join(scratch(), 'record');
    execFileSync('mkfifo', [path]);
    replaceFile(path, 'mine');
    expect(readFileSync(path, 'utf8')).toBe('mine');
  });

  test('in place of a directory it fails, leaves the directory and no rubbish', () => {
    const base = scratch();
    write(join(base, 'record', 'precious'), 'theirs');
    expect(() => replaceFile(join(base, 'record'), 'mine')).toThrow();
    expect(readdirSync(base)).toEqual(['record']);
    expect(readFileSync(join(base, 'record', 'precious'), 'utf8')).toBe('theirs');
  });

  test('exchanges, private, and leaves nothing behind', () => {
    const path = join(scratch(), 'record');
    for (const text of ['one', 'two', 'three']) {
      exchangeFile(path, `${path}.next`, text);
      expect(readFileSync(path, 'utf8')).toBe(text);
    }
    expect(mode(path)).toBe(0o600);
    expect(readdirSync(join(path, '..'))).toEqual(['record']);
  });

  test('exchanges a link and a FIFO, and not what a link points to', () => {
    const base = scratch();
    const target = write(join(base, 'target'), 'theirs');
    symlinkSync(target, join(base, 'record'));
    execFileSync('mkfifo', [join(base, 'pipe')]);
    for (const name of ['record', 'pipe']) exchangeFile(join(base, name), join(base, 'next'), 'mine');
    expect(readFileSync(target, 'utf8')).toBe('theirs');
    expect(readFileSync(join(base, 'record'), 'utf8')).toBe('mine');
    expect(readFileSync(join(base, 'pipe'), 'utf8')).toBe('mine');
  });

  test('what cannot be exchanged stays, and no rubbish', () => {
    const base = scratch();
    write(join(base, 'record', 'precious'), 'theirs');
    expect(() => exchangeFile(join(base, 'record'), join(base, 'next'), 'mine')).toThrow();
    expect(readdirSync(base)).toEqual(['record']);
    expect(readFileSync(join(base, 'record', 'precious'), 'utf8')).toBe('theirs');
  });

  test('creates once: the first one stays', () => {
    const path = join(scratch(), 'record');
    expect(createFile(path, 'first')).toBe(true);
    expect(createFile(path, 'second', { durable: true })).toBe(false);
    expect(readFileSync(path, 'utf8')).toBe('first');
    expect(readdirSync(join(path, '..'))).toEqual(['record']);
    expect(mode(path)).toBe(0o600);
  });

  test.each<[string, (path: string) => void]>([
    ['a directory', (path) => mkdirSync(path)],
    ['a FIFO', (path) => execFileSync('mkfifo', [path])],
    ['a symbolic link that leads nowhere', (path) => symlinkSync('/nonexistent/x', path)],
    ['a hard link', (path) => linkSync(write(`${path}.other`, 'x'), path)],
  ])('%s counts as taken', (_what, make) => {
    const path = join(scratch(), 'record');
    make(path);
    expect(createFile(path, 'mine')).toBe(false);
  });

  test('temporary names never collide', () => {
    const base = scratch();
    const names = Array.from({ length: 500 }, () => writeTemporary(join(base, 'x'), 'x', false));
    expect(new Set(names).size).toBe(500);
    for (const name of names) expect(name.endsWith('.tmp')).toBe(true);
  });

  test('where nothing can be written the error says so', () => {
    expect(() => replaceFile(join(scratch(), 'no', 'such', 'record'), 'x')).toThrow(/ENOENT/);
    expect(() => linkNew('/nonexistent', join(scratch(), 'x'), 'x')).toThrow(/ENOENT/);
  });
});

describe('the tail of a growing file', () => {
  test('reads on from where it stopped, whole lines only', () => {
    const path = write(join(scratch(), 't'), 'one\ntwo\nthr');
    const first = readTail(path, 0);
    expect(first).toEqual({ text: 'one\ntwo\n', offset: 8 });
    expect(readTail(path, first.offset)).toEqual({ text: '', offset: 8 });
    appendFileSync(path, 'ee\nfour\n');
    expect(readTail(path, first.offset)).toEqual({ text: 'three\nfour\n', offset: 19 });
  });

  test('any writes and any reads in between give every line once', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.string({ unit: 'grapheme', maxLength: 20 }), fc.boolean()), { maxLength: 30 }),
        (writes) => {
          const path = write(join(scratch(), 't'), '');
          let offset = 0;
          let read = '';
          let all = '';
          for (const [text, look] of [...writes, ['\n', true] as const]) {
            appendFileSync(path, text);
            all += text;
            if (!look) continue;
            const tail = readTail(path, offset);
            read += tail.text;
            offset = tail.offset;
          }
          expect(read).toBe(all);
        },
      ),
      { numRuns: 100 },
    );
  });

  test('a file that shrank is read from its tail', () => {
    const path = write(join(scratch(), 't'), 'new\n');
    expect(readTail(path, 1000)).toEqual({ text: 'new\n', offset: 4 });
  });

  test('at most 512 KiB of a large one, and it ends at a line', () => {
    const path = write(join(scratch(), 't'), 'x'.repeat(99).concat('\n').repeat(20_000));
    const { text, offset } = readTail(path, 0);
    expect(text.length).toBeLessThanOrEqual(512 * 1024);
    expect(offset).toBe(2_000_000);
    expect(text.endsWith('\n')).toBe(true);
  });

  test('a sparse file of 50 GB costs no more', () => {
    const path = join(scratch(), 't');
    const fd = openSync(path, 'w');
    ftruncateSync(fd, 50 * 1024 ** 3);
    closeSync(fd);
    appendFileSync(path, '\n{"type":"x"}\n');
    expect(readTail(path, 0).text.endsWith('\n{"type":"x"}\n')).toBe(true);
  });

  test('an endless line costs nothing but itself', () => {
    const path = write(join(scratch(), 't'), 'x'.repeat(2 << 20));
    const first = readTail(path, 0);
    expect(first.text).toBe('');
    appendFileSync(path, '\n{"type":"x"}\n');
    expect(readTail(path, first.offset).text.endsWith('{"type":"x"}\n')).toBe(true);
  });

  test.each<[string, (path: string) => void]>([
    ['nothing', () => {}],
    ['a directory', (path) => mkdirSync(path)],
    ['a FIFO', (path) => execFileSync('mkfifo', [path])],
  ])('%s gives nothing and keeps the offset', (_what, make) => {
    const path = join(scratch(), 't');
    make(path);
    expect(readTail(path, 7)).toEqual({ text: '', offset: 7 });
    expect(readTail('/x\0y', 7)).toEqual({ text: '', offset: 7 });
  });
});

describe('the log', () => {
  const at = (path: string): Place => ({ path, what: 'git directory' });
  const entry = { at: '2026-11-22T08:00:00.000Z', event: 'Stop', code: 'x', message: 'm' };

  test('is one private line per entry, redacted and cut', () => {
    const place = join(scratch(), 'state');
    appendLog([at(place)], { ...entry, message: `AKIA${'V7ELED77E357Z635'} ${'x'.repeat(5000)}\nsecond` });
    appendLog([at(place)], entry);
    const text = readFileSync(join(place, 'log.jsonl'), 'utf8');
    expect(text.split('\n')).toHaveLength(3);
    expect(text).not.toContain('AKIA');
    expect(text.length).toBeLessThan(3000);
    expect([mode(place), mode(join(place, 'log.jsonl'))]).toEqual([0o700, 0o600]);
  });

  test('stays small', () => {
    const place = scratch();
    for (let i = 0; i < 600; i++) appendLog([at(place)], { ...entry, message: 'x'.repeat(2000) });
    for (const name of readdirSync(place)) expect(statSync(join(place, name)).size).toBeLessThan(300_000);
    expect(readdirSync(place).length).toBeLessThanOrEqual(2);
  });

  test.each<[string, (path: string) => void]>([
    ['a FIFO', (path) => execFileSync('mkfifo', [path])],
    ['a directory', (path) => mkdirSync(path)],
    ['a symbolic link', (path) => symlinkSync('/dev/null', path)],
  ])('with %s in its place the next directory takes it', (_what, make) => {
    const base = scratch();
    mkdirSync(join(base, 'one'));
    make(join(base, 'one', 'log.jsonl'));
    appendLog([at(join(base, 'one')), at(join(base, 'two'))], entry);
    expect(readLog([join(base, 'one'), join(base, 'two')], 10)).toEqual([entry]);
  });

  test('nowhere to write is no error', () => {
    expect(() => appendLog([at('/dev/null/x'), at('/dev/null/y')], entry)).not.toThrow();
  });

  test('torn and foreign lines are skipped, the newest come last', () => {
    const place = scratch();
    write(
      join(place, 'log.jsonl'),
      `{"at":\nnull\n5\n${JSON.stringify({ ...entry, at: '2026-11-23' })}\n${JSON.stringify(entry)}\n{"at"`,
    );
    expect(readLog([place], 10).map(({ at }) => at)).toEqual([entry.at, '2026-11-23']);
    expect(readLog([place], 1).map(({ at }) => at)).toEqual(['2026-11-23']);
  });
});

describe('claims', () => {
  test('the first one who asks gets it, for any key', () => {
    const notebooks = notebooksIn(scratch());
    for (const key of ['told-1', '../../../escape', 'a/b', 'x'.repeat(5000), '\0', '', 'ü'])
      expect([key, notebooks.claim('m', `k${key}`), notebooks.claim('m', `k${key}`)]).toEqual([
        key,
        true,
        false,
      ]);
  });

  test('stay inside the folder of their member', () => {
    const place = scratch();
    notebooksIn(place).claim('m', '../../../escape');
    expect(readdirSync(place)).toEqual(['members']);
    expect(readdirSync(join(place, 'members', 'm', 'claims'))).toHaveLength(1);
  });

  test('that are over are let go of, now and then', () => {
    const place = scratch();
    const notebooks = notebooksIn(place);
    const claims = join(place, 'members', 'm', 'claims');
    const past = new Date(Date.now() - 60_000);
    for (let n = 0; n < 100; n++) {
      notebooks.claim('m', `prompt-${n}`);
      for (const name of readdirSync(claims)) utimesSync(join(claims, name), past, past);
    }
    expect(readdirSync(claims).length).toBeGreaterThan(0);
    expect(readdirSync(claims).length).toBeLessThan(60);
  });

  test('two keys that only look alike are two', () => {
    const notebooks = notebooksIn(scratch());
    const long = 'x'.repeat(200);
    expect(notebooks.claim('m', `${long}1`)).toBe(true);
    expect(notebooks.claim('m', `${long}2`)).toBe(true);
    expect(notebooks.claim('m', 'a b')).toBe(true);
    expect(notebooks.claim('m', 'a/b')).toBe(true);
  });
});

describe('a place for state', () => {
  test('is made private, also when it was not', () => {
    const path = join(scratch(), 'state');
    preparePlace({ path, what: 'git directory' });
    expect(mode(path)).toBe(0o700);
    chmodSync(path, 0o755);
    preparePlace({ path, what: 'git directory' });
    expect(mode(path)).toBe(0o700);
  });

  test.each<[string, (path: string) => void]>([
    ['a file', (path) => writeFileSync(path, 'theirs')],
    [
      'a symbolic link to a directory',
      (path) => {
        mkdirSync(`${path}.target`);
        symlinkSync(`${path}.target`, path);
      },
    ],
    ['a symbolic link to nowhere', (path) => symlinkSync('/nonexistent/x', path)],
    ['a FIFO', (path) => execFileSync('mkfifo', [path])],
  ])('%s is refused', (_what, make) => {
    const path = join(scratch(), 'state');
    make(path);
    expect(() => preparePlace({ path, what: 'git directory' })).toThrow();
    expect(existsSync('/nonexistent')).toBe(false);
  });
});

describe('processes', () => {
  test('a live one has a start time, a dead one none', async () => {
    const client = startClient();
    const start = startOf(client.pid);
    expect(start).toMatch(/./);
    expect(startOf(client.pid)).toBe(start);
    await client.kill();
    expect(startOf(client.pid)).toBeNull();
  });

  test('a command name with parentheses and spaces does not confuse it', () => {
    const base = scratch();
    const odd = join(base, 'a) R 1 (b');
    execFileSync('cp', ['/bin/sleep', odd]);
    const said = execFileSync('sh', ['-c', `"${odd}" 5 & p=$!; sleep 0.3; cat /proc/$p/stat; kill $p`], {
      encoding: 'utf8',
    });
    expect(said).toContain('(a) R 1 (b)');
  });

  test.each([0, -1, 2 ** 31, Number.NaN, 1.5])('there is no process %d', (pid) => {
    expect(startOf(pid)).toBeNull();
  });

  test('the domain never holds the plain identity of the machine', () => {
    const { host, boot, namespace } = thisDomain();
    for (const secret of ['/etc/machine-id', '/proc/sys/kernel/random/boot_id']) {
      const text = existsSync(secret) ? readFileSync(secret, 'utf8').trim() : '';
      if (text) for (const part of [host, boot, namespace]) expect(part).not.toContain(text);
    }
    expect(thisDomain()).toEqual({ host, boot, namespace });
  });
});

test('fingerprints are plain file names and differ', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (a, b) => {
      expect(fingerprint(a)).toMatch(/^[a-z0-9]{11}$/);
      if (a !== b) expect(fingerprint(a)).not.toBe(fingerprint(b));
    }),
  );
});
