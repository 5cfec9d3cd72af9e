/**
 * The embedded store: a directory of small files.
 *
 *     seq/000000000007.json        the birth with number 7; the name is the number, so taking it is one link(2)
 *     members/<id>/presence.json   what the member tells; its modification time is the beat
 *     members/<id>/beat            written to instead of that by who cannot do more
 *     handoffs/<id>.md             what it left behind
 *     seals/                       what was prepared for the next prompts rests on these
 */
import fs from 'node:fs';
import { dirname, join } from 'node:path';
import invariant from 'tiny-invariant';
import {
  asBirth,
  asPresence,
  type Birth,
  type MemberId,
  type Presence,
  type SeenPresence,
} from '../core/member.ts';
import type { Damage, Store, Taken } from '../core/store.ts';
import {
  createFile,
  discard,
  linkNew,
  makePrivateDirectory,
  replaceFile,
  syncDirectoryOf,
  writeTemporary,
} from '../io/atomic-write.ts';
import { safeRead, safeReadWithStat, UnreadableError } from '../io/safe-read.ts';
import { sealsIn } from './seals.ts';

const recordBytes = 64 * 1024;
const noteBytes = 256 * 1024;

/** On file systems without hard links a claim is empty for a moment. */
const joiningMs = 2000;

const birthName = (seq: number): string => `${String(seq).padStart(12, '0')}.json`;
/** The number of a record by its name; null when the store would not have given it that name. */
const seqOf = (name: string): number | null => {
  const seq = Number.parseInt(name, 10);
  return Number.isSafeInteger(seq) && birthName(seq) === name ? seq : null;
};
const isBirthName = (name: string): boolean =>
  (/^\d{12}\.json$/.test(name) || seqOf(name) !== null) && name !== birthName(0);
const memberName = /^\w[\w.-]{0,99}$/;
const noteName = /^\d{6,}-[A-Za-z0-9]{1,12}(?:\.reconstructed)?$/;

/** Names in a directory; none when it is not there. */
function list(directory: string): string[] {
  try {
    return fs.readdirSync(directory);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw cause;
  }
}

const isDirectory = (path: string): boolean =>
  fs.lstatSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The store in this directory, which need not exist yet: it is made when something is written. */
