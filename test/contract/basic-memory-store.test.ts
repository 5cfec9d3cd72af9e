import { execFileSync } from 'node:child_process';
import fs, {
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseHandoff, renderHandoff } from '../../src/core/handoff.ts';
import { basicMemoryStore } from '../../src/stores/basic-memory-store.ts';
import { openStore } from '../../src/stores/open.ts';
import { notesFolder, openProject, siteIn } from '../support/basic-memory-site.ts';
import { hostileText } from '../support/hostile.ts';
import { birth, handoff, presence } from '../support/records.ts';
import { contentsBelow, filesBelow, scratch, write } from '../support/scratch.ts';
import { type StoreKit, storeContract } from './store-contract.ts';
import { onSuchAFileSystem } from './without-hard-links.ts';

const at = (project: string, ...names: string[]): string => join(project, notesFolder, ...names);
const birthPath = (project: string, seq: number): string =>
  at(project, '.flowloom', 'seq', `${String(seq).padStart(12, '0')}.json`);
const memberPath = (project: string, id: string): string => at(project, 'members', `${id}.md`);
const notePath = (project: string, id: string): string => at(project, 'handoffs', `${id}.md`);

type What = { seq: number; id: string; note: string };
const replaced =
  (path: (project: string, what: What) => string, make: (path: string) => void) =>
  (project: string, what: What): void => {
    rmSync(path(project, what), { recursive: true, force: true });
    make(path(project, what));
  };
const ofBirth = (make: (path: string) => void) =>
  replaced((project, { seq }) => birthPath(project, seq), make);
const ofMember = (make: (path: string) => void) =>
  replaced((project, { id }) => memberPath(project, id), make);
const ofNote = (make: (path: string) => void) =>
  replaced((project, { note }) => notePath(project, note), make);

const old = (path: string, ageMs = 60_000): void =>
  utimesSync(path, new Date(Date.now() - ageMs), new Date(Date.now() - ageMs));
const fifo = (path: string): void => void execFileSync('mkfifo', [path]);
const link = (path: string): void => symlinkSync('/etc/hostname', path);
const garbage = (path: string): void => writeFileSync(path, Buffer.from([0, 255, 123, 1]));
const foreign = (path: string): void => writeFileSync(path, '{"version":99,"hello":"world"}');
const huge = (path: string): void => {
  writeFileSync(path, '---\n');
  truncateSync(path, 100 << 20);
};
const empty = (path: string): void => {
  writeFileSync(path, '');
  old(path);
};
const persons = (path: string): void =>
  writeFileSync(path, '---\ntitle: Mine\ntype: note\n---\n\n- [idea] mine\n');
const halfHead = (path: string): void =>
  writeFileSync(path, '---\ntitle: "Session api"\ntype: "flowloom_mem');
const brokenYaml = (path: string): void =>
  writeFileSync(path, '---\ntype: "flowloom_member"\nmember: "victim"\nname: "a: [b\n---\n');

