/** The handoffs of a store as a reader wants them. */
import { type HandoffHead, parseHandoff } from '../core/handoff.ts';
import type { Store } from '../core/store.ts';

export interface Note {
  readonly head: HandoffHead;
  readonly body: string;
}

/** All notes that can be read, newest first by the time they were written; a reconstruction stands in for its checkpoint. */
export async function readNotes(store: Store): Promise<Note[]> {
  const ids = await store.handoffs();
  const notes: Note[] = [];
  for (const id of ids) {
    if (ids.includes(`${id}.reconstructed`)) continue;
    const text = await store.handoff(id);
    const note = text === null ? null : parseHandoff(text, id);
    if (note) notes.push(note);
  }
  return notes.sort((a, b) => (a.head.writtenAt < b.head.writtenAt ? 1 : -1));
}
