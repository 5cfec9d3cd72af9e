/**
 * Reads a remote without keeping anything of it that is no record. What is new is fetched into a directory beside the private
 * repository, looked at there, and only what is taken is moved over. What was refused is remembered by its object, so that it is
 * not fetched at every sync.
 */
import fs from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../../core/config.ts';
import { asBirth, type MemberId } from '../../core/member.ts';
import { makePrivateDirectory, replaceFile } from '../../io/atomic-write.ts';
import { safeRead, UnreadableError } from '../../io/safe-read.ts';
import { parse } from '../record.ts';
import type { Entry, View } from './merge.ts';
import { localRefs, seqRefs } from './names.ts';
import { objectsIn } from './objects.ts';
import { decodeRecord, standsAlone } from './record.ts';
import type { Remote, RemoteAnswer } from './remote.ts';
import { emptyTree, type Repository } from './repository.ts';
import { mostRecordBytes, objection, type Refusal, sift, siftCrowd } from './sift.ts';

/** All that one call may bring. It is more than the records that are taken from one remote amount to. */
const mostFetched = 32 << 20;
const mostRemembered = 5000;
/** As git calls what is not finished: what a killed sync leaves is swept with it. */
const quarantineName = (): string => `tmp_incoming_${process.pid}${process.hrtime.bigint().toString(36)}`;

/** What the remote has. A record that is not believed is null: its name is taken, and nothing else is known of it. */
export interface Intake {
  readonly theirs: View;
  readonly refused: readonly Refusal[];
}

/** What of the remote is taken in, given what is here and what it had the last time; or why it cannot be read. */
export async function takeIn(
  repository: Repository,
  remote: Remote,
  config: Config,
  { local, base }: { readonly local: View; readonly base: View },
): Promise<Intake | Exclude<RemoteAnswer, { ok: true }>> {
  const listed = await remote.list();
  if (!listed.ok) return listed;
  const refs = listed.refs ?? new Map<string, string>();
  const rules = { share: config.git.share, keep: config.handoff.keep };
  const { wanted, crowd, refused } = sift(refs, local, base, rules);
  const reader = new Reader(repository, remote, refs, { local, base });
  try {
    const failed = (await reader.read(wanted)) ?? (await reader.readCrowd(crowd));
    if (failed) return failed;
  } finally {
    reader.close();
  }
  return { theirs: reader.theirs, refused: [...refused, ...reader.refused] };
}

class Reader {
  readonly theirs = new Map<string, Entry>();
  readonly refused: Refusal[] = [];
  readonly #repository: Repository;
  readonly #remote: Remote;
  readonly #listed: ReadonlyMap<string, string>;
  readonly #local: View;
  readonly #base: View;
  readonly #quarantine: string;
  readonly #before: ReadonlyMap<string, string>;
  #ours: ReadonlySet<MemberId> | null = null;
  readonly #now = new Map<string, string>();

  constructor(
    repository: Repository,
    remote: Remote,
    listed: ReadonlyMap<string, string>,
    { local, base }: { local: View; base: View },
  ) {
    this.#repository = repository;
    this.#remote = remote;
    this.#listed = listed;
    this.#local = local;
    this.#base = base;
    this.#quarantine = join(repository.path, quarantineName());
    this.#before = remembered(repository.path);
  }