const kit: StoreKit = {
  open: openProject,
  capabilities: { exclusive: true, keeps: true, forgets: true },
  holds: (project, id) =>
    filesBelow(project).some(
      (file) => file.includes(id) || readFileSync(join(project, file), 'utf8').includes(id),
    ),
  module: join(import.meta.dirname, '..', 'support', 'basic-memory-site.ts'),
  factory: 'openProject',
  prepare(project) {
    write(join(project, 'ideas', 'mine.md'), '---\ntitle: Mine\n---\n\n- [idea] theirs #keep\n');
  },
  damage: {
    'a birth with garbage': ofBirth(garbage),
    'an old empty birth': ofBirth(empty),
    'a birth of another program': ofBirth(foreign),
    'a FIFO for a birth': ofBirth(fifo),
    'a directory for a birth': ofBirth(mkdirSync),
    'a symbolic link for a birth': ofBirth(link),
    'a member note with garbage': ofMember(garbage),
    'an empty member note': ofMember(empty),
    'half a member note': ofMember(halfHead),
    'a member note whose head is no YAML': ofMember(brokenYaml),
    "a person's note in place of a member note": ofMember(persons),
    'a FIFO for a member note': ofMember(fifo),
    'a symbolic link for a member note': ofMember(link),
    'a directory for a member note': ofMember(mkdirSync),
    'a member note of 100 MB': ofMember(huge),
    'a FIFO for a handoff': ofNote(fifo),
    'a directory for a handoff': ofNote(mkdirSync),
    'a symbolic link for a handoff': ofNote(link),
    'a handoff of 100 MB': ofNote(huge),
  },
  litter(project) {
    for (const name of [
      'notes.txt',
      '.hidden',
      '.flowloom/README',
      '.flowloom/seq/7.json',
      '.flowloom/seq/000000000009.json.bak',
      'members/mine.md',
      'members/c.md',
      'members/README',
      'handoffs/mine.md',
      'handoffs/000001-abc.md~',
      'handoffs/.000001-abc.md.0011.tmp',
    ])
      write(at(project, name), 'not ours');
  },
  leftovers(project) {
    const names = [join('.flowloom', 'seq', 'claim.1-2-3.tmp'), join('.flowloom', 'note.1-2-3.tmp')];
    for (const name of names) old(write(at(project, name), 'half'));
    return names.length;
  },
};

storeContract('basic-memory', kit);

storeContract('basic-memory, on a file system without hard links', {
  ...kit,
  ...onSuchAFileSystem(),
});

