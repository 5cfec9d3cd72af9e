/**
 * The embedded store: a directory of small files.
 *
 *     seq/000000000007.json        the birth with number 7
 *     members/<id>/presence.json   what the member tells; its modification time is the beat
 *     members/<id>/beat            written to instead of that by who cannot do more
 *     handoffs/<id>.md             what it left behind
 *     seals/                       what was prepared for the next prompts rests on these
 */
import fs from 'node:fs';
import { join, sep } from 'node:path';
import invariant from 'tiny-invariant';
import { asPresence, type MemberId, type Presence, type SeenPresence } from '../core/member.ts';
import type { Damage, Store } from '../core/store.ts';
import { createFile, makePrivateDirectory, replaceFile } from '../io/atomic-write.ts';
import { safeRead, UnreadableError } from '../io/safe-read.ts';
import { birthsIn } from './births.ts';
import { handoffName, handoffsAmong, memberName } from './names.ts';
import { inspect, list, readRecord, reasonOf, sweepTemporaries } from './record.ts';
import { sealsIn } from './seals.ts';

const noteBytes = 256 * 1024;

/** The store in this directory, which need not exist yet: it is made when something is written. */
export function fileStore(place: string): Store {
  const births = birthsIn(join(place, 'seq'));
  const members = join(place, 'members');
  const notes = join(place, 'handoffs');
  const seals = sealsIn(join(place, 'seals'));
  // By hand, since `join` looks at every character, and a look at the store asks for many.
  const homeOf = (id: MemberId): string => {
    invariant(memberName.test(id), 'a member id is a plain file name');
    return members + sep + id;
  };
  const beatPath = (id: MemberId): string => `${homeOf(id)}${sep}beat`;
  const presencePath = (id: MemberId): string => `${homeOf(id)}${sep}presence.json`;
  const notePath = (id: string): string => {
    invariant(handoffName.test(id), 'a handoff id is a plain file name');
    return join(notes, `${id}.md`);
  };

  return {
    kind: 'file',
    capabilities: { exclusive: true, keeps: true, forgets: true },
    place,

    async ready() {
      births.ready();
    },

    async join(birth, floor, options) {
      return seals.breaking(() => births.join(birth, floor, options));
    },

    async refile(birth, seq) {
      return seals.breaking(() => births.refile(birth, seq));
    },

    async numbers(floor) {
      return births.numbers(floor);
    },

    async birth(seq) {
      return births.read(seq);
    },

    async announce(id, presence) {
      makePrivateDirectory(homeOf(id));
      const write = (): void => replaceFile(presencePath(id), JSON.stringify(presence));
      const found = inspect(presencePath(id), asPresence);
      const before = found && 'value' in found && found.value;
      // The rest is told at a session start only, which always reads it.
      const toldToOthers = ({ name, left }: Presence): string => JSON.stringify([name, left]);
      if (before && toldToOthers(before) === toldToOthers(presence)) write();
      else seals.breaking(write);
    },

    async renew(id) {
      const now = new Date();
      try {
        fs.utimesSync(presencePath(id), now, now);
        return true;
      } catch (cause) {
        if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause;
        return false;
      }
    },

    async presence(id): Promise<SeenPresence | null> {
      const found = readRecord(presencePath(id), asPresence, id);
      if (!found) return null;
      const beat = fs.lstatSync(beatPath(id), { throwIfNoEntry: false })?.mtimeMs ?? 0;
      const seenAt = Math.max(found.stat.mtimeMs, beat);
      return { presence: found.value, beat: `${seenAt}`, seenAt };
    },

    async seal(id) {
      const beat = beatPath(id);
      if (!fs.existsSync(beat)) {
        makePrivateDirectory(homeOf(id));
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
      return handoffsAmong(list(notes));
    },

    async handoff(id) {
      if (!handoffName.test(id)) return null;
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
      if (seqs.length + ids.length === 0) return;
      seals.breaking(() => {
        births.forget(seqs);
        for (const id of ids)
          if (memberName.test(id)) fs.rmSync(join(members, id), { recursive: true, force: true });
      });
    },

    async sweep(olderThanMs) {
      const ofMembers = list(members).map((id) => join(members, id));
      return sweepTemporaries([place, join(place, 'seq'), members, notes, ...ofMembers], olderThanMs);
    },

    async damaged() {
      const found: Damage[] = births.damaged();
      for (const id of list(members)) {
        if (!memberName.test(id)) continue;
        const state = inspect(presencePath(id), asPresence);
        if (state && 'reason' in state) found.push({ record: presencePath(id), reason: state.reason });
      }
      for (const name of list(notes)) {
        if (!name.endsWith('.md')) continue;
        const path = join(notes, name);
        try {
          safeRead(path, noteBytes);
        } catch (cause) {
          found.push({ record: path, reason: reasonOf(cause, path).reason });
        }
      }
      return found;
    },
  };
}
