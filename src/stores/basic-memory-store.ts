/**
 * Notes in a project of basic-memory, for its readers and for ours:
 *
 *     <project>/flowloom/<scope>/
 *       members/<id>.md               one note for each member
 *       handoffs/<id>.md              what it left behind
 *       .flowloom/seq/<number>.json   the births
 *       .flowloom/beats/<id>          its modification time is the member's beat
 *
 * basic-memory passes over what begins with a dot: so numbers and beats do not wake its indexer, and temporary files are there
 * too. A note of ours has one writer, its owner; what others add below our line is carried over.
 */
import fs from 'node:fs';
import { join } from 'node:path';
import invariant from 'tiny-invariant';
import { isoTime } from '../core/iso-time.ts';
import type { MemberId } from '../core/member.ts';
import type { Damage, Store } from '../core/store.ts';
import { createFile, makePrivateDirectory, replaceFile } from '../io/atomic-write.ts';
import { safeReadWithStat, UnreadableError } from '../io/safe-read.ts';
import { type MemberNote, memberOf, renderMember } from './basic-memory/member-note.ts';
import {
  addedTo,
  type Head,
  joinNote,
  ownHead,
  readHead,
  renderHead,
  splitHead,
  splitNote,
} from './basic-memory/note.ts';
import { permalinksOf } from './basic-memory/permalink.ts';
import { findProject } from './basic-memory/project.ts';
import { birthsIn } from './births.ts';
import { handoffName, handoffsAmong, memberName } from './names.ts';
import type { Site } from './open.ts';
import { type Found, foundOr, list, reasonOf, sweepTemporaries } from './record.ts';

const noteBytes = 1 << 20;

/** A folder that basic-memory does not pass over, and of which there is one for each scope: the key ends in a hash. */
const folderOf = (key: string): string => key.replace(/^[.-]+/, '');

