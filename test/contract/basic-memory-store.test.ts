import { execFileSync } from 'node:child_process';
import fs, {
  chmodSync,
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
import { withoutHardLinks } from '../support/other-process.ts';
import { birth, handoff, presence } from '../support/records.ts';
import { contentsBelow, filesBelow, scratch, write } from '../support/scratch.ts';
import { type StoreKit, storeContract } from './store-contract.ts';

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
  nodeArgs: ['--require', withoutHardLinks()],
  tearsWhenKilled: true,
  surround() {
    const link = fs.linkSync;
    fs.linkSync = () => {
      throw Object.assign(new Error('EPERM: operation not permitted, link'), { code: 'EPERM' });
    };
    return () => {
      fs.linkSync = link;
    };
  },
});
