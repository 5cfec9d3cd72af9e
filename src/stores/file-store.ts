/**
 * The embedded store: a directory of small files.
 *
 *     seq/000000000007.json        the birth with number 7
 *     members/<id>/presence.json   what the member tells; its modification time is the beat
 *     members/<id>/beat            written to instead of that by who cannot do more
 *     handoffs/<id>.md             what it left behind
 *     seals/                       what was prepared for the next prompts rests on these
 *
 * What takes the place of a presence or a handoff is called `.next` until the old one is gone.
 */
import fs from 'node:fs';
import invariant from 'tiny-invariant';
import { asPresence, type MemberId, type Presence, type SeenPresence } from '../core/member.ts';
import type { Damage, Store } from '../core/store.ts';
import {
  createFile,
  dropAbandoned,
  exchangeFile,
  makePrivateDirectory,
  replaceFile,
} from '../io/atomic-write.ts';
import { isLink } from '../io/own-directory.ts';
import { safeRead, UnreadableError } from '../io/safe-read.ts';
import { within } from '../io/within.ts';
import { birthsIn } from './births.ts';
import { handoffName, handoffsAmong, memberName } from './names.ts';
import { inspect, list, readRecord, reasonOf, sweepTemporaries } from './record.ts';
import { sealsIn } from './seals.ts';

const noteBytes = 256 * 1024;
const coming = '.next';

/** A record that may just be replaced, see `exchangeFile`: under its name, under that of what is coming, or it came meanwhile. */
const either = <T>(read: (which?: string) => T | null): T | null => read() ?? read(coming) ?? read();

/** The store in this directory, which need not exist yet: it is made when something is written. */
export function fileStore(place: string): Store {
  const births = birthsIn(within(place, 'seq'));
  const members = within(place, 'members');
  const notes = within(place, 'handoffs');
  const seals = sealsIn(within(place, 'seals'));
  const homeOf = (id: MemberId): string => {
    invariant(memberName.test(id), 'a member id is a plain file name');
    return within(members, id);
  };
  const beatPath = (id: MemberId): string => within(homeOf(id), 'beat');
  const presencePath = (id: MemberId, which = ''): string => within(homeOf(id), `presence${which}.json`);
  const notePath = (id: string, which = ''): string => {
    invariant(handoffName.test(id), 'a handoff id is a plain file name');
    return within(notes, `${id}${which}.md`);
  };
  const note = (id: string, which?: string): string | null => {
    try {
      return safeRead(notePath(id, which), noteBytes);
    } catch (cause) {
      if (cause instanceof UnreadableError) return null;
      throw cause;
    }
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
      const write = (): void =>
        exchangeFile(presencePath(id), presencePath(id, coming), JSON.stringify(presence));
      const found = inspect(presencePath(id), asPresence);
      const before = found && 'value' in found && found.value;
      // The rest is told at a session start only, which always reads it.
      const toldToOthers = ({ name, left }: Presence): string => JSON.stringify([name, left]);
      if (before && toldToOthers(before) === toldToOthers(presence)) write();
      else seals.breaking(write);
    },

    async renew(id) {
      const now = Date.now() / 1000;
      try {
        fs.lutimesSync(presencePath(id), now, now);
        return true;
      } catch (cause) {
        if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause;
        return false;
      }
    },

    async presence(id): Promise<SeenPresence | null> {
      if (isLink(homeOf(id))) return null;
      const found = either((which) => readRecord(presencePath(id, which), asPresence, id));
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

    async putHandoff(id, text, { first = false, durable = false } = {}) {
      makePrivateDirectory(notes);
      if (first) return note(id, coming) === null && createFile(notePath(id), text, { durable });
      if (durable) replaceFile(notePath(id), text, { durable });
      else exchangeFile(notePath(id), notePath(id, coming), text);
      return true;
    },

    async handoffs() {
      const names = list(notes).map((name) => name.replace(`${coming}.md`, '.md'));
      return handoffsAmong([...new Set(names)]);
    },

    async handoff(id) {
      return handoffName.test(id) ? either((which) => note(id, which)) : null;
    },

    handoffPlace: (id) =>
      fs.existsSync(notePath(id, coming)) && !fs.existsSync(notePath(id))
        ? notePath(id, coming)
        : notePath(id),

    async dropHandoff(id) {
      for (const path of [notePath(id, coming), notePath(id)]) fs.rmSync(path, { force: true });
    },

    async forget({ seqs = [], members: ids = [] }) {
      if (seqs.length + ids.length === 0) return;
      seals.breaking(() => {
        births.forget(seqs);
        for (const id of ids)
          if (memberName.test(id)) fs.rmSync(within(members, id), { recursive: true, force: true });
      });
    },

    async sweep(olderThanMs) {
      // What was coming when its writer was killed, and has been overtaken.
      const overtaken = (path: (which?: string) => string): boolean =>
        fs.existsSync(path()) && dropAbandoned(path(coming), olderThanMs);
      const ids = list(members).filter((id) => memberName.test(id));
      const presences = ids.filter((id) => overtaken((which) => presencePath(id, which)));
      const handoffs = handoffsAmong(list(notes)).filter((id) => overtaken((which) => notePath(id, which)));
      const directories = [place, within(place, 'seq'), members, notes, ...ids.map(homeOf)];
      return sweepTemporaries(directories, olderThanMs) + presences.length + handoffs.length;
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
        const path = within(notes, name);
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
