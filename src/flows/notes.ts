/** The handoffs of a store as a reader wants them. */
import type { GitFacts } from '../core/git-facts.ts';
import { type HandoffHead, parseHandoff, withGitNow } from '../core/handoff.ts';
import type { Origin, Store } from '../core/store.ts';

/** A handoff as it is stored: its head, and the sections below. */
export interface Note {
  readonly head: HandoffHead;
  readonly body: string;
  /** Set where it was written in another clone. */
  readonly origin?: Origin;
}

/** The ids of all notes; a reconstruction stands in for its checkpoint. */
export async function noteIds(store: Store): Promise<string[]> {
  const ids = await store.handoffs();
  return ids.filter((id) => !ids.includes(`${id}.reconstructed`));
}

/** As many as may be configured to be kept. In a place that others write to there may be any number. */
const mostNotes = 1000;

/** A clock may be a little off without being wrong. */
const slackMs = 60_000;

/**
 * Notes, newest first. Whose number is lower may still have written later, so the time tells; but not one that is yet to come: a clock
 * was wrong when it was written. Such a note stands behind those of all higher numbers.
 */
export function newestFirst(notes: readonly Note[], now: number): Note[] {
  const time = ({ head }: Note): number => Date.parse(head.writtenAt) || 0;
  const isAhead = (note: Note): boolean => time(note) > now + slackMs;
  const order = notes
    .filter((note) => !isAhead(note))
    .sort((a, b) => time(b) - time(a) || b.head.seq - a.head.seq);
  const ahead = notes.filter(isAhead).sort((a, b) => a.head.seq - b.head.seq);
  for (const note of ahead)
    order.splice(order.findLastIndex(({ head }) => head.seq > note.head.seq) + 1, 0, note);
  return order;
}

/** All notes that can be read, newest first; see `newestFirst`. */
export async function readNotes(store: Store, now: number): Promise<Note[]> {
  const notes: Note[] = [];
  for (const id of (await noteIds(store)).slice(-mostNotes)) {
    const text = await store.handoff(id);
    const note = text === null ? null : parseHandoff(text, id);
    if (!note) continue;
    const origin = await store.origin?.(id, note.head);
    notes.push(origin ? { ...note, origin } : note);
  }
  return newestFirst(notes, now);
}

/**
 * Whether a note may stand for what a master left. One of another clone says of itself who wrote it; only that the number which it
 * names was taken by the session that it names, in the clone it came from, can be looked up.
 */
export const isCredible = ({ origin }: Note): boolean => origin?.isProven !== false;

/** What to show to somebody who names none: the newest that an attended session left, else the newest. */
export const newestOf = (notes: readonly Note[]): Note | undefined =>
  notes.find(({ head }) => head.attended) ?? notes[0];

/**
 * The ids of the notes that are too many, oldest first. Attended sessions and unattended ones have a quota each, so that any number
 * of `claude -p` leaves what a person was doing where it is.
 */
export async function idsBeyond(store: Store, quota: number): Promise<string[]> {
  const ids = await store.handoffs();
  if (ids.length <= quota) return [];
  const room = { attended: quota, unattended: quota };
  const beyond: string[] = [];
  for (const id of ids.toReversed()) {
    const text = await store.handoff(id);
    const whose =
      text !== null && parseHandoff(text, id)?.head.attended === false ? 'unattended' : 'attended';
    if (room[whose]-- <= 0) beyond.unshift(id);
  }
  return beyond;
}

/** A checkpoint was written without git; whoever reads it asks git now, which is also when the answer matters. */
export async function withGit(
  note: Note,
  ask: (worktree: string) => Promise<GitFacts | null>,
): Promise<Note> {
  const { label, worktree } = note.head;
  const facts = label === 'checkpoint' && worktree && !note.origin ? await ask(worktree) : null;
  return facts ? { ...note, body: withGitNow(note.body, facts, worktree) } : note;
}
