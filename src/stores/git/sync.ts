/**
 * Brings this clone and the remote to the same records. Never in a hook: it waits for a network. Whatever the remote does, local
 * records are never lost, numbers never go backwards, and the outcome is kept for status and doctor.
 */
import { join } from 'node:path';
import { isoTime } from '../../core/iso-time.ts';
import { messageOf } from '../../core/message-of.ts';
import { oneLine } from '../../core/quote.ts';
import { redact } from '../../core/redact.ts';
import { seqAfter } from '../../core/seq.ts';
import { makePrivateDirectory } from '../../io/atomic-write.ts';
import { startOf, thisDomain } from '../../io/processes.ts';
import { UnreadableError } from '../../io/safe-read.ts';
import type { Site } from '../open.ts';
import { takeIn } from './intake.ts';
import { tidyNowAndThen } from './maintenance.ts';
import { mendRefs } from './mend.ts';
import {
  type Entry,
  lost,
  type Merger,
  planMerge,
  planPush,
  type RemoteChange,
  type Step,
  type View,
} from './merge.ts';
import { kinds, localRefs, movedRefs, remoteRefs, seqName, seqOf, seqRefs } from './names.ts';
import { decodeRecord } from './record.ts';
import { openRemote, type Remote } from './remote.ts';
import { type Repository, repositoryAt } from './repository.ts';
import type { Refusal } from './sift.ts';
import { syncLimitMs } from './sync-due.ts';
import { takeSyncLock } from './sync-lock.ts';
import {
  keepReport,
  type Renumbering,
  type SyncOutcome,
  type SyncReport,
  syncFacts,
  toldOf,
} from './sync-report.ts';

/** One call of git. */
const callLimitMs = 20_000;
const mostRounds = 24;

const isJoin = ({ ref, oid }: RemoteChange): boolean => oid !== null && ref.startsWith(seqRefs);

/** Runs one sync to its end and keeps its report; `busy` when another one is at work. Throws only when the place cannot be written. */
export async function sync(site: Site, limitMs = syncLimitMs): Promise<SyncReport> {
  const before = syncFacts(site.place);
  const remote = site.config.git.remote;
  const report = (outcome: SyncOutcome, message: string, tally: Partial<SyncReport> = {}): SyncReport => ({
    version: 1,
    at: isoTime(Date.now()),
    outcome,
    message: oneLine(redact(message), 300),
    remote,
    sent: 0,
    received: 0,
    removed: 0,
    renumbered: [],
    refused: toldOf([]),
    viewAt: before?.viewAt ?? null,
    ...tally,
  });
  if (!remote || !site.scope.commonDir) return report('no-remote', '');
  makePrivateDirectory(site.place);
  const release = takeSyncLock(site.place, limitMs + 5000);
  if (!release) return report('busy', '');
  try {
    const repository = repositoryAt(join(site.place, 'coord.git'), site.scope.commonDir);
    await repository.ensure();
    const until = Date.now() + limitMs;
    const work = new Work(site, repository, until);
    const ended = await work.run(site.scope.commonDir);
    const done = report(ended.outcome, ended.message, {
      sent: work.sent,
      received: work.received,
      removed: work.removed,
      renumbered: work.renumbered,
      refused: toldOf(work.refused),
      ...(work.viewAt && { viewAt: work.viewAt }),
    });
    keepReport(site.place, done);
    // What is not tidied today is tomorrow.
    await tidyNowAndThen(repository.path).catch(() => {});
    return done;
  } catch (cause) {
    const failed = report('failed', messageOf(cause));
    keepReport(site.place, failed);
    return failed;
  } finally {
    release();
  }
}

/** What the remote did not take, and why not. */
interface Refused {
  readonly changes: readonly RemoteChange[];
  readonly message: string;
}

interface Ended {
  readonly outcome: SyncOutcome;
  readonly message: string;
}

const outcomeOf = { missing: 'failed', slow: 'slow', failed: 'unreachable' } as const;

