/**
 * Judges a recorded history, in the manner of Jepsen: every operation has a begin and an end, what it did took effect somewhere
 * between them, and what it was told must be explained by what may have been true meanwhile.
 */

/** A hook that ran. Times are milliseconds of one clock. */
export interface Operation {
  readonly process: string;
  readonly kind: string;
  readonly begin: number;
  readonly end: number;
  /** What the session was told; null when nothing. */
  readonly told: {
    readonly role: string;
    readonly epoch: number;
    readonly live: number;
    /** It was said that there may be more. */
    readonly orMore?: boolean;
  } | null;
}

/** One client process, from its first hook to its end. */
export interface Life {
  readonly process: string;
  /** When it began to end: its SessionEnd, or the signal. Infinity while it lives. */
  readonly ends: number;
  /** When it was over for certain. */
  readonly over: number;
}

/** A birth that was found in the store. */
export interface Join {
  readonly seq: number;
  readonly process: string;
}

export interface History {
  readonly operations: readonly Operation[];
  readonly lives: readonly Life[];
  readonly joins: readonly Join[];
}

interface Member extends Join {
  /** It was in the roster at the earliest from here. */
  readonly from: number;
  /** It was there for certain from here. */
  readonly since: number;
  readonly ends: number;
  readonly over: number;
}

/** What the history breaks; empty when every promise was kept. */
export function violationsOf({ operations, lives, joins }: History): string[] {
  const broken: string[] = [];
  const taken = new Map<number, string>();
  const of = new Map<string, number>();
  for (const { seq, process } of joins) {
    const other = taken.get(seq);
    if (other !== undefined && other !== process)
      broken.push(`number ${seq} was given to ${other} and to ${process}`);
    const before = of.get(process);
    if (before !== undefined && before !== seq) broken.push(`${process} joined as ${before} and as ${seq}`);
    taken.set(seq, process);
    of.set(process, seq);
  }

  const first = new Map<string, number>();
  const told = new Map<string, number>();
  for (const { process, begin, end, told: what } of operations) {
    first.set(process, Math.min(first.get(process) ?? Number.POSITIVE_INFINITY, begin));
    if (what) told.set(process, Math.min(told.get(process) ?? Number.POSITIVE_INFINITY, end));
  }
  for (const process of told.keys()) if (!of.has(process)) broken.push(`the join of ${process} is lost`);

  const members: Member[] = [...of].map(([process, seq]) => {
    const life = lives.find((one) => one.process === process);
    return {
      process,
      seq,
      from: first.get(process) ?? Number.POSITIVE_INFINITY,
      since: told.get(process) ?? Number.POSITIVE_INFINITY,
      ends: life?.ends ?? Number.POSITIVE_INFINITY,
      over: life?.over ?? Number.POSITIVE_INFINITY,
    };
  });
  for (const a of members)
    for (const b of members)
      if (a.since < b.from && a.seq > b.seq)
        broken.push(`${a.process} had joined as ${a.seq} before ${b.process} began, which is ${b.seq}`);

  for (const { process, kind, begin, end, told: what } of operations) {
    if (!what) continue;
    const at = `${process} was told at ${kind} (${Math.round(begin)} to ${Math.round(end)})`;
    const master = members.find(({ seq }) => seq === what.epoch);
    if (!master) {
      broken.push(`${at} of epoch ${what.epoch}, which nobody has`);
      continue;
    }
    if ((what.role === 'master') !== (master.process === process))
      broken.push(`${at} to be ${what.role}, and ${what.epoch} is ${master.process}`);
    if (master.from > end || master.over < begin)
      broken.push(`${at} of epoch ${what.epoch}, which was not there`);
    const throughout = members.filter(({ since, ends }) => since < begin && ends > end);
    const sometime = members.filter(({ from, over }) => from < end && over > begin);
    const higher = throughout.find(({ seq }) => seq > what.epoch);
    if (higher) broken.push(`${at} of epoch ${what.epoch}, while ${higher.seq} was there`);
    if ((what.live < throughout.length && !what.orMore) || what.live > sometime.length)
      broken.push(
        `${at} of ${what.orMore ? 'at least ' : ''}${what.live} live sessions: ${throughout.length} to ${sometime.length} were`,
      );
  }
  return broken;
}