export function fileStore(place: string): Store {
  const births = join(place, 'seq');
  const members = join(place, 'members');
  const notes = join(place, 'handoffs');
  const seals = sealsIn(join(place, 'seals'));
  const beatPath = (id: MemberId): string => join(dirname(presencePath(id)), 'beat');
  const birthPath = (seq: number): string => join(births, birthName(seq));
  const presencePath = (id: MemberId): string => {
    invariant(memberName.test(id), 'a member id is a plain file name');
    return join(members, id, 'presence.json');
  };
  const notePath = (id: string): string => {
    invariant(noteName.test(id), 'a handoff id is a plain file name');
    return join(notes, `${id}.md`);
  };
  const numbers = (floor = 0): Taken => {
    const names = list(births).filter(isBirthName);
    // Names of equal length sort as their numbers do, so most of a long past is not even parsed.
    const last = birthName(floor);
    const above = names
      .filter((name) => name.length !== last.length || name > last)
      .map((name) => seqOf(name)!)
      .filter((seq) => seq > floor)
      .sort((a, b) => a - b);
    return { above, total: names.length };
  };

  /** A record, or what is wrong with it; null when it is absent. */
  const inspect = <T>(
    path: string,
    as: (value: unknown) => T | null,
  ): { value: T; stat: fs.Stats } | { reason: string } | null => {
    try {
      const found = safeReadWithStat(path, recordBytes);
      if (!found) return null;
      if (found.text === '' && Date.now() - found.stat.mtimeMs < joiningMs) return null;
      const value = as(parse(found.text));
      return value
        ? { value, stat: found.stat }
        : { reason: found.text === '' ? 'is empty' : 'is not a record of this kind' };
    } catch (cause) {
      if (cause instanceof UnreadableError) return { reason: cause.message.slice(path.length + 2) };
      throw cause;
    }
  };
  const read = <T>(path: string, as: (value: unknown) => T | null): { value: T; stat: fs.Stats } | null => {
    const found = inspect(path, as);
    return found && 'value' in found ? found : null;
  };

  return {
    kind: 'file',
    capabilities: { exclusive: true, keeps: true, forgets: true },
    place,

    async ready() {
      makePrivateDirectory(births);
      fs.accessSync(births, fs.constants.R_OK | fs.constants.W_OK | fs.constants.X_OK);
    },

    async join(birth: Birth, floor: number): Promise<number> {
      makePrivateDirectory(births);
      const text = JSON.stringify(birth);
      const temporary = writeTemporary(join(births, 'claim'), text, true);
      try {
        return seals.breaking(() => {
          // Never looks at the directory again: a number that is taken only sends it on to the next.
          for (let seq = Math.max(numbers().above.at(-1) ?? 0, floor) + 1; ; seq++) {
            if (!linkNew(temporary, birthPath(seq), text)) continue;
            syncDirectoryOf(birthPath(seq));
            return seq;
          }
        });
      } finally {
        discard(temporary);
      }
    },

    async refile(birth, seq) {
      makePrivateDirectory(births);
      if (seals.breaking(() => createFile(birthPath(seq), JSON.stringify(birth), { durable: true })))
        return true;
      return JSON.stringify(read(birthPath(seq), asBirth)?.value) === JSON.stringify(birth);
    },

    async numbers(floor) {
      return numbers(floor);
    },

    async birth(seq) {
      return read(birthPath(seq), asBirth)?.value ?? null;
    },

    async announce(id, presence) {
      makePrivateDirectory(join(members, id));
      const write = (): void => replaceFile(presencePath(id), JSON.stringify(presence));
      const before = read(presencePath(id), asPresence)?.value;
      // The rest is told at a session start only, which always reads it.
      const toldToOthers = ({ name, left }: Presence): string => JSON.stringify([name, left]);
      if (before && toldToOthers(before) === toldToOthers(presence)) write();
      else seals.breaking(write);
    },

    async renew(id) {
      const now = new Date();
      try {
        fs.utimesSync(presencePath(id), now, now);
      } catch (cause) {
        if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause;
      }
    },

    async presence(id): Promise<SeenPresence | null> {
      const found = read(presencePath(id), asPresence);
      if (!found) return null;
      const beat = fs.lstatSync(beatPath(id), { throwIfNoEntry: false })?.mtimeMs ?? 0;
      const seenAt = Math.max(found.stat.mtimeMs, beat);
      return { presence: found.value, beat: `${seenAt}`, seenAt };
    },

    async seal(id) {
      const beat = beatPath(id);
      if (!fs.existsSync(beat)) {
        makePrivateDirectory(dirname(beat));
        // Its time says when somebody wrote to it, so at first never.
        if (createFile(beat, '')) fs.utimesSync(beat, 0, 0);
      }
      const seal = seals.take();
      return seal === null ? null : { seal, beat };
    },

    async memberIds() {
      return list(members).filter((name) => memberName.test(name));
    },

    async putHandoff(id, note, { first = false, durable = false } = {}) {
      makePrivateDirectory(notes);
      if (first) return createFile(notePath(id), note, { durable });
      replaceFile(notePath(id), note, { durable });
      return true;
    },

    async handoffs() {
      return list(notes)
        .filter((name) => name.endsWith('.md') && noteName.test(name.slice(0, -3)))
        .map((name) => name.slice(0, -3))
        .sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10) || (a < b ? -1 : 1));
    },

    async handoff(id) {
      if (!noteName.test(id)) return null;
      try {
        return safeRead(notePath(id), noteBytes);
      } catch (cause) {
        if (cause instanceof UnreadableError) return null;
        throw cause;
      }
    },

    handoffPlace: notePath,

    async dropHandoff(id) {
      fs.rmSync(notePath(id), { force: true });
    },

    async forget({ seqs = [], members: ids = [] }) {
      const highest = numbers().above.at(-1);
      seals.breaking(() => {
        for (const seq of seqs) if (seq !== highest) fs.rmSync(birthPath(seq), { force: true });
        for (const id of ids)
          if (memberName.test(id)) fs.rmSync(join(members, id), { recursive: true, force: true });
      });
    },

    async sweep(olderThanMs) {
      let swept = 0;
      const directories = [place, births, members, notes, ...list(members).map((id) => join(members, id))];
      for (const directory of directories.filter(isDirectory))
        for (const name of list(directory)) {
          const stat = name.endsWith('.tmp')
            ? fs.lstatSync(join(directory, name), { throwIfNoEntry: false })
            : undefined;
          if (!stat?.isFile() || Date.now() - stat.mtimeMs < olderThanMs) continue;
          fs.rmSync(join(directory, name), { force: true });
          swept++;
        }
      return swept;
    },

    async damaged() {
      const found: Damage[] = [];
      const check = <T>(path: string, as: (value: unknown) => T | null): void => {
        const state = inspect(path, as);
        if (state && 'reason' in state) found.push({ record: path, reason: state.reason });
      };
      for (const seq of numbers().above) check(birthPath(seq), asBirth);
      for (const id of list(members)) if (memberName.test(id)) check(presencePath(id), asPresence);
      for (const name of list(notes)) {
        if (!name.endsWith('.md')) continue;
        try {
          safeRead(join(notes, name), noteBytes);
        } catch (cause) {
          if (!(cause instanceof UnreadableError)) throw cause;
          found.push({
            record: join(notes, name),
            reason: cause.message.slice(join(notes, name).length + 2),
          });
        }
      }
      return found;
    },
  };
}