class Work {
  sent = 0;
  received = 0;
  removed = 0;
  viewAt: string | null = null;
  readonly renumbered: Renumbering[] = [];
  refused: readonly Refusal[] = [];
  readonly #site: Site;
  readonly #repository: Repository;
  readonly #merger: Merger;
  readonly #until: number;

  constructor(site: Site, repository: Repository, until: number) {
    this.#site = site;
    this.#repository = repository;
    this.#until = until;
    const { share } = site.config.git;
    this.#merger = { clone: repository.clone(), domain: thisDomain(), share, startOf };
  }

  async run(commonDir: string): Promise<Ended> {
    const { scope, config, env } = this.#site;
    await mendRefs(this.#repository, [localRefs, remoteRefs]);
    const remote = await openRemote({
      repository: this.#repository.path,
      commonDir,
      worktree: scope.worktree,
      name: config.git.remote,
      env,
      leftMs: () => Math.min(callLimitMs, this.#until - Date.now()),
    });
    if (!remote) return { outcome: 'no-remote', message: `no remote is called ${config.git.remote}` };
    if ('ok' in remote)
      return {
        outcome: outcomeOf[remote.ok ? 'failed' : remote.why],
        message: remote.ok ? '' : remote.message,
      };
    return this.#rounds(remote);
  }

  /** Until both sides know the same: each round somebody's compare-and-swap went through, if not ours. */
  async #rounds(remote: Remote): Promise<Ended> {
    let refused: Refused | null = null;
    for (let round = 0; round < mostRounds && Date.now() < this.#until; round++) {
      const base = await this.#view(remoteRefs);
      const local = await this.#view(localRefs);
      const taken = await takeIn(this.#repository, remote, this.#site.config, { local, base });
      // Somebody removed a record between two looks.
      if ('ok' in taken && /couldn't find remote ref/.test(taken.message)) continue;
      if ('ok' in taken) return { outcome: outcomeOf[taken.why], message: taken.message };
      this.viewAt = isoTime(Date.now());
      this.refused = taken.refused;
      const { theirs } = taken;
      // It was not taken, though nobody had changed any of it there: the remote does not want it.
      if (refused?.changes.every(({ ref, expected }) => (theirs.get(ref)?.oid ?? null) === expected))
        return { outcome: 'refused', message: refused.message };

      for (const step of planMerge(await this.#view(localRefs), base, theirs, this.#merger))
        await this.#take(step, theirs);
      await this.#remember(base, theirs);
      const wanted = planPush(await this.#view(localRefs), base, theirs, this.#merger);
      if (wanted.length === 0) return { outcome: 'synced', message: '' };
      const changes = wanted.map(({ ref, expected, content }): RemoteChange => {
        if (content === null || 'oid' in content) return { ref, expected, oid: content?.oid ?? null };
        return { ref, expected, oid: this.#repository.keepShared(content) };
      });
      // A member whose number is taken joins again with all who joined after it: of their numbers none is to stay behind there.
      const joins = await this.#push(remote, changes.filter(isJoin), 'together');
      if ('outcome' in joins) return joins;
      const rest = await this.#push(
        remote,
        changes.filter((change) => !isJoin(change)),
      );
      if ('outcome' in rest) return rest;
      refused = { changes: [...joins.changes, ...rest.changes], message: joins.message || rest.message };
      if (refused.changes.length === 0) return { outcome: 'synced', message: '' };
      // Those who were slower together are not slower together again.
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 50 * Math.min(round + 1, 8)));
    }
    return { outcome: 'slow', message: 'others kept changing the same records' };
  }

  async #push(remote: Remote, changes: readonly RemoteChange[], how?: 'together'): Promise<Refused | Ended> {
    const pushed = await remote.push(changes, how);
    if (!pushed.ok)
      return {
        outcome: pushed.why === 'failed' ? 'refused' : outcomeOf[pushed.why],
        message: pushed.message,
      };
    const refused: RemoteChange[] = [];
    const reasons: string[] = [];
    for (const change of changes) {
      const reason = pushed.results.get(change.ref);
      if (reason === null) await this.#sent(change);
      else {
        refused.push(change);
        reasons.push(`${change.ref}: ${reason ?? 'no answer'}`);
      }
    }
    // Of changes that go together most say only that another one was not taken.
    return {
      changes: refused,
      message: reasons.find((reason) => !/atomic/.test(reason)) ?? reasons[0] ?? '',
    };
  }

  /** All records below a prefix, by the name that they have in the store. */
  async #view(prefix: string): Promise<View> {
    const { refs } = this.#repository;
    const view = new Map<string, Entry>();
    for (const kind of kinds)
      for (const name of refs.list(prefix + kind)) {
        const entry = await this.#entry(prefix + kind + name);
        if (entry) view.set(localRefs + kind + name, entry);
      }
    return view;
  }

  /** What a ref names; null when it is gone or names nothing. */
  async #entry(ref: string): Promise<Entry | null> {
    const { refs, objects } = this.#repository;
    try {
      const found = refs.read(ref);
      if (!found) return null;
      const bytes = await objects.read(found.oid);
      const record = bytes && decodeRecord(bytes);
      return { oid: found.oid, record, renewedAt: found.renewedAt ?? (record?.at ?? 0) * 1000 };
    } catch (cause) {
      if (cause instanceof UnreadableError) return null;
      throw cause;
    }
  }

  /** Changes a local ref as planned, unless a hook changed it meanwhile: then the next sync looks again. */
  async #take(step: Step, theirs: View): Promise<void> {
    const { refs } = this.#repository;
    const { ref, expected } = step;
    const oid = step.oid === lost ? this.#repository.keepLost(seqOf(ref.slice(seqRefs.length))!) : step.oid;
    if (step.kind === 'give-way') {
      if (step.again) {
        const to = this.#joinAgain(step, theirs);
        this.renumbered.push({ member: step.birth.id, from: step.seq, to });
      }
      // Counted by the store: whoever watched this number looks at all of them again.
      refs.set(`${movedRefs}${seqName(step.seq)}-${step.birth.id}`, () => expected!, { durable: true });
    }
    if (oid === null) await refs.remove(ref);
    else if (refs.set(ref, () => oid, { durable: true, expected }) !== undefined) this.received++;
  }

