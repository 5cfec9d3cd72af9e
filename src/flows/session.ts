/** What a flow works with: one hook of one member, and the effects it may have. Put together in `src/compose.ts`. */
import type { Roster } from '../core/election.ts';
import type { GitFacts } from '../core/git-facts.ts';
import type { Observer } from '../core/liveness.ts';
import type { MemberId, ProcessRef } from '../core/member.ts';
import type { Notebook } from '../core/notebook.ts';
import type { Store } from '../core/store.ts';

/** The facts of the hook that the flows use, already free of the client's names. */
export interface Occasion {
  readonly sessionId: string;
  readonly transcript: string;
  readonly cwd: string;
  /** The member whose conversation goes on in this process from now on; empty when there is none. */
  readonly parks: MemberId;
  /** The conversation that this one is a copy of; empty when it is none, or that is not known. */
  readonly forkedFrom: string;
  /** When the conversation that this one is a copy of got its last response, ms since 1970; 0 when it is none. */
  readonly lastResponseAt: number;
  /** Distinguishes this occasion from the next one of its kind; empty when the client sent nothing that does. */
  readonly key: string;
}

/** The notebooks of the members of one place. */
export interface Notebooks {
  /** Null when there is none; a damaged one counts as none. */
  read(id: MemberId): Notebook | null;
  /** The same for who only wants to go on from what the member saw. */
  seenBy(id: MemberId): Pick<Notebook, 'store' | 'sight'> | null;
  write(id: MemberId, notebook: Notebook): void;
  /** Removes what that member remembered, and its directory. */
  forget(id: MemberId): void;
  /** True for the first who asks for this key, false for who asks within ten seconds after. */
  claim(id: MemberId, key: string): boolean;
}

/** One hook of one member: facts, and the effects a flow may have. */
export interface Session {
  readonly self: { readonly id: MemberId; readonly process: ProcessRef };
  readonly occasion: Occasion;
  /** Somebody sits before it, or has talked to it in the background. */
  attended: boolean;
  /** What this hook was given to tell looks like talk to a session in the background. */
  readonly talks: boolean;
  /** The session was started with the wish to stay a worker. */
  readonly declines: boolean;
  readonly worktree: string;
  readonly store: Store;
  readonly notebooks: Notebooks;
  readonly observer: Observer;
  /** Join numbers begin above this: the highest one seen in any other place that can be read. */
  readonly floor: number;
  /** Replaced as the flow learns; written back once, at the end of the hook. */
  notebook: Notebook;
  /** Set when another hook does this very work: then nothing of this one is kept. */
  echo: boolean;
  /** Who is there, as this hook saw it last; null before it looked. */
  roster: Roster | null;

  /** The machine's name, for people. */
  hostName(): string;
  /** Branch and commit as git's own files tell them, without a git process. */
  head(): { branch: string; commit: string };
  /** The name that other sessions use for this one: what the user named it, else what the client's note calls it. */
  name(): { name: string; noted: string };
  readTail(path: string, offset: number): { text: string; offset: number };
  /** What git says; null when it does not in time. A process: for the ends of a session, never for a stop or a prompt. */
  git(worktree: string): Promise<GitFacts | null>;
  /**
   * How many of these files were written to after that time, of those that are looked at: few, and only what lies in this work tree
   * or in the one that is named, if that is one of this repository.
   */
  changedSince(files: readonly string[], time: number, worktree: string): { files: number; of: number };
  /** Something that must not stop the hook went wrong. */
  report(code: string, cause: unknown): void;
}

/** Runs what may fail without costing the hook its answer; a failure is reported. */
export async function attempt(session: Session, code: string, act: () => unknown): Promise<void> {
  try {
    await act();
  } catch (cause) {
    session.report(code, cause);
  }
}
