/**
 * The git store: a private bare repository `coord.git` beside the other state, never the user's own.
 *
 *     refs/flowloom/seq/000000000007    the birth with number 7; creating the ref is taking the number
 *     refs/flowloom/members/<id>        what the member tells; the time of the ref's file is the beat
 *     refs/flowloom/handoffs/<id>       what it left behind
 *     refs/flowloom/moved/<number>-<id> a birth that had this number until another machine turned out to have taken it
 *
 * Each record is a commit over an empty tree with the record in its message, so that plain git commands show it. Hooks read and
 * write git's files themselves, by git's rules: no prompt waits for a git process.
 */

import fs from 'node:fs';
import { join } from 'node:path';
import invariant from 'tiny-invariant';
import { asBirth, asPresence, type Birth, type MemberId, type SeenPresence } from '../core/member.ts';
import { oneLine } from '../core/quote.ts';
import { seqAfter } from '../core/seq.ts';
import { type Damage, type Store, type Taken, takenAbove, unlessRefused } from '../core/store.ts';
import { UnreadableError } from '../io/safe-read.ts';
import { seenFrom } from './git/facts.ts';
import { sweepRepository } from './git/maintenance.ts';
import {
  handoffName,
  handoffRefs,
  localRefs,
  memberName,
  memberRefs,
  movedRefs,
  remoteRefs,
  seqName,
  seqOf,
  seqRefs,
} from './git/names.ts';
import { footholds } from './git/numbers.ts';
import { decodeRecord, type RecordCommit } from './git/record.ts';
import type { FoundRef } from './git/refs.ts';
import { repositoryAt } from './git/repository.ts';
import { isDue } from './git/sync-due.ts';
import { syncFacts } from './git/sync-report.ts';
import type { Site } from './open.ts';
import { foundOr } from './record.ts';

