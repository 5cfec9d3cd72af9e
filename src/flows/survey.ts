/** Looks at the store and says who is there. */
import {
  hasLeft,
  isGone,
  latestJoins,
  parkedAmong,
  placeOf,
  type Roster,
  rosterOf,
} from '../core/election.ts';
import { judge, type Lease, type Observer, sameDomain } from '../core/liveness.ts';
import type { Member, MemberId } from '../core/member.ts';
import { blankSight, type Join, type Sight } from '../core/notebook.ts';
import { redact } from '../core/redact.ts';
import { isIn, numbersIn, runsOf } from '../core/runs.ts';
import {
  checksum,
  type RefusedError,
  type Store,
  type Taken,
  takenAbove,
  unlessRefused,
} from '../core/store.ts';

/** So many of those that ended without a word are remembered; one that was master is mostly among the newest. */
const mostSilent = 20;

/** The result of one look at the store. */
export interface Survey {
  readonly roster: Roster;
  /** Members that live and whose conversation goes on in another process: in no roster until they join again. */
  readonly parked: readonly Member[];
  /** Members that were looked at and are gone: all of them at the first look, later only those that went since. */
  readonly gone: readonly Member[];
  /** Nobody up to this number was looked at, see `survey`; the next look does. */
  readonly unseen: number;
  /** Records that the system did not let be read, of members that may live: see `refuseToGuess`. */
  readonly refused: readonly RefusedError[];
  /** For the next look. */
  readonly sight: Sight;
}

/** What is known before the look, and how far it goes. */
interface Beforehand {
  /** What another member saw. */
  readonly recall?: (id: MemberId) => Sight | null;
  readonly justSeen?: readonly Member[];
  /** The numbers above the own sight, where they need not be listed. */
  readonly taken?: Taken;
  /** Nobody up to this number is looked at; of a crowd nobody but those that joined last. */
  readonly unseen?: number | 'crowd';
}

/**
 * Reads the births that are new since the last look and those that may still matter, and judges each member.
 *
 * Dead is final: a process that ended never lives again under the same key. So what was found dead is never read again, and a
 * look costs what is alive, not what has ever been. A member that a lease declared dead may come back and stays watched; so
 * does a number whose record could not be read, since it may be on its way. Everything is looked at again in two cases: when other
 * numbers than before are taken up to there, since a member came back with one that it had in another store or on another machine;
 * and when somebody lives under a number that was over, since somebody deleted that record and the number was given again.
 *
 * Who looks for the first time goes on from where the newest member got to, whose sight `recall` finds: a store with a long past
 * is not read again for each newcomer. Whoever was `justSeen` by this very hook is not looked at again.
 *
 * Nor does a newcomer have to look at a whole crowd. Its role hangs on those that joined last, as long as the master is among them:
 * whoever stands before the master in the order of joins cannot be master while it is there. Where that is not so, everybody is looked at after all.
 */
export async function survey(
  store: Store,
  observer: Observer,
  own: Sight,
  { recall = () => null, justSeen = [], unseen: spared = 0, taken: listed }: Beforehand = {},
): Promise<Survey> {
  const taken = listed ?? (await store.numbers(own.top));
  const before = own.top > 0 ? own : await sightOfNewest(store, taken.above, recall);
  const { above, below, past = [] } = takenAbove(before.top, taken.above, taken.below);
  const anew = (): Promise<Survey> => survey(store, observer, { ...blankSight, leases: own.leases });
  if (before.top > 0 && below !== before.sum) return anew();
  const watched = numbersIn(before.watched);
  const unseen = spared === 'crowd' ? mostOf(watched, before) : spared;
  const far = watched.filter((seq) => seq <= unseen);
  const looked = await lookAt(store, observer, own, [...watched.slice(far.length), ...above], justSeen);
  const { leases, unread, refused } = looked;
  const members = looked.members.map((member, index) =>
    index < mostCalled ? called(member, observer) : member,
  );
  const roster = rosterOf(members, far.length === 0);
  if (!roster.whole && (refused.length > 0 || !outranks(roster.master, far.at(-1)!)))
    return survey(store, observer, own, { recall, justSeen });
  // In a crowd that is not looked at the next look will tell.
  const over = [...(taken.past ?? []), ...past].filter((seq) => !isIn(before.watched, seq));
  if (roster.whole && (await someoneLives(store, observer, over, roster))) return anew();
  const gone = members.filter(isGone);
  const silent = gone.filter((member) => !hasLeft(member));
  const live = members.filter((member) => !isGone(member));
  const here = new Set(live.map(({ seq }) => seq));
  const leased = gone.filter((member) => leases[member.birth.id]);
  return {
    roster,
    parked: parkedAmong(live),
    gone,
    unseen,
    refused,
    sight: {
      top: above.at(-1) ?? before.top,
      sum: checksum(above, below),
      watched: runsOf([...[...live, ...leased].map(({ seq }) => seq), ...unread, ...far]),
      leases,
      silent: newestSilent(silent, before.silent, here),
    },
  };
}

/** More names are told to nobody. */
const mostCalled = 32;

