import { type HandoffHead, parseHandoff } from '../../core/handoff.ts';
import type { Store } from '../../core/store.ts';
import { newestOf, readNotes, withGit } from '../../flows/notes.ts';
import { gitFacts } from '../../io/git.ts';
import { isWorktreeOf } from '../../io/scope.ts';
import { handoffList, noHandoffs, noSuchHandoff } from '../../messages/cli.ts';
import { fail, paint, print, printJson } from '../terminal.ts';
import { openWorkspace } from '../workspace.ts';

const gitLimitMs = 5000;

const withPlace = (store: Store) => (head: HandoffHead) => ({ ...head, place: store.handoffPlace(head.id) });

/** All handoffs, newest first. */
export async function listHandoffs(options: { json?: boolean }): Promise<void> {
  const { store, observer } = await openWorkspace(process.cwd(), process.env);
  const found = (await readNotes(store, observer.now)).map(({ head }) => head);
  if (options.json) printJson(found.map(withPlace(store)));
  else print(handoffList(found, observer.now, paint));
}

/** One handoff, whole; when none is named, the newest that an attended session left. */
export async function showHandoff(id: string | undefined, options: { json?: boolean }): Promise<void> {
  const { scope, store, observer } = await openWorkspace(process.cwd(), process.env);
  const wanted = id ?? newestOf(await readNotes(store, observer.now))?.head.id;
  const note = wanted === undefined ? null : await store.handoff(wanted);
  const parsed = note === null ? null : parseHandoff(note, wanted!);
  if (!parsed || note === null) return fail(id === undefined ? noHandoffs : noSuchHandoff(id));
  const { head, body } = await withGit(parsed, async (worktree) =>
    isWorktreeOf(scope, worktree) ? gitFacts(worktree, gitLimitMs) : null,
  );
  if (options.json) printJson({ ...withPlace(store)(head), body });
  else print(note.replace(parsed.body, () => body));
}