  /** Looks at these refs, and fetches what is not here. */
  async read(refs: readonly string[]): Promise<Exclude<RemoteAnswer, { ok: true }> | null> {
    const news: string[] = [];
    for (const ref of refs) {
      const oid = this.#listed.get(ref)!;
      const known = [this.#base.get(ref), this.#local.get(ref)].find((entry) => entry?.oid === oid);
      const reason = this.#before.get(oid);
      if (known) this.theirs.set(ref, known);
      else if (reason !== undefined) this.#refuse(ref, reason);
      else news.push(ref);
    }
    if (news.length === 0) return null;
    const failed = await this.#fetch(news);
    if (failed) return failed;
    for (const ref of news) if (!this.theirs.has(ref)) await this.#look(ref);
    return null;
  }

  async readCrowd(crowd: readonly string[]): Promise<Exclude<RemoteAnswer, { ok: true }> | null> {
    const joined = new Set<MemberId>();
    for (const [ref, { record }] of this.theirs)
      if (ref.startsWith(seqRefs) && record) joined.add(asBirth(parse(record.text))?.id ?? '');
    const { wanted, refused } = siftCrowd(crowd, joined);
    this.refused.push(...refused);
    return this.read(wanted);
  }

  /** Lets go of what was not taken, and remembers it. */
  close(): void {
    fs.rmSync(this.#quarantine, { recursive: true, force: true });
    const lines = [...this.#now].slice(-mostRemembered).map(([oid, reason]) => `${oid} ${reason}\n`);
    const text = lines.join('');
    const path = refusedPath(this.#repository.path);
    if (text !== [...this.#before].map(([oid, reason]) => `${oid} ${reason}\n`).join(''))
      replaceFile(path, text);
  }

  /** Of too much at once the halves are tried, until it is one record that is too large. */
  async #fetch(refs: readonly string[]): Promise<Exclude<RemoteAnswer, { ok: true }> | null> {
    makePrivateDirectory(this.#quarantine);
    const objects = join(this.#quarantine, `objects`);
    makePrivateDirectory(objects);
    const before = sizeBelow(objects);
    let full = false;
    const isFull = (): boolean => {
      full ||= sizeBelow(objects) - before > mostFetched;
      return full;
    };
    const answer = await this.#remote.fetch(refs, { objects, isFull });
    if (answer.ok) return null;
    if (!full) return answer;
    if (refs.length === 1) {
      this.#refuse(refs[0]!, `it is larger than ${mostFetched} bytes`);
      return null;
    }
    const half = refs.length >> 1;
    return (await this.#fetch(refs.slice(0, half))) ?? (await this.#fetch(refs.slice(half)));
  }

  /** Takes what was fetched for this ref, or refuses it. */
  async #look(ref: string): Promise<void> {
    const oid = this.#listed.get(ref)!;
    const bytes = await this.#bytesOf(oid);
    // It names another one by now; the next round sees it.
    if (bytes === null) return;
    if (typeof bytes === 'string') return this.#refuse(ref, bytes);
    const alone = standsAlone(bytes, Object.values(emptyTree));
    const record = alone ? decodeRecord(bytes) : null;
    const clone = this.#repository.clone();
    const isOurs = this.#local.get(ref)?.record?.clone === clone;
    this.#ours ??= joinedIn(this.#local, clone);
    const reason = objection(ref, record, bytes.length, { clone, isOurs, ours: this.#ours });
    if (reason !== null) return this.#refuse(ref, reason);
    this.#keep(oid);
    this.theirs.set(ref, { oid, record, renewedAt: record!.at * 1000 });
  }

  /** The object, null when it was not fetched, or why it is not read. */
  async #bytesOf(oid: string): Promise<Buffer | string | null> {
    try {
      return (
        (await objectsIn(this.#quarantine).read(oid)) ?? (await this.#repository.objects.read(oid)) ?? null
      );
    } catch (cause) {
      if (!(cause instanceof UnreadableError)) throw cause;
      return cause.code === 'EFBIG' ? `it is larger than ${mostRecordBytes} bytes` : 'it is no record';
    }
  }

  #keep(oid: string): void {
    const path = (repository: string): string => join(repository, 'objects', oid.slice(0, 2), oid.slice(2));
    if (!fs.existsSync(path(this.#quarantine))) return;
    makePrivateDirectory(join(this.#repository.path, 'objects', oid.slice(0, 2)));
    fs.renameSync(path(this.#quarantine), path(this.#repository.path));
  }

  #refuse(ref: string, reason: string): void {
    const oid = this.#listed.get(ref)!;
    this.theirs.set(ref, { oid, record: null, renewedAt: 0 });
    this.#now.set(oid, reason);
    this.refused.push({ record: ref.slice(localRefs.length), reason });
  }
}

/** The members that joined in this clone. */
function joinedIn(local: View, clone: string): Set<MemberId> {
  const ids = new Set<MemberId>();
  for (const [ref, { record }] of local) {
    const birth = ref.startsWith(seqRefs) && record?.clone === clone ? asBirth(parse(record.text)) : null;
    if (birth) ids.add(birth.id);
  }
  return ids;
}

const refusedPath = (repository: string): string => join(repository, 'flowloom-refused');

/** What was refused before: objects, and why. */
function remembered(repository: string): Map<string, string> {
  try {
    const text = safeRead(refusedPath(repository), 1 << 20) ?? '';
    return new Map(
      [...text.matchAll(/^([0-9a-f]{40,64}) (.{1,200})$/gm)].map(([, oid, why]) => [oid!, why!]),
    );
  } catch (cause) {
    if (cause instanceof UnreadableError) return new Map();
    throw cause;
  }
}

/** How many bytes lie in a directory of objects; what goes meanwhile does not count. */
function sizeBelow(directory: string): number {
  let bytes = 0;
  for (const entry of fs.readdirSync(directory, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile()) continue;
    bytes += fs.lstatSync(join(entry.parentPath, entry.name), { throwIfNoEntry: false })?.size ?? 0;
  }
  return bytes;
}
