/**
 * The embedded store: a directory of small files.
 *
 *     seq/000000000007.json        the birth with number 7
 *     members/<id>/presence.json   what the member tells; its modification time is the beat
 *     handoffs/<id>.md             what it left behind
 */
import fs from 'node:fs';
import { join } from 'node:path';
import invariant from 'tiny-invariant';
import { asPresence, type MemberId, type SeenPresence } from '../core/member.ts';
import type { Damage, Store } from '../core/store.ts';
import { createFile, makePrivateDirectory, replaceFile } from '../io/atomic-write.ts';
import { safeRead, UnreadableError } from '../io/safe-read.ts';
import { birthsIn } from './births.ts';
import { handoffName, handoffsAmong, memberName } from './names.ts';
import { inspect, list, readRecord, reasonOf, sweepTemporaries } from './record.ts';

const noteBytes = 256 * 1024;

/** The store in this directory, which need not exist yet: it is made when something is written. */
export function fileStore(place: string): Store {
  const births = birthsIn(join(place, 'seq'));
  const members = join(place, 'members');
  const notes = join(place, 'handoffs');
  const presencePath = (id: MemberId): string => {
    invariant(memberName.test(id), 'a member id is a plain file name');
    return join(members, id, 'presence.json');
  };
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

    async join(birth, floor) {
      return births.join(birth, floor);
    },

    async refile(birth, seq) {
      return births.refile(birth, seq);
    },

    async numbers(floor) {
      return births.numbers(floor);
    },

    async birth(seq) {
      return births.read(seq);
    },

    async announce(id, presence) {
      makePrivateDirectory(join(members, id));
      replaceFile(presencePath(id), JSON.stringify(presence));
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
      const found = readRecord(presencePath(id), asPresence);
      return found && { presence: found.value, beat: `${found.stat.mtimeMs}`, seenAt: found.stat.mtimeMs };
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
      births.forget(seqs);
      for (const id of ids)
        if (memberName.test(id)) fs.rmSync(join(members, id), { recursive: true, force: true });
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
          found.push({ record: path, reason: reasonOf(cause, path) });
        }
      }
      return found;
    },
  };
}
