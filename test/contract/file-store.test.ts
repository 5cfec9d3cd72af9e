import { execFileSync } from 'node:child_process';
import {
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
import { describe, expect, test } from 'vitest';
import { fileStore } from '../../src/stores/file-store.ts';
import { bundled, run } from '../support/other-process.ts';
import { birth, presence } from '../support/records.ts';
import { filesBelow, scratch, write } from '../support/scratch.ts';
import { type StoreKit, storeContract } from './store-contract.ts';
import { onSuchAFileSystem } from './without-hard-links.ts';

const birthPath = (place: string, seq: number): string =>
  join(place, 'seq', `${String(seq).padStart(12, '0')}.json`);

const replaced =
  (
    path: (place: string, what: { seq: number; id: string; note: string }) => string,
    make: (path: string) => void,
  ) =>
  (place: string, what: { seq: number; id: string; note: string }): void => {
    rmSync(path(place, what), { recursive: true, force: true });
    make(path(place, what));
  };
const ofBirth = (make: (path: string) => void) => replaced((place, { seq }) => birthPath(place, seq), make);
const ofPresence = (make: (path: string) => void) =>
  replaced((place, { id }) => join(place, 'members', id, 'presence.json'), make);
const ofNote = (make: (path: string) => void) =>
  replaced((place, { note }) => join(place, 'handoffs', `${note}.md`), make);

const old = (path: string, ageMs = 60_000): void =>
  utimesSync(path, new Date(Date.now() - ageMs), new Date(Date.now() - ageMs));
const fifo = (path: string): void => void execFileSync('mkfifo', [path]);
const link = (path: string): void => symlinkSync('/etc/hostname', path);
const garbage = (path: string): void => writeFileSync(path, Buffer.from([0, 255, 123, 1]));
const half = (path: string): void => writeFileSync(path, '{"version":1,"id":"vic');
const foreign = (path: string): void => writeFileSync(path, '{"version":99,"hello":"world"}');
const huge = (path: string): void => {
  writeFileSync(path, '{');
  truncateSync(path, 100 << 20);
};
const empty = (path: string): void => {
  writeFileSync(path, '');
  old(path);
};

const kit: StoreKit = {
  open: fileStore,
  capabilities: { exclusive: true, keeps: true, forgets: true },
  holds: (place, id) =>
    filesBelow(place).some(
      (file) => file.includes(id) || readFileSync(join(place, file), 'utf8').includes(id),
    ),
  module: join(import.meta.dirname, '..', '..', 'src', 'stores', 'file-store.ts'),
  factory: 'fileStore',
  damage: {
    'a birth with garbage': ofBirth(garbage),
    'half a birth': ofBirth(half),
    'an old empty birth': ofBirth(empty),
    'a birth of another program': ofBirth(foreign),
    'a FIFO for a birth': ofBirth(fifo),
    'a directory for a birth': ofBirth(mkdirSync),
    'a symbolic link for a birth': ofBirth(link),
    'a birth of 100 MB': ofBirth(huge),
    'a presence with garbage': ofPresence(garbage),
    'half a presence': ofPresence(half),
    'a presence of another program': ofPresence(foreign),
    'a FIFO for a presence': ofPresence(fifo),
    'a symbolic link for a presence': ofPresence(link),
    'a directory for a presence': ofPresence(mkdirSync),
    'a presence of 100 MB': ofPresence(huge),
    'a FIFO for a note': ofNote(fifo),
    'a directory for a note': ofNote(mkdirSync),
    'a symbolic link for a note': ofNote(link),
    'a note of 100 MB': ofNote(huge),
  },
  litter(place) {
    for (const name of [
      'notes.txt',
      '.hidden',
      'seq/README',
      'seq/7.json',
      'seq/000000000009.json.bak',
      'seq/00000000000x.json',
      'seq/0000000000010.json',
      'handoffs/mine.md',
      'handoffs/000001-abc.md~',
      'members/README',
    ])
      write(join(place, name), 'not ours');
  },
  leftovers(place) {
    const names = [
      join('seq', 'claim.1-2-3.tmp'),
      join('members', 'a', 'presence.json.1-2-3.tmp'),
      join('handoffs', '000001-abc.md.1-2-3.tmp'),
    ];
    for (const name of names) old(write(join(place, name), 'half'));
    return names.length;
  },
};

storeContract('file', kit);

storeContract('file, on a file system without hard links', {
  ...kit,
  ...onSuchAFileSystem(),
});

describe('only the file store', () => {
  test('keeps directories 0700 and files 0600, whatever the umask', async () => {
    const place = join(scratch(), 'state');
    const before = process.umask(0);
    try {
      const store = fileStore(place);
      await store.join(birth('a'), 0);
      await store.announce('a', presence());
      await store.putHandoff('000001-abc', 'x');
      await store.putHandoff('000001-abc.reconstructed', 'x', { first: true });
    } finally {
      process.umask(before);
    }
    for (const name of filesBelow(place))
      expect([name, statSync(join(place, name)).mode & 0o777]).toEqual([name, 0o600]);
    for (const name of ['.', 'seq', 'members', 'members/a', 'handoffs'])
      expect([name, statSync(join(place, name)).mode & 0o777]).toEqual([name, 0o700]);
  });

  test('leaves no temporary file behind', async () => {
    const place = scratch();
    const store = fileStore(place);
    for (let i = 0; i < 5; i++) await store.join(birth('a'), 0);
    await store.announce('a', presence());
    await store.putHandoff('000001-abc', 'x');
    expect(filesBelow(place).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  test('a note that is about to take its place counts as soon as it is there', async () => {
    const place = scratch();
    const store = fileStore(place);
    const [path, coming] = ['.md', '.next.md'].map((end) => join(place, 'handoffs', `000001-abc${end}`)) as [
      string,
      string,
    ];
    await store.putHandoff('000001-abc', 'old');
    expect(store.handoffPlace('000001-abc')).toBe(path);
    // Its writer was killed before the old one went.
    write(coming, 'new');
    expect([await store.handoff('000001-abc'), await store.handoffs()]).toEqual(['old', ['000001-abc']]);
    // And after that.
    rmSync(path);
    expect([await store.handoff('000001-abc'), await store.handoffs()]).toEqual(['new', ['000001-abc']]);
    expect(store.handoffPlace('000001-abc')).toBe(coming);
    expect(await store.putHandoff('000001-abc', 'late', { first: true })).toBe(false);
    // Whoever finds the name taken does without it, and takes it away when nobody can be using it any more.
    await store.putHandoff('000001-abc', 'newer');
    expect(await store.handoff('000001-abc')).toBe('newer');
    expect(readFileSync(coming, 'utf8')).toBe('new');
    expect(await store.sweep(30_000)).toBe(0);
    old(coming);
    expect(await store.sweep(30_000)).toBe(1);
    old(write(coming, 'old'));
    await store.putHandoff('000001-abc', 'newest');
    expect(filesBelow(place)).toEqual([join('handoffs', '000001-abc.md')]);
    expect(await store.handoff('000001-abc')).toBe('newest');
  });

  const writer = bundled(`
    import { fileStore } from './src/stores/file-store.ts';
    const [place, name, presence] = process.argv.slice(2);
    (async () => {
      const store = fileStore(place);
      for (let n = 0; n < 100; n++) {
        await store.putHandoff('000001-abc', \`\${name} \${n} \${'x'.repeat(5000)} \${name} \${n}\`);
        await store.announce('m', { ...JSON.parse(presence), doing: \`\${name} \${n}\` });
        // A turn takes longer. Whoever looks under three names one after the other may miss two writers in a row.
        await new Promise((resolve) => setTimeout(resolve, 3 + (n % 5)));
      }
    })();
  `);

  test('hooks of one member that write at the same time never leave it without a presence or a note', async () => {
    const place = scratch();
    const store = fileStore(place);
    await store.putHandoff('000001-abc', 'a 0 a 0');
    await store.announce('m', presence());
    let writing = true;
    const writers = ['a', 'b', 'c'].map((name) => run(writer, [place, name, JSON.stringify(presence())]));
    const done = Promise.all(writers).finally(() => {
      writing = false;
    });
    const texts = new Set<string>();
    while (writing) {
      const text = await store.handoff('000001-abc');
      expect(text).toMatch(/^(\w) (\d+) .*\1 \2$/);
      texts.add(text ?? '');
      expect(await store.presence('m')).not.toBeNull();
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    await done;
    expect(texts.size).toBeGreaterThan(10);
    expect(filesBelow(place).filter((name) => !name.startsWith('seals'))).toEqual([
      join('handoffs', '000001-abc.md'),
      join('members', 'm', 'presence.json'),
    ]);
  });

  test('a claim that is empty for a moment is neither read nor called damaged', async () => {
    const place = scratch();
    const store = fileStore(place);
    write(birthPath(place, 1), '');
    expect(await store.birth(1)).toBeNull();
    expect(await store.damaged()).toEqual([]);
    expect((await store.numbers()).above).toEqual([1]);
    expect(await store.join(birth('b'), 0)).toBe(2);
  });

  test('a number at the very end of what a name can hold does not keep others from joining', async () => {
    const place = scratch();
    const store = fileStore(place);
    write(birthPath(place, 999_999_999_999), '{}');
    const first = await store.join(birth('a'), 0);
    const second = await store.join(birth('b'), 0);
    expect(second).toBeGreaterThan(first);
    expect((await store.numbers()).above).toEqual(expect.arrayContaining([first, second]));
  });

  test('numbers keep their order past every power of ten', async () => {
    const place = scratch();
    const store = fileStore(place);
    for (const floor of [8, 9, 98, 99, 998, 999_998, 999_999]) await store.join(birth('a'), floor);
    const numbers = (await store.numbers()).above;
    expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
    expect(readdirSync(join(place, 'seq')).sort()).toEqual(
      numbers.map((seq) => `${String(seq).padStart(12, '0')}.json`),
    );
  });

  test.each<[string, (path: string) => void]>([
    ['a file', (path) => writeFileSync(path, 'theirs')],
    ['a FIFO', fifo],
  ])('%s in place of its folders is a failure and not an absence of records', async (_what, make) => {
    const place = scratch();
    make(join(place, 'seq'));
    await expect(fileStore(place).join(birth('a'), 0)).rejects.toThrow();
  });
});
