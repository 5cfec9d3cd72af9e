/**
 * The store in a memory graph: the JSONL file of the official memory server (`@modelcontextprotocol/server-memory`).
 *
 *     <the server's file>                   births, presences and finished handoffs, one entity each; only ever appended to
 *     <place>/memory-graph/seq/             numbers that were given out here, so that a record that is dropped frees none
 *     <place>/memory-graph/members/         presences as they are now, and their beats
 *     <place>/memory-graph/handoffs/        handoffs, also those that are still being written
 *     <place>/memory-graph/forgotten        what is not looked at any more, since nothing is taken out of the user's file
 *     <place>/memory-graph/file             which file it is, as the last session that started found it
 *
 * The server reads the whole file and replaces it at each of its writes, without a lock: what is appended in between is lost.
 * So everything is looked for after it was written, and a member files its birth again when it finds it gone.
 */
import fs from 'node:fs';
import { join } from 'node:path';
import { isoTime } from '../core/iso-time.ts';
import type { Birth, MemberId, SeenPresence } from '../core/member.ts';
import { mostSeq } from '../core/seq.ts';
import { type Damage, type Store, type Taken, takenAbove } from '../core/store.ts';
import { makePrivateDirectory, replaceFile } from '../io/atomic-write.ts';
import { safeRead } from '../io/safe-read.ts';
import { fileStore } from './file-store.ts';
import { appendLine, expectGraph, expectWritable, graphStamp, readGraph } from './memory-graph/graph-file.ts';
import { configuredFile, fileOfClient } from './memory-graph/locate.ts';
import {
  badLinesIn,
  entityName,
  type Found,
  type GraphRecord,
  lineOf,
  recordsIn,
} from './memory-graph/records.ts';
import {
  birthIn,
  forgettingOf,
  isStale,
  lastSaid,
  latestOf,
  noteIn,
  type Part,
  presenceIn,
  type View,
  viewOf,
} from './memory-graph/view.ts';
import type { Site } from './open.ts';

/** The server loses one of many; five in a row mean something else. */
const attempts = 5;
const forgottenBytes = 16 << 20;

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