const noteChars = 256 * 1024;

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The store at this site; nothing is made until something is written. */
export function gitStore(site: Site): Store {
  const { place } = site;
  const repository = repositoryAt(join(place, 'coord.git'), site.scope.commonDir);
  const { refs, objects } = repository;

  const seqRef = (seq: number): string => seqRefs + seqName(seq);
  const memberRef = (id: MemberId): string => {
    invariant(memberName(id), 'a member id is a plain name that git takes for a ref');
    return memberRefs + id;
  };
  const handoffRef = (id: string): string => {
    invariant(handoffName(id), 'a handoff id is a plain name');
    return handoffRefs + id;
  };
  const seconds = (): number => Date.now() / 1000;

  const numbers = (floor = 0): Taken => {
    const taken = refs
      .list(seqRefs)
      .map(seqOf)
      .filter((seq) => seq !== null);
    return takenAbove(floor, taken, refs.list(movedRefs).length);
  };

  /** The commit that a ref names; null when there is none. Throws `UnreadableError` for what is damaged. */
  const commitAt = async (name: string): Promise<(RecordCommit & FoundRef) | null> => {
    for (let attempt = 0; ; attempt++) {
      const found = refs.read(name);
      if (!found) return null;
      const bytes = await objects.read(found.oid);
      // What a ref does not name any more is removed at once: then it names another commit by now.
      if (!bytes && attempt < 20 && refs.read(name)?.oid !== found.oid) continue;
      const record = bytes && decodeRecord(bytes);
      if (record) return { ...record, ...found };
      const reason = bytes ? 'is not a record of this kind' : `names ${found.oid}, which is not there`;
      throw new UnreadableError(name, 'EDAMAGED', reason);
    }
  };
  /** The value of a record, or what is wrong with it; null when it is absent. */
  const inspect = async <T>(
    name: string,
    as: (text: string) => T | null,
  ): Promise<{ value: T; found: RecordCommit & FoundRef } | { reason: string; refused: boolean } | null> => {
    try {
      const found = await commitAt(name);
      if (!found) return null;
      const value = as(found.text);
      return value === null ? { reason: 'is not a record of this kind', refused: false } : { value, found };
    } catch (cause) {
      if (!(cause instanceof UnreadableError)) throw cause;
      return { reason: cause.message.replace(/^.*?: /, ''), refused: cause.refused };
    }
  };
  const read = async <T>(name: string, as: (text: string) => T | null, of: number | MemberId) =>
    foundOr<{ value: T; found: RecordCommit & FoundRef }>(await inspect(name, as), of);
  const birthIn = (text: string): Birth | null => asBirth(parse(text));
  const presenceIn = (text: string) => asPresence(parse(text));
  const noteIn = (text: string): string | null => (text.length > noteChars ? null : text);

  /** Points a ref to a new record; the one before is gone. */
  const replace = (name: string, make: () => string, durable: boolean): void => {
    const before = refs.set(name, make, { durable });
    if (before) objects.remove(before);
  };
  const remove = async (name: string): Promise<void> => {
    const before = await refs.remove(name);
    // What a remote has is remembered until it is gone there, too.
    if (before && seenAtRemote(name) !== before) objects.remove(before);
  };
  const seenAtRemote = (name: string): string | undefined => {
    try {
      return refs.read(remoteRefs + name.slice(localRefs.length))?.oid;
    } catch (cause) {
      if (cause instanceof UnreadableError) return undefined;
      throw cause;
    }
  };

  /** Members of this clone of whose end the remote does not know yet: the next sync tells. */
  const membersToTell = async (ids: readonly MemberId[]): Promise<Set<MemberId>> => {
    const waiting = new Set<MemberId>();
    if (!site.config.git.remote) return waiting;
    for (const id of ids) {
      const there = memberName(id) ? await inspect(`${remoteRefs}members/${id}`, presenceIn) : null;
      if (there && 'value' in there && !there.value.left && there.found.clone === repository.clone())
        waiting.add(id);
    }
    return waiting;
  };

  /** Has what was written, or what others wrote, exchanged with the remote: never here, and never waited for. */
  const exchange = async (urgent: boolean): Promise<void> => {
    if (!site.config.git.remote) return;
    try {
      if (!isDue(place, urgent)) return;
      const { startSync } = await import('./git/start-sync.ts');
      startSync(site);
    } catch {
      // What was to be written is; the next hook tries again.
    }
  };

  return {
    kind: 'git',
    // A remote keeps what was once sent for as long as it likes.
    capabilities: { exclusive: true, keeps: true, forgets: site.config.git.remote === '' },
    place: repository.path,

    async ready() {
      await repository.ensure();
      for (const part of ['refs', 'objects'])
        fs.accessSync(join(repository.path, part), fs.constants.R_OK | fs.constants.W_OK | fs.constants.X_OK);
    },

    async join(birth, floor, { listed = false } = {}) {
      await repository.ensure();
      const highest = listed ? 0 : (numbers().above.at(-1) ?? 0);
      // Never looks again: a number that is taken, or about to be, only sends it on to the next.
      for (let seq = seqAfter(Math.max(floor, highest)); ; seq = seqAfter(seq)) {
        if (!refs.create(seqRef(seq), () => repository.keepBirth(birth, seq), true)) continue;
        await exchange(true);
        return seq;
      }
    },

    async refile(birth, seq) {
      await repository.ensure();
      if (refs.create(seqRef(seq), () => repository.keepBirth(birth, seq), true)) {
        await exchange(true);
        return true;
      }
      const there = await read(seqRef(seq), birthIn, seq);
      return JSON.stringify(there?.value) === JSON.stringify(birth);
    },

    async numbers(floor) {
      return numbers(floor);
    },

    async birth(seq) {
      const seen = await read(seqRef(seq), birthIn, seq);
      return seen && seenFrom(repository.clone(), seen.value, seen.found.clone, seen.found.renewedAt);
    },

    async isOfOtherClone(seq) {
      const seen = await inspect(seqRef(seq), birthIn);
      return seen !== null && 'value' in seen && seen.found.clone !== repository.clone();
    },

    async announce(id, presence) {
      const name = memberRef(id);
      await repository.ensure();
      const subject = `presence of ${oneLine(presence.name, 80) || id}`;
      const record = { subject, text: JSON.stringify(presence), at: seconds() };
      replace(name, () => repository.keep(record, false), false);
      await exchange(presence.left !== null);
    },

    async renew(id) {
      const renewed = refs.touch(memberRef(id));
      await exchange(false);
      return renewed;
    },

    async presence(id): Promise<SeenPresence | null> {
      const seen = await read(memberRef(id), presenceIn, id);
      if (!seen) return null;
      const { renewedAt, oid, at, clone } = seen.found;
      // A sign of life of another clone cannot have come since the remote was read.
      const readAt = clone === repository.clone() ? null : syncFacts(place)?.viewAt;
      return {
        presence: seen.value,
        beat: `${renewedAt ?? oid}`,
        seenAt: renewedAt ?? at * 1000,
        ...(readAt ? { asOf: Date.parse(readAt) } : {}),
      };
    },

    async memberIds() {
      const members = join(place, 'members');
      const homes = fs.existsSync(members) ? fs.readdirSync(members, { withFileTypes: true }) : [];
      const names = homes.filter((entry) => entry.isDirectory()).map(({ name }) => name);
      return [...new Set([...refs.list(memberRefs), ...names])].filter(memberName);
    },

    async putHandoff(id, note, { first = false, durable = false } = {}) {
      const name = handoffRef(id);
      await repository.ensure();
      const make = (): string =>
        repository.keep({ subject: `handoff ${id}`, text: note, at: seconds() }, durable);
      if (first) return refs.set(name, make, { durable, expected: null }) !== undefined;
      replace(name, make, durable);
      return true;
    },

    async handoffs() {
      return refs
        .list(handoffRefs)
        .filter(handoffName)
        .sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10) || (a < b ? -1 : 1));
    },

    async handoff(id) {
      return handoffName(id)
        ? ((await unlessRefused(read(handoffRef(id), noteIn, id)))?.value ?? null)
        : null;
    },

    async origin(id, { member, seq }) {
      const note = handoffName(id) ? await inspect(handoffRef(id), noteIn) : null;
      if (!note || 'reason' in note || note.found.clone === repository.clone()) return null;
      const { clone } = note.found;
      const birth = seq > 0 ? await inspect(seqRef(seq), birthIn) : null;
      const isProven =
        birth !== null && 'value' in birth && birth.found.clone === clone && birth.value.id === member;
      return { clone, isProven };
    },

    handoffPlace: (id) => `git --git-dir='${repository.path}' log -1 --format=%b ${handoffRef(id)}`,

    async dropHandoff(id) {
      await remove(handoffRef(id));
    },

    async forget({ seqs: asked = [], members = [], gently = false }) {
      const waiting = gently ? await membersToTell(members) : new Set<MemberId>();
      const ids = members.filter((id) => !waiting.has(id));
      const seqs: number[] = [];
      for (const seq of asked)
        if (waiting.size === 0 || !waiting.has((await this.birth(seq))?.id ?? '')) seqs.push(seq);
      const needed = new Set([...footholds(numbers().above), numbers().above.at(-1)]);
      for (const seq of seqs) if (!needed.has(seq)) await remove(seqRef(seq));
      for (const id of ids) {
        if (!memberName(id)) continue;
        await remove(memberRef(id));
        for (const name of refs.list(movedRefs)) if (name.endsWith(`-${id}`)) await remove(movedRefs + name);
        fs.rmSync(join(place, 'members', id), { recursive: true, force: true });
      }
    },

    async sweep(olderThanMs) {
      return sweepRepository(repository.path, olderThanMs);
    },

    async damaged() {
      const found: Damage[] = [];
      const check = async <T>(name: string, as: (text: string) => T | null): Promise<void> => {
        const state = await inspect(name, as);
        if (state && 'reason' in state)
          found.push({ record: `${name} in ${repository.path}`, reason: state.reason });
      };
      for (const seq of numbers().above) await check(seqRef(seq), birthIn);
      for (const id of refs.list(memberRefs)) if (memberName(id)) await check(memberRef(id), presenceIn);
      for (const id of refs.list(handoffRefs)) if (handoffName(id)) await check(handoffRef(id), noteIn);
      return found;
    },
  };
}
