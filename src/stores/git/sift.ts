/**
 * What of a remote is looked at. Whoever can push writes there, so everything is bounded before it is fetched: by its name, by how
 * many there are, by its size, and by its form. Pure.
 */
import { asBirth, asPresence, type MemberId } from '../../core/member.ts';
import type { View } from './merge.ts';
import { handoffName, handoffRefs, localRefs, memberName, memberRefs, seqOf, seqRefs } from './names.ts';
import { footholds, reached, widestStep } from './numbers.ts';
import type { RecordCommit } from './record.ts';

/** A record of the remote that is not taken over, and why not. */
export interface Refusal {
  /** Its name, which may be anybody's text. */
  readonly record: string;
  readonly reason: string;
}

/** Of what is not known here yet, so many are taken at most; the newest where numbers tell. */
export const most = { births: 1000, members: 1000 } as const;

/** The size of a record as a commit, in bytes. */
const mostBytes = { seq: 8 << 10, member: 16 << 10, handoff: 96 << 10 } as const;
/** No kind of record is larger. */
export const mostRecordBytes = mostBytes.handoff;

type Kind = keyof typeof mostBytes;

/** What kind of record a ref is; null for a name that no store gives. */
export function kindOf(ref: string): Kind | null {
  if (ref.startsWith(seqRefs)) return seqOf(ref.slice(seqRefs.length)) === null ? null : 'seq';
  if (ref.startsWith(memberRefs)) return memberName(ref.slice(memberRefs.length)) ? 'member' : null;
  if (ref.startsWith(handoffRefs)) return handoffName(ref.slice(handoffRefs.length)) ? 'handoff' : null;
  return null;
}

const numberIn = (ref: string): number => seqOf(ref.slice(seqRefs.length)) ?? 0;
const handoffNumber = (ref: string): number => Number.parseInt(ref.slice(handoffRefs.length), 10);
const numbersIn = (refs: Iterable<string>): number[] =>
  [...refs].filter((ref) => ref.startsWith(seqRefs)).map(numberIn);

/** What a remote holds by name, before anything of it is read. */
export interface Sifted {
  /** The refs that are looked at. */
  readonly wanted: readonly string[];
  /** Members that nobody here knows, where they are too many: those are wanted that have a birth. */
  readonly crowd: readonly string[];
  readonly refused: readonly Refusal[];
}

/** Chooses among the refs of a remote. What is known here is never left out, so that a change of it is a change of what is there. */
export function sift(
  listed: ReadonlyMap<string, string>,
  local: View,
  base: View,
  { share, keep }: { readonly share: 'facts' | 'handoffs'; readonly keep: number },
): Sifted {
  const refused: Refusal[] = [];
  const refuse = (refs: readonly string[], reason: string): void => {
    for (const ref of refs) refused.push({ record: ref.slice(localRefs.length), reason });
  };
  const asBefore = (ref: string): boolean => base.get(ref)?.oid === listed.get(ref);
  const isKnown = (ref: string): boolean => local.has(ref) || asBefore(ref);
  const of = (kind: Kind | null): string[] => [...listed.keys()].filter((ref) => kindOf(ref) === kind);
  refuse(of(null), 'no record has such a name');

  const numbers = [...numbersIn(listed.keys()), ...numbersIn(local.keys())];
  const top = reached(numbers);
  const steps = new Set(footholds(numbers));
  const births = of('seq').sort((a, b) => numberIn(b) - numberIn(a));
  const near = births.filter((ref) => numberIn(ref) <= top);
  refuse(
    births.filter((ref) => numberIn(ref) > top),
    `its number is more than ${widestStep} above all others`,
  );
  const older = near.filter((ref) => !isKnown(ref)).slice(most.births);
  const tooOld = older.filter((ref) => !steps.has(numberIn(ref)));
  refuse(tooOld, `there are more than ${most.births} that are newer`);
  const leftOut = new Set(tooOld);

  const members = of('member');
  const newMembers = members.filter((ref) => !isKnown(ref));
  const crowd = newMembers.length > most.members ? newMembers : [];

  const handoffs = of('handoff').sort((a, b) => handoffNumber(b) - handoffNumber(a));
  const shared = share === 'handoffs' ? handoffs : handoffs.filter(asBefore);
  if (share !== 'handoffs')
    refuse(
      handoffs.filter((ref) => !asBefore(ref)),
      'handoffs are not shared here ("git.share")',
    );
  const newHandoffs = shared.filter((ref) => !isKnown(ref));
  refuse(newHandoffs.slice(keep), `there are more than ${keep} that are newer ("handoff.keep")`);
  for (const ref of [...newHandoffs.slice(keep), ...crowd]) leftOut.add(ref);

  return { wanted: [...near, ...members, ...shared].filter((ref) => !leftOut.has(ref)), crowd, refused };
}

/** Of a crowd of members those that joined, and no more than so many. */
export function siftCrowd(
  crowd: readonly string[],
  joined: ReadonlySet<MemberId>,
): Pick<Sifted, 'wanted' | 'refused'> {
  const wanted = crowd.filter((ref) => joined.has(ref.slice(memberRefs.length))).slice(0, most.members);
  const taken = new Set(wanted);
  const reason = `there are more than ${most.members}, and it has no join that is taken over`;
  const refused = crowd
    .filter((ref) => !taken.has(ref))
    .map((ref) => ({ record: ref.slice(localRefs.length), reason }));
  return { wanted, refused };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** What stands for a birth that was lost. */
const isLost = (text: string): boolean => text === '{}';

/** What a record is held against. */
export interface Here {
  readonly clone: string;
  /** What has this name here was written here. */
  readonly isOurs: boolean;
  /** Members that joined here. */
  readonly ours: ReadonlySet<MemberId>;
}

/** Why this record, of so many bytes, is not taken over under this name; null when it is. */
export function objection(
  ref: string,
  record: RecordCommit | null,
  bytes: number,
  { clone, isOurs, ours }: Here,
): string | null {
  const kind = kindOf(ref);
  if (kind === null || !record) return 'it is no record';
  if (bytes > mostBytes[kind]) return `it is larger than ${mostBytes[kind]} bytes`;
  // Who wrote it is what it says itself: a record of this clone is here already, or was not written here.
  if (record.clone === clone && !isOurs) return 'it says that it was written here, and it was not';
  const birth = kind === 'seq' ? asBirth(parse(record.text)) : null;
  if (kind === 'seq' && !birth && !isLost(record.text)) return 'it is no birth';
  // Its number is the higher one, so it would be taken for the member's latest join.
  if (birth && record.clone !== clone && ours.has(birth.id)) return 'it is a join of a session of this clone';
  if (kind === 'member' && !asPresence(parse(record.text))) return 'it is no presence';
  return null;
}