/** The store at this site. Looks for the file when it is first used, and makes nothing before something is written. */
export function memoryGraphStore(site: Site): Store {
  const scope = site.scope.key;
  const own = join(site.place, 'memory-graph');
  const local = fileStore(own);
  const remembered = join(own, 'file');
  const forgottenPath = join(own, 'forgotten');
  /** Twice in a lease, so that who sees only the graph does not take an active member for gone. */
  const beatMs = site.config.leaseHours * 1_800_000;

  let known: string | null = null;
  const file = (): string => {
    known ??= configuredFile(site) ?? ((safeRead(remembered, 8192) ?? '').trim() || fileOfClient(site));
    return known;
  };

  const forgotten = (): Set<string> =>
    new Set((safeRead(forgottenPath, forgottenBytes) ?? '').split('\n').filter(Boolean));

  let last: { stamp: string; text: string; found: Found[]; view: View } | null = null;
  /** The file as it is now; read only when it changed. */
  const look = (): { text: string; found: Found[]; view: View } => {
    if (last && last.stamp === graphStamp(file())) return last;
    const { text, stamp } = readGraph(file());
    const found = recordsIn(text, scope);
    last = { stamp, text, found, view: viewOf(found, found.length ? forgotten() : new Set()) };
    return last;
  };

  /** Appends the record until it is there. */
  const publish = (record: GraphRecord): View => {
    const line = lineOf(record, scope);
    for (let attempt = 0; attempt < attempts; attempt++) {
      expectGraph(file(), look().text);
      appendLine(file(), line);
      const { text, view } = look();
      if (text.includes(line)) return view;
    }
    throw new Error(
      `${file()} does not keep what is appended to it: another program replaces it all the time.`,
    );
  };

  const now = (): string => isoTime(Date.now());

  const publishSession = async (birth: Birth, seq: number): Promise<View> => {
    const told = await local.presence(birth.id);
    const seen = Math.floor(told?.seenAt ?? Date.now());
    return publish({ kind: 'session', seq, birth, presence: told?.presence ?? null, seen, at: now() });
  };

  /** Claims the number. False when somebody else's line is the first that does. */
  const claim = async (birth: Birth, seq: number): Promise<boolean> =>
    same(birthIn(await publishSession(birth, seq), seq), birth);

  /** Tells the graph what others have to know of the member, if it does not yet. A member that is not in it stays out. */
  const tell = async (id: MemberId): Promise<void> => {
    const { view } = look();
    const latest = latestOf(view, id);
    const told = latest && (await local.presence(id));
    if (latest && told && isStale(lastSaid(view, id), told, beatMs))
      await publishSession(latest.birth, latest.seq);
  };

  /** Remembers not to look at that part of these records. */
  const ignore = (part: Part, which: (one: Found) => boolean): void => {
    const before = forgotten();
    const lines = look()
      .found.filter(which)
      .map((one) => forgettingOf(part, one))
      .filter((name) => !before.has(name));
    if (lines.length === 0) return;
    makePrivateDirectory(own);
    fs.appendFileSync(forgottenPath, `${lines.join('\n')}\n`, { mode: 0o600 });
    last = null;
  };

  return {
    kind: 'memory-graph',
    capabilities: { exclusive: false, keeps: false, forgets: false },
    get place() {
      try {
        return file();
      } catch {
        return own;
      }
    },

    async ready() {
      const named = configuredFile(site);
      if (named) known = named;
      else {
        try {
          known = fileOfClient(site);
        } catch (cause) {
          // Another work tree may have named it. What is gone is nobody's any more.
          const before = (safeRead(remembered, 8192) ?? '').trim();
          if (!before || !fs.existsSync(before)) throw cause;
          known = before;
        }
      }
      expectGraph(known, look().text);
      expectWritable(known);
      await local.ready();
      if (!named && safeRead(remembered, 8192) !== known) replaceFile(remembered, known);
    },

    async join(birth, floor) {
      for (let above = floor; ; ) {
        above = Math.max(above, look().view.top);
        if (above >= mostSeq)
          throw new Error(
            `${file()} claims join number ${above}, and there is none above it. Take that line out, or name another file.`,
          );
        const seq = await local.join(birth, above);
        if (await claim(birth, seq)) return seq;
        // A member whose state lies elsewhere was faster.
        above = seq;
      }
    },

    async refile(birth, seq) {
      const holder = birthIn(look().view, seq);
      if (holder) return same(holder, birth);
      // Its number was given out here already: to this member, or to one that is just about to claim it.
      const free = (await local.refile(birth, seq)) || (await local.birth(seq))?.id === birth.id;
      return free && claim(birth, seq);
    },

    async numbers(floor = 0): Promise<Taken> {
      return takenAbove(floor, [...look().view.claims.keys()]);
    },

    async birth(seq) {
      return birthIn(look().view, seq);
    },

    async announce(id, presence) {
      await local.announce(id, presence);
      await tell(id);
    },

    async renew(id) {
      const renewed = await local.renew(id);
      await tell(id);
      return renewed;
    },

    async presence(id): Promise<SeenPresence | null> {
      const here = await local.presence(id);
      const there = presenceIn(look().view, id);
      // A member that keeps its state elsewhere now tells more in the graph than it left here.
      return here && there ? (there.seenAt > here.seenAt ? there : here) : (here ?? there);
    },

    async memberIds() {
      return [...new Set([...(await local.memberIds()), ...look().view.said.keys()])];
    },

    async putHandoff(id, note, { first = false, durable = false } = {}) {
      if (first && noteIn(look().view, id) !== null) return false;
      if (!(await local.putHandoff(id, note, { first, durable }))) return false;
      if (!durable) return true;
      const view = publish({ kind: 'handoff', id, first, note, at: now() });
      if (!first || noteIn(view, id) === note) return true;
      await local.dropHandoff(id);
      return false;
    },

    async handoffs() {
      const ids = [...new Set([...(await local.handoffs()), ...look().view.notes.keys()])];
      return ids.sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10) || (a < b ? -1 : 1));
    },

    async handoff(id) {
      return (await local.handoff(id)) ?? noteIn(look().view, id);
    },

    handoffPlace(id) {
      const path = local.handoffPlace(id);
      return fs.existsSync(path) ? path : `${entityName('handoff', scope, id)} in ${this.place}`;
    },

    async dropHandoff(id) {
      await local.dropHandoff(id);
      ignore('handoff', (one) => one.kind === 'handoff' && one.id === id);
    },

    async forget({ seqs = [], members = [] }) {
      const highest = Math.max(0, ...look().view.claims.keys());
      await local.forget({ seqs: seqs.filter((seq) => seq !== highest), members });
      ignore('number', ({ kind, seq }) => kind === 'session' && seq !== highest && seqs.includes(seq));
      ignore('member', ({ kind, id }) => kind === 'session' && members.includes(id));
    },

    sweep: (olderThanMs) => local.sweep(olderThanMs),

    async damaged(): Promise<Damage[]> {
      const bad = badLinesIn(look().text, scope).map(({ line, entity, start }) => ({
        record: `${file()}, line ${line}: ${entity ?? start}`,
        reason: entity
          ? 'has no observation any more that hooks can read'
          : 'is not JSON, at which every tool of the memory server fails; take the line out',
      }));
      return [...bad, ...(await local.damaged())];
    },
  };
}
