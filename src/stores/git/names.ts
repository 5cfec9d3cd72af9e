/** How refs are called, here and on a remote. */
import { isMemberId } from '../../core/member.ts';
import { isSeq } from '../../core/seq.ts';

/** What records there are. */
export const kinds = ['seq/', 'members/', 'handoffs/'] as const;

export const localRefs = 'refs/flowloom/';
/** What the remote had when it was last read, below the same names. */
export const remoteRefs = 'refs/remote/';
export const seqRefs = 'refs/flowloom/seq/';
export const memberRefs = 'refs/flowloom/members/';
export const handoffRefs = 'refs/flowloom/handoffs/';
/** Never leaves the machine. */
export const movedRefs = 'refs/flowloom/moved/';

/** A number as it stands in a ref: of equal length, so that names sort as numbers do. */
export const seqName = (seq: number): string => String(seq).padStart(12, '0');

/** The number in a name; null when we would not have given it. */
export function seqOf(name: string): number | null {
  const seq = /^\d{12,16}$/.test(name) ? Number(name) : null;
  return isSeq(seq) && seqName(seq) === name ? seq : null;
}

/** Whether this can be a member's id, with git's rules for refs besides. */
export const memberName = (name: string): boolean => isMemberId(name) && !/\.\.|\.$|\.lock$/.test(name);

/** Whether this can be a handoff's id. */
export const handoffName = (name: string): boolean =>
  /^\d{6,}-[A-Za-z0-9]{1,12}(?:\.reconstructed)?$/.test(name);