/** With the name that its client has for it now: a session that is renamed fires no hook. */
function called(member: Member, { domain, nameOf }: Observer): Member {
  const { process } = member.birth;
  if (!nameOf || member.liveness !== 'alive' || !sameDomain(process.domain, domain)) return member;
  const name = nameOf(process);
  if (!name) return member;
  const known = member.presence?.noted ?? member.presence?.name;
  // What was told before was redacted then.
  return { ...member, called: name === known ? name : redact(name) };
}

/** Nobody up to that number could be master instead. */
const outranks = (master: Member | null, seq: number): boolean =>
  master?.birth.candidacy === 'eligible' && placeOf(master) > seq;

/** Unattended ones take only the room that is left: a hundred `claude -p` that were killed must not hide one session of a person's. */
function newestSilent(
  found: readonly Member[],
  before: readonly number[],
  here: ReadonlySet<number>,
): number[] {
  const seqs = (attended: boolean): number[] =>
    found.filter(({ birth }) => birth.attended === attended).map(({ seq }) => seq);
  const all = new Set([...seqs(true), ...before, ...seqs(false)]);
  return [...all]
    .filter((seq) => !here.has(seq))
    .slice(0, mostSilent)
    .sort((a, b) => b - a);
}

/** Reads these births and judges whose they are. */
async function lookAt(
  store: Store,
  observer: Observer,
  own: Sight,
  seqs: readonly number[],
  justSeen: readonly Member[],
) {
  const seen = new Map(justSeen.map((member) => [member.seq, member]));
  const joins: Join[] = [];
  const unread: number[] = [];
  const refused: RefusedError[] = [];
  for (const seq of seqs) {
    const known = seen.get(seq)?.birth;
    const birth = known ?? (await unlessRefused(store.birth(seq), (refusal) => refused.push(refusal)));
    if (birth) joins.push({ seq, birth });
    else unread.push(seq);
  }
  const members: Member[] = [];
  // Leases are measured by the clock of who remembers them: another one's are of no use.
  const leases: Record<MemberId, Lease> = {};
  const latest = latestJoins(joins);
  observer.foresee?.(latest.filter(({ seq }) => !seen.has(seq)).map(({ birth }) => birth.process));
  for (const { seq, birth } of latest) {
    const { member, lease, refusal } = seen.has(seq)
      ? { member: seen.get(seq)!, lease: own.leases[birth.id], refusal: null }
      : await look(store, observer, { seq, birth }, own.leases[birth.id]);
    if (lease) leases[birth.id] = lease;
    if (refusal && member.liveness !== 'dead') refused.push(refusal);
    members.push(member);
  }
  return { members, leases, unread, refused };
}

async function look(
  store: Store,
  observer: Observer,
  { seq, birth }: Join,
  known: Lease | undefined,
): Promise<{ member: Member; lease: Lease | null; refusal: RefusedError | null }> {
  let refusal: RefusedError | null = null;
  const seen = await unlessRefused(store.presence(birth.id), (it) => {
    refusal = it;
  });
  // A beat that could not be seen is not a new one: nobody comes back from the dead for it.
  const beat = refusal && known ? { beat: known.beat, seenAt: Date.parse(birth.joinedAt) } : seen;
  const { liveness, lease } = judge(birth, beat, known, observer);
  const { presence = null, seenAt = null } = seen ?? {};
  return { member: { seq, birth, presence, seenAt, liveness }, lease, refusal };
}

/**
 * Numbers are given out upwards. So of those that were over and were given again the newest are among the newest of all, and with one
 * found everything is looked at. More are only there until the dead are forgotten, and then a look must not cost more either.
 */
const mostDoubted = 64;

/** Somebody lives under one of these numbers that is not in the roster under that number or a higher one. */
async function someoneLives(
  store: Store,
  observer: Observer,
  over: readonly number[],
  { members }: Roster,
): Promise<boolean> {
  const latest = new Map(members.map(({ seq, birth }) => [birth.id, seq]));
  const newestFirst = [...over].sort((a, b) => b - a).slice(0, mostDoubted);
  for (const seq of newestFirst) {
    const birth = await unlessRefused(store.birth(seq));
    if (!birth || (latest.get(birth.id) ?? 0) > seq) continue;
    // Mostly the process is gone, and then its presence need not be read.
    if (judge(birth, null, undefined, observer).liveness === 'dead') continue;
    const { member } = await look(store, observer, { seq, birth }, undefined);
    if (!isGone(member)) return true;
  }
  return false;
}

/** So many records are read as fast as a notebook is, and a session start has no room to name more members. */
const few = 16;
/** One of these may have died before it wrote down what it saw. */
const newest = 3;

/** Up to which number all but the newest are; 0 where some are out of sight for good, since time alone tells whether they are there. */
const mostOf = (watched: readonly number[], { leases }: Sight): number =>
  Object.keys(leases).length === 0 ? (watched.at(-1 - few) ?? 0) : 0;

async function sightOfNewest(
  store: Store,
  above: Taken['above'],
  recall: NonNullable<Beforehand['recall']>,
): Promise<Sight> {
  const asked = above.length > few ? above.slice(-newest).reverse() : [];
  for (const seq of asked) {
    const birth = await unlessRefused(store.birth(seq));
    const sight = birth && recall(birth.id);
    if (sight && sight.top > 0 && sight.top <= above.at(-1)!) return sight;
  }
  return blankSight;
}