/** The store in the project that the configuration names. Where there is none every verb throws the sentence that says so. */
export function basicMemoryStore({ scope, config, env }: Site): Store {
  const project = findProject(config.basicMemory, scope.root, env);
  const folder = folderOf(scope.key);
  const permalinks = permalinksOf(folder);
  const place = project.folder === undefined ? project.place : join(project.folder, 'flowloom', folder);
  const hidden = join(place, '.flowloom');
  const seqs = join(hidden, 'seq');
  const beats = join(hidden, 'beats');
  const members = join(place, 'members');
  const notes = join(place, 'handoffs');
  const beside = join(hidden, 'note');
  const births = birthsIn(seqs);

  /** Whoever is here may go on: there is a project. */
  const here = (): void => {
    if (project.problem !== undefined) throw new Error(project.problem);
  };
  /** The project may have gone since, with its disk; it is not made again. */
  const makeIn = (directory: string): void => {
    here();
    if (!fs.existsSync(project.folder!))
      throw new Error(`${project.folder}, the folder of the basic-memory project, is gone: bring it back`);
    makePrivateDirectory(hidden);
    makePrivateDirectory(directory);
  };
  const memberPath = (id: MemberId): string => {
    invariant(memberName.test(id), 'a member id is a plain file name');
    return join(members, `${id}.md`);
  };
  const notePath = (id: string): string => {
    invariant(handoffName.test(id), 'a handoff id is a plain file name');
    return join(notes, `${id}.md`);
  };
  /** What lies at the path; null when nothing does or it is none that is read. Throws when it is refused: others may have added to it. */
  const textAt = (path: string): string | null => {
    try {
      return safeReadWithStat(path, noteBytes)?.text ?? null;
    } catch (cause) {
      if (cause instanceof UnreadableError && !cause.refused) return null;
      throw cause;
    }
  };

  const textUnlessRefused = (path: string): string | null => {
    try {
      return textAt(path);
    } catch (cause) {
      if (cause instanceof UnreadableError) return null;
      throw cause;
    }
  };

  /** Somebody else wrote into the note, or it cannot be said. */
  const hasAdditions = (id: MemberId): boolean => {
    try {
      const text = textAt(memberPath(id)) ?? '';
      const head = splitHead(text);
      // A head that another program has written may hold more than ours.
      return text !== '' && (addedTo(text).trim() !== '' || !head || isChanged(id, ownHead(head.block)));
    } catch {
      return true;
    }
  };
  const isChanged = (id: MemberId, head: Head | null): boolean =>
    head === null || (memberOf(id, head)?.others.size ?? 1) > 0;

  const inspectMember = async (id: MemberId): Promise<Found<MemberNote> | null> => {
    try {
      const found = safeReadWithStat(memberPath(id), noteBytes);
      if (!found) return null;
      const block = splitHead(found.text)?.block;
      const head = block === undefined ? null : await readHead(block);
      const value = head && memberOf(id, head);
      return value ? { value, stat: found.stat } : { reason: 'is not a note of this kind' };
    } catch (cause) {
      return reasonOf(cause, memberPath(id));
    }
  };
  const readMember = async (id: MemberId): Promise<{ value: MemberNote; stat: fs.Stats } | null> =>
    foundOr(await inspectMember(id), id);
  const writeMember = (id: MemberId, note: MemberNote): void => {
    const before = textAt(memberPath(id)) ?? '';
    const permalink = permalinks.ofMember(id, before);
    const text = renderMember(id, note, { permalink, now: isoTime(Date.now()) });
    replaceFile(memberPath(id), joinNote(text, addedTo(before)), { beside });
  };
  const beat = (id: MemberId): void => {
    const now = new Date();
    try {
      fs.utimesSync(join(beats, id), now, now);
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause;
      makePrivateDirectory(beats);
      fs.closeSync(fs.openSync(join(beats, id), 'a', 0o600));
    }
  };
  /** For readers of the note only: the number is taken, whether or not this succeeds. */
  const noteJoin = async (id: MemberId, seq: number): Promise<void> => {
    try {
      const note = (await readMember(id))?.value;
      if (!note || note.joins.includes(String(seq))) return;
      const joins = [...note.joins, String(seq)].sort((a, b) => Number(a) - Number(b));
      writeMember(id, { ...note, joins });
    } catch {
      // It will be seen that the note cannot be written when its owner has something to tell.
    }
  };
  /** A note that was written and whose join was not entered: its writer was killed in between. */
  const joinsOf = (id: MemberId): string[] =>
    births
      .numbers()
      .above.filter((seq) => births.read(seq)?.id === id)
      .map(String);

  return {
    kind: 'basic-memory',
    capabilities: { exclusive: true, keeps: true, forgets: true },
    place,

    async ready() {
      makeIn(seqs);
      births.ready();
      for (const directory of [members, notes]) {
        makePrivateDirectory(directory);
        fs.accessSync(directory, fs.constants.R_OK | fs.constants.W_OK | fs.constants.X_OK);
      }
    },

    async join(birth, floor, options) {
      makeIn(seqs);
      const seq = births.join(birth, floor, options);
      await noteJoin(birth.id, seq);
      return seq;
    },

    async refile(birth, seq) {
      makeIn(seqs);
      const filed = births.refile(birth, seq);
      if (filed) await noteJoin(birth.id, seq);
      return filed;
    },

    async numbers(floor) {
      here();
      return births.numbers(floor);
    },

    async birth(seq) {
      here();
      return births.read(seq);
    },

    async announce(id, presence) {
      const path = memberPath(id);
      makeIn(members);
      beat(id);
      const before = fs.existsSync(path) ? await readMember(id) : null;
      writeMember(id, {
        presence,
        joins: before?.value.joins.length === 0 ? joinsOf(id) : (before?.value.joins ?? []),
        created: before?.value.created || isoTime(Date.now()),
        others: before?.value.others ?? new Map(),
      });
    },

    async renew(id) {
      here();
      if (!fs.existsSync(memberPath(id))) return false;
      beat(id);
      return true;
    },

    async presence(id) {
      here();
      const found = await readMember(id);
      if (!found) return null;
      const stat = fs.statSync(join(beats, id), { throwIfNoEntry: false }) ?? found.stat;
      return { presence: found.value.presence, beat: `${stat.mtimeMs}`, seenAt: stat.mtimeMs };
    },

    async memberIds() {
      here();
      // Every member has a beat. A note without one is not ours, whatever it is called.
      return list(beats).filter((name) => memberName.test(name));
    },

    async putHandoff(id, note, { first = false, durable = false } = {}) {
      const path = notePath(id);
      makeIn(notes);
      if (first) return createFile(path, joinNote(permalinks.scoped(id, note, ''), ''), { durable, beside });
      const before = textAt(path) ?? '';
      replaceFile(path, joinNote(permalinks.scoped(id, note, before), addedTo(before)), { durable, beside });
      return true;
    },

    async handoffs() {
      here();
      return handoffsAmong(list(notes));
    },

    async handoff(id) {
      here();
      const text = handoffName.test(id) ? textUnlessRefused(notePath(id)) : null;
      if (text === null) return null;
      const { own } = splitNote(text);
      const parts = splitHead(own);
      if (!parts || ownHead(parts.block)) return permalinks.plain(id, own);
      // Readers of handoffs know our heads only.
      const head = await readHead(parts.block);
      return head ? permalinks.plain(id, `${renderHead(head)}${parts.body}`) : own;
    },

    handoffPlace: notePath,

    async dropHandoff(id) {
      here();
      fs.rmSync(notePath(id), { force: true });
    },

    async forget({ seqs: numbers = [], members: ids = [], gently = false }) {
      here();
      births.forget(numbers);
      for (const id of ids.filter((one) => memberName.test(one) && !(gently && hasAdditions(one))))
        for (const path of [memberPath(id), join(beats, id)])
          fs.rmSync(path, { recursive: true, force: true });
    },

    async sweep(olderThanMs) {
      here();
      return sweepTemporaries([hidden, seqs], olderThanMs);
    },

    async damaged() {
      here();
      const found: Damage[] = births.damaged();
      for (const id of await this.memberIds()) {
        const state = await inspectMember(id);
        if (state && 'reason' in state) found.push({ record: memberPath(id), reason: state.reason });
      }
      for (const id of await this.handoffs()) {
        try {
          safeReadWithStat(notePath(id), noteBytes);
        } catch (cause) {
          found.push({ record: notePath(id), reason: reasonOf(cause, notePath(id)).reason });
        }
      }
      return found;
    },
  };
}
