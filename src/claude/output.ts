/**
 * What a hook prints: one JSON object or nothing. Anything else is shown to the user as an error, and context at the top level
 * of the object is ignored by the client.
 */
import { visible } from '../core/quote.ts';
import type { HookEvent } from './payload.ts';

export interface HookOutput {
  /** For the model. */
  readonly context?: string;
  /** For the user; the model does not see it. */
  readonly notice?: string;
}

/** The client hands a longer text over as a file with a preview. */
const mostChars = 9_500;

/** Text at a stop would continue the turn; at the other two nobody listens. */
const silent: readonly HookEvent[] = ['Stop', 'SessionEnd', 'PostCompact'];

/** Each message is harmless where it is put together; this is for the one that is not. Tells by plain ranges, which cost nothing. */
const unseen =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\udb40]/;
const shown = (text: string): string => {
  const told = text.slice(0, mostChars);
  return unseen.test(told) ? visible(told) : told;
};

/** Empty when there is nothing to say or the event has nobody to say it to. */
export function renderOutput(event: HookEvent, { context = '', notice = '' }: HookOutput): string {
  if (silent.includes(event) || (!context && !notice)) return '';
  return JSON.stringify({
    ...(notice ? { systemMessage: shown(notice) } : {}),
    ...(context ? { hookSpecificOutput: { hookEventName: event, additionalContext: shown(context) } } : {}),
  });
}