describe('only the basic-memory store', () => {
  const rewritten = (text: string, change: (head: string) => string): string =>
    text.replace(/^---\n([\s\S]*?)---\n/, (_, head: string) => `---\n${change(head)}---\n`);
  /** As basic-memory does: quotes only where YAML needs them, and lists in block style. */
  const unquoted = (head: string): string =>
    head
      .replace(/^(\w+): "([^"\\]*)"$/gm, (_, key: string, value: string) =>
        /: |^[\d'#[]|^$/.test(value) ? `${key}: '${value.replaceAll("'", "''")}'` : `${key}: ${value}`,
      )
      .replace(/^tags: .*$/m, 'tags:\n- flowloom\n- handoff');
  const edit = (path: string, change: (text: string) => string): void =>
    writeFileSync(path, change(readFileSync(path, 'utf8')));

  test('is what the configuration opens', async () => {
    const store = await openStore('basic-memory', siteIn(scratch()));
    expect([store.kind, store.place.endsWith(notesFolder)]).toEqual(['basic-memory', true]);
  });

  test('quotes every value, whatever it is', async () => {
    const project = scratch();
    const store = openProject(project);
    await fc.assert(
      fc.asyncProperty(hostileText(), hostileText(), async (name, doing) => {
        await store.announce('a', presence({ name, doing }));
        const wellFormed = (text: string): string => Buffer.from(text).toString();
        const told = (await store.presence('a'))?.presence;
        expect([told?.name, told?.doing]).toEqual([wellFormed(name), wellFormed(doing)]);
        const head = readFileSync(memberPath(project, 'a'), 'utf8').split('\n---\n')[0]!;
        for (const row of head.split('\n').slice(1)) expect(row).toMatch(/^[a-z_]+: (?:".*"|\["?.*\])$/);
        expect(head).not.toMatch(/[^\n -~\u00a0-\ud7ff\ue000-\ufffd\ud800-\udfff]|[\u2028\u2029\ufeff]/);
      }),
      { numRuns: 100 },
    );
  });

  test('puts nothing of others into prose', async () => {
    const project = scratch();
    const store = openProject(project);
    await fc.assert(
      fc.asyncProperty(hostileText(), hostileText(), async (name, branch) => {
        await store.announce('a', presence({ name: `${name} [[x]] #y`, branch: `${branch}\n- [z] z` }));
        const body = readFileSync(memberPath(project, 'a'), 'utf8').split('\n---\n').slice(1).join('\n---\n');
        const prose = body.replace(/^(`{3,})text\n[\s\S]*?\n\1$/m, '');
        expect(prose.trim().split(/\n+/)).toEqual([
          '# Session a',
          '<!-- flowloom: kept below this line, replaced above it -->',
        ]);
      }),
      { numRuns: 60 },
    );
  });

  test('names the joins of a member, also one whose entry was missed', async () => {
    const project = scratch();
    const store = openProject(project);
    await store.announce('a', presence());
    const first = await store.join(birth('a'), 6);
    const second = await store.join(birth('a', { cause: 'promote' }), 0);
    const joins = (): string[] =>
      readFileSync(memberPath(project, 'a'), 'utf8').match(/^- \[join\].*$/gm) ?? [];
    expect(joins()).toEqual([`- [join] number ${first}`, `- [join] number ${second}`]);
    await store.announce(
      'a',
      presence({ left: { seq: second, at: '2026-11-22T09:00:00.000Z', reason: 'x' } }),
    );
    expect(joins()).toHaveLength(2);
    edit(memberPath(project, 'a'), (text) => text.replace(/^joins: .*$/m, 'joins: []'));
    await store.announce('a', presence());
    expect(joins()).toHaveLength(2);
  });

  test('a beat does not touch the note', async () => {
    const project = scratch();
    const store = openProject(project);
    await store.announce('a', presence());
    old(memberPath(project, 'a'));
    const before = statSync(memberPath(project, 'a'));
    const { beat } = (await store.presence('a'))!;
    await new Promise((resolve) => setTimeout(resolve, 20));
    await store.renew('a');
    const after = statSync(memberPath(project, 'a'));
    expect([after.mtimeMs, after.ino]).toEqual([before.mtimeMs, before.ino]);
    expect((await store.presence('a'))?.beat).not.toBe(beat);
    rmSync(memberPath(project, 'a'));
    await store.renew('a');
    expect(await store.presence('a')).toBeNull();
  });

  describe('a note that another program rewrote', () => {
    const told = presence({
      name: "it's: a #name",
      branch: '12:30:45',
      cwd: `/home/dev/${'long '.repeat(30)}end`,
      doing: 'first line\nsecond: line\n\n- third',
      transcript: '',
      left: { seq: 7, at: '2026-11-22T09:00:00.000Z', reason: 'end' },
    });
    const heads: Record<string, string> = {
      'block strings, folded lines, another order': `left_seq: 7
name: 'it''s: a #name'
type: flowloom_member
joins:
- '7'
- 9
transcript: ''
title: Session api
member: a
flowloom: 1
cwd: /home/dev/${'long '.repeat(15).trim()}
  ${'long '.repeat(15)}end
worktree: '/home/dev/shop'
doing: |-
  first line
  second: line

  - third
branch: 12:30:45
claude_session_id: 23351544-1c79-4d69-beae-dae97622fb9f
left_at: 2026-11-22T09:00:00.000Z
left_reason: end
permalink: elsewhere/a-1
reviewed_by: Ada
tags:
- flowloom
- mine
`,
      'double quotes over several lines, a key twice, an empty value': `type: "flowloom_member"
flowloom: "1"
member: "b"
member: "a"
name: "it's: a \\
  #name"
cwd: "/home/dev/${'long '.repeat(15)}\\
  ${'long '.repeat(15)}end"
worktree: /home/dev/shop
branch: "12:30:45"
claude_session_id: "23351544-1c79-4d69-beae-dae97622fb9f"
doing: "first line\\nsecond: line\\n\\n- third"
transcript:
left_seq: '7'
left_at: '2026-11-22T09:00:00.000Z'
left_reason: end
`,
    };
    test.each(Object.keys(heads))('is read: %s', async (what) => {
      const project = scratch();
      const store = openProject(project);
      await store.announce('a', presence());
      edit(memberPath(project, 'a'), (text) => rewritten(text, () => heads[what]!).trimEnd());
      expect((await store.presence('a'))?.presence).toEqual(told);
      edit(memberPath(project, 'a'), (text) => `\ufeff${text.replaceAll('\n', '\r\n')}`);
      expect((await store.presence('a'))?.presence.left).toEqual(told.left);
      expect(await store.damaged()).toEqual([]);
    });

    test('keeps the permalink, the keys, the joins and the text that it was given', async () => {
      const project = scratch();
      const store = openProject(project);
      await store.announce('a', presence());
      edit(
        memberPath(project, 'a'),
        (text) =>
          `${rewritten(text, () => heads['block strings, folded lines, another order']!).trimEnd()}\n- [review] mine #keep\n\n> more\n`,
      );
      for (const name of ['x', 'y']) {
        await store.announce('a', presence({ name }));
        const text = readFileSync(memberPath(project, 'a'), 'utf8');
        expect(text).toContain('\npermalink: "elsewhere/a-1"\n');
        expect(text).toContain('\nreviewed_by: "Ada"\n');
        expect(text).toContain('\njoins: ["7","9"]\n');
        expect(text.endsWith('above it -->\n- [review] mine #keep\n\n> more\n')).toBe(true);
        expect((await store.presence('a'))?.presence).toEqual(presence({ name }));
      }
    });

    test('leaves what a person wrote over a note of ours, below ours', async () => {
      const project = scratch();
      const store = openProject(project);
      await store.announce('a', presence());
      persons(memberPath(project, 'a'));
      expect(await store.presence('a')).toBeNull();
      await store.announce('a', presence());
      expect((await store.presence('a'))?.presence).toEqual(presence());
      expect(readFileSync(memberPath(project, 'a'), 'utf8')).toContain('\n- [idea] mine\n');
    });

    test('is still a handoff, and what was added to it is neither read nor lost', async () => {
      const project = scratch();
      const store = openProject(project);
      const id = '000007-2335154421c7';
      const written = handoff({
        name: 'a: b',
        said: '<!-- flowloom: kept below this line, replaced above it -->',
      });
      const note = renderHandoff(written, id, 6000);
      await store.putHandoff(id, note);
      expect(await store.handoff(id)).toBe(note);
      const path = notePath(project, id);
      expect(readFileSync(path, 'utf8')).toContain('permalink: "flowloom/shop-app-1-0a1b2c3d4e5/handoffs/');
      const { head, body } = parseHandoff(note, id)!;
      edit(path, (text) => `${rewritten(text, unquoted).trimEnd()}\nDo as I say.`);
      expect(parseHandoff((await store.handoff(id))!, id)).toEqual({ head, body });
      edit(path, (text) => rewritten(text, (own) => own.replace(/^goal: .*$/m, 'goal: now\n  test it')));
      expect(parseHandoff((await store.handoff(id))!, id)).toEqual({ head, body });
      const later = renderHandoff({ ...written, said: 'More.' }, id, 6000);
      await store.putHandoff(id, later);
      expect(await store.handoff(id)).toBe(later);
      expect(readFileSync(path, 'utf8').endsWith('\nDo as I say.')).toBe(true);
    });

    test('a handoff whose head is no YAML comes back as it is', async () => {
      const project = scratch();
      const store = openProject(project);
      const text = '---\ntitle: "x\n---\n\n## Goal\n';
      await store.putHandoff('000001-abc', text);
      expect(await store.handoff('000001-abc')).toBe(text);
    });
  });

  test('two scopes in one project have permalinks of their own, and do not meet', async () => {
    const project = scratch();
    const note = renderHandoff(handoff(), '000007-abc', 6000);
    const site = siteIn(project);
    const keys = ['.dotfiles-0a1b2c3d4e5', 'dotfiles-1a1b2c3d4e5'];
    const stores = keys.map((key) => basicMemoryStore({ ...site, scope: { ...site.scope, key } }));
    for (const store of stores) {
      await store.announce('a', presence({ name: store.place }));
      await store.join(birth('a'), 0);
      await store.putHandoff('000007-abc', note);
    }
    for (const store of stores) {
      expect((await store.presence('a'))?.presence.name).toBe(store.place);
      expect(await store.handoff('000007-abc')).toBe(note);
      expect((await store.numbers()).above).toEqual([1]);
    }
    const links = Object.values(contentsBelow(project)).flatMap(
      (text) => text.match(/^permalink: .*$/m) ?? [],
    );
    expect([links.length, new Set(links).size]).toEqual([4, 4]);
    // basic-memory passes over folders that begin with a dot.
    expect(filesBelow(project).filter((file) => file.endsWith('.md') && /(?:^|\/)\./.test(file))).toEqual([]);
  });

  test('keeps its own private, whatever the umask, and shows no temporary file', async () => {
    const project = scratch();
    const before = process.umask(0);
    try {
      const store = openProject(project);
      await store.announce('a', presence());
      await store.join(birth('a'), 0);
      await store.putHandoff('000001-abc', 'x');
      await store.putHandoff('000001-abc.reconstructed', 'x', { first: true });
    } finally {
      process.umask(before);
    }
    for (const name of filesBelow(project)) {
      expect(name.endsWith('.tmp')).toBe(false);
      expect([name, statSync(join(project, name)).mode & 0o777]).toEqual([name, 0o600]);
    }
    expect(statSync(join(project, 'flowloom')).mode & 0o777).toBe(0o700);
  });
});

describe('the project folder', () => {
  const configured = (home: string, config: unknown): void =>
    void write(
      join(home, '.basic-memory', 'config.json'),
      typeof config === 'string' ? config : JSON.stringify(config),
    );
  /** A home with two projects, and what opens the store in it. */
  const homeWith = (config: (folders: { one: string; two: string }) => unknown) => {
    const home = scratch('home');
    const folders = { one: join(home, 'one'), two: join(home, 'two') };
    for (const folder of Object.values(folders)) mkdirSync(folder);
    const text = config(folders);
    if (text !== undefined) configured(home, text);
    const open = (basicMemory: { path?: string; project?: string } = {}, env: NodeJS.ProcessEnv = {}) =>
      basicMemoryStore(siteIn(join(home, 'repository'), { basicMemory, env: { HOME: home, ...env } }));
    return { home, ...folders, open };
  };
  const usual = ({ one, two }: { one: string; two: string }) => ({
    projects: { main: { path: one, mode: 'local' }, 'My Notes': { path: two } },
    default_project: 'My Notes',
  });

  test.each<[string, (f: { one: string; two: string }) => unknown, { project?: string }, 'one' | 'two']>([
    ['the default one', usual, {}, 'two'],
    ['one by name', usual, { project: 'main' }, 'one'],
    ['one by another spelling', usual, { project: 'my-notes' }, 'two'],
    [
      'the first one where none is the default',
      ({ one, two }) => ({ projects: { a: one, b: two } }),
      {},
      'one',
    ],
    [
      'the first one where the default is gone',
      ({ one, two }) => ({ projects: { a: one, b: two }, default_project: 'c' }),
      {},
      'one',
    ],
    [
      'of the older shape',
      ({ one, two }) => ({ projects: { a: one, b: two }, default_project: 'b' }),
      {},
      'two',
    ],
  ])('%s', async (_, config, wanted, which) => {
    const found = homeWith(config);
    const store = found.open(wanted);
    await store.ready();
    expect(store.place).toBe(join(found[which], notesFolder));
  });

  test('is found where basic-memory itself looks for its configuration', () => {
    const { home, open, one, two } = homeWith(usual);
    const [other, xdg] = [join(home, 'other'), join(home, 'xdg')];
    write(join(other, 'config.json'), JSON.stringify({ projects: { a: one } }));
    write(join(xdg, 'basic-memory', 'config.json'), JSON.stringify({ projects: { a: two } }));
    expect(open({}, { BASIC_MEMORY_CONFIG_DIR: other, XDG_CONFIG_HOME: xdg }).place).toContain(one);
    expect(open({}, { XDG_CONFIG_HOME: xdg }).place).toContain(two);
  });

  test('is named by a path: absolute, in the home, or below the repository', () => {
    const { home, open, one } = homeWith(() => undefined);
    mkdirSync(join(home, 'repository', 'notes'), { recursive: true });
    expect(open({ path: one }).place).toBe(join(one, notesFolder));
    expect(open({ path: '~/one' }).place).toBe(join(one, notesFolder));
    expect(open({ path: 'notes' }).place).toBe(join(home, 'repository', 'notes', notesFolder));
  });

  test.each<[string, (f: { one: string; two: string }) => unknown, object, RegExp]>([
    ['no configuration', () => undefined, {}, /no configuration at .*config\.json: make a project with/],
    [
      'no JSON',
      () => '{ "projects": ',
      {},
      /config\.json names no projects: run "basic-memory project list"/,
    ],
    ['a list', () => [], {}, /names no projects/],
    ['no projects', () => ({ projects: {} }), {}, /names no default project/],
    [
      'no default',
      (f) => ({ ...usual(f), default_project: null }),
      {},
      /names no default project: set basicMemory\.project to one of main, My Notes/,
    ],
    ['another name', usual, { project: 'work' }, /has no project "work" \(it has main, My Notes\)/],
    [
      'a cloud project',
      ({ one }) => ({ projects: { a: { path: one, mode: 'cloud' } } }),
      {},
      /"a" is not on this machine/,
    ],
    [
      'an older cloud project',
      ({ one }) => ({ projects: { a: one }, project_modes: { a: 'cloud' } }),
      {},
      /"a" is not on this machine/,
    ],
    [
      'a folder that is gone',
      ({ one }) => ({ projects: { a: { path: `${one}/gone` } } }),
      {},
      /folder of the basic-memory project "a", .*gone, is not there: make it/,
    ],
    ['a relative path', () => ({ projects: { a: 'notes' } }), {}, /is not there/],
    ['no path', () => ({ projects: { a: { mode: 'local' } } }), {}, /\(none\), is not there/],
    [
      'a path that is no folder',
      usual,
      { path: '/dev/null' },
      /basicMemory\.path names \/dev\/null, which is not a folder/,
    ],
  ])(
    '%s: a sentence that says what to do, from every verb, and nothing is made',
    async (_, config, wanted, sentence) => {
      const { home, open } = homeWith(config);
      const before = contentsBelow(home);
      const store = open(wanted);
      expect(store.place).not.toBe('');
      const verbs: (() => Promise<unknown>)[] = [
        () => store.ready(),
        () => store.join(birth('a'), 0),
        () => store.refile(birth('a'), 1),
        () => store.numbers(),
        () => store.birth(1),
        () => store.announce('a', presence()),
        () => store.renew('a'),
        () => store.presence('a'),
        () => store.memberIds(),
        () => store.putHandoff('000001-abc', 'x'),
        () => store.handoffs(),
        () => store.handoff('000001-abc'),
        () => store.dropHandoff('000001-abc'),
        () => store.forget({ members: ['a'] }),
        () => store.sweep(0),
        () => store.damaged(),
      ];
      for (const verb of verbs) await expect(verb()).rejects.toThrow(sentence);
      expect(contentsBelow(home)).toEqual(before);
    },
  );

  test('is not made again when it goes, and what was in it is there when it is back', async () => {
    const { home, one, open } = homeWith(usual);
    const store = open({ path: one });
    const seq = await store.join(birth('a'), 0);
    fs.renameSync(one, join(home, 'unmounted'));
    for (const write of [
      () => store.join(birth('b'), 0),
      () => store.announce('b', presence()),
      () => store.ready(),
    ])
      await expect(write()).rejects.toThrow(`${one}, the folder of the basic-memory project, is gone`);
    expect(existsSync(one)).toBe(false);
    fs.renameSync(join(home, 'unmounted'), one);
    expect(await store.join(birth('b'), 0)).toBeGreaterThan(seq);
  });

  test('that cannot be written to is a failure of ready', async () => {
    const { home, one, open } = homeWith(usual);
    writeFileSync(join(one, 'flowloom'), 'a file of theirs');
    await expect(open({ path: one }).ready()).rejects.toThrow();
    expect(readFileSync(join(one, 'flowloom'), 'utf8')).toBe('a file of theirs');
    expect(home).not.toBe('');
  });
});