  /** What the remote has is written down after it was taken over: one that is killed in between takes it again. */
  async #remember(base: View, theirs: View): Promise<void> {
    const { refs } = this.#repository;
    const nameOf = (ref: string): string => remoteRefs + ref.slice(localRefs.length);
    for (const [ref, { oid, record }] of theirs)
      if (record && base.get(ref)?.oid !== oid) refs.set(nameOf(ref), () => oid);
    for (const ref of base.keys()) if (!theirs.get(ref)?.record) await refs.remove(nameOf(ref));
  }

  #joinAgain({ birth }: Extract<Step, { kind: 'give-way' }>, theirs: View): number {
    const { refs } = this.#repository;
    const taken = [...refs.list(seqRefs).map((name) => seqRefs + name), ...theirs.keys()];
    const highest = taken.reduce((top, ref) => Math.max(top, seqOf(ref.slice(seqRefs.length)) ?? 0), 0);
    for (let seq = seqAfter(highest); ; seq = seqAfter(seq)) {
      const make = (): string => this.#repository.keepBirth(birth, seq);
      if (refs.create(seqRefs + seqName(seq), make, true)) return seq;
    }
  }

  /** The remote took it: what it has is known without asking. */
  async #sent({ ref, oid }: RemoteChange): Promise<void> {
    const { refs } = this.#repository;
    const seen = remoteRefs + ref.slice(localRefs.length);
    if (oid === null) {
      await refs.remove(seen);
      this.removed++;
    } else {
      refs.set(seen, () => oid);
      this.sent++;
    }
  }
}
