/**
 * What a hook prints: one JSON object or nothing. Anything else is shown to the user as an error, and context at the top level
 * of the object is ignored by the client.
 */
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

/** Empty when there is nothing to say or the event has nobody to say it to. */
export function renderOutput(event: HookEvent, { context = '', notice = '' }: HookOutput): string {
  if (silent.includes(event) || (!context && !notice)) return '';
  return JSON.stringify({
    ...(notice ? { systemMessage: notice.slice(0, mostChars) } : {}),
    ...(context
      ? { hookSpecificOutput: { hookEventName: event, additionalContext: context.slice(0, mostChars) } }
      : {}),
  });
}
