/** What the next prompt will be told if nothing happens until then. */
import type { Roster } from '../core/election.ts';
import type { Member } from '../core/member.ts';
import { changeLine, promptLine } from '../messages/model.ts';
import type { Session } from './session.ts';

/** A prompt's answer, made before the prompt. */
export interface Steady {
  /** Empty when a steady prompt is told nothing. */
  readonly line: string;
  /** It holds while these processes live, and no longer. The master's comes first, then those that joined last. */
  readonly pids: readonly number[];
  /** And while the client calls this process so, or, where that is empty, says nothing of it. Null when the line names nobody. */
  readonly called: { readonly pid: number; readonly name: string } | null;
}

/**
 * Null when it cannot be said beforehand: something is still to be told, state is not where it belongs, or the life of a member
 * is a matter of time, since its process cannot be seen from here. The first prompt of a conversation is never steady: it says
 * what the session is doing.
 */
export function steady({ notebook, roster, self }: Session): Steady | null {
  const { told, sight, degraded, conversation, config } = notebook;
  if (!roster || !told || degraded || !conversation.latestPrompt) return null;
  if (!isHere(roster, self.id) || roster.members.some(({ liveness }) => liveness !== 'alive')) return null;
  // Somebody came since, and may be gone again: the next prompt says so.
  if (told.top < sight.top) return null;
  if (changeLine(told, roster, self.id, { rolesOnly: false })) return null;
  return {
    line: config.prompt === 'always' ? promptLine(roster, self.id) : '',
    pids: masterFirst(roster).map(({ birth }) => birth.process.pid),
    called: calledInLine(roster, self.id),
  };
}

function calledInLine({ master }: Roster, self: string): Steady['called'] {
  if (!master || master.birth.id === self) return null;
  return { pid: master.birth.process.pid, name: master.called ?? '' };
}

const masterFirst = ({ members, master }: Roster): readonly Member[] =>
  master ? [master, ...members.filter((member) => member !== master)] : members;

const isHere = ({ members }: Roster, id: string): boolean => members.some(({ birth }) => birth.id === id);
