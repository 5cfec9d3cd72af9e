/**
 * Permalinks: each must be the only one of its kind in the whole project, or basic-memory rewrites the note. A handoff names
 * itself without the scope, and several scopes may share one project, so in a project its permalink has the scope in it.
 */
import type { MemberId } from '../../core/member.ts';
import { splitHead } from './note.ts';

const slugOf = (name: string): string => name.toLowerCase().replace(/[^a-z0-9-]+/g, '-');

/** The permalink in a note's head, where it is a plain one. */
const given = (text: string): string | undefined =>
  splitHead(text)?.block.match(/^permalink: *(["']?)([a-z0-9/.-]+)\1 *\r?$/m)?.[2];

function relinked(note: string, from: string, to: string): string {
  const head = splitHead(note);
  if (!head) return note;
  const at = note.length - head.body.length;
  return (
    note.slice(0, at).replace(new RegExp(`^permalink: "${from}"$`, 'm'), `permalink: "${to}"`) +
    note.slice(at)
  );
}

/** The permalinks of one scope. One that basic-memory gave a note stays, or it would rewrite the note every time. */
export function permalinksOf(folder: string): {
  /** For the note of a member, of which `before` is what it holds now. */
  ofMember(id: MemberId, before: string): string;
  /** A handoff as it is stored. */
  scoped(id: string, note: string, before: string): string;
  /** A stored handoff as it was written. */
  plain(id: string, note: string): string;
} {
  const base = `flowloom/${slugOf(folder)}`;
  const plainLink = (id: string): string => `flowloom/handoffs/${slugOf(id)}`;
  return {
    ofMember: (id, before) => given(before) ?? `${base}/members/${slugOf(id)}`,
    scoped: (id, note, before) =>
      relinked(note, plainLink(id), given(before) ?? `${base}/handoffs/${slugOf(id)}`),
    plain: (id, note) => relinked(note, `${base}/handoffs/${slugOf(id)}(?:-\\d+)?`, plainLink(id)),
  };
}
