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

/** Empty when there is nothing to say. On Stop and SessionEnd context would continue the turn or go nowhere, so it is left out. */
export function renderOutput(event: HookEvent, output: HookOutput | null): string {
  const context =
    event === 'Stop' || event === 'SessionEnd' || event === 'PostCompact' ? '' : (output?.context ?? '');
  if (!context && !output?.notice) return '';
  return JSON.stringify({
    ...(output?.notice ? { systemMessage: output.notice.slice(0, mostChars) } : {}),
    ...(context
      ? { hookSpecificOutput: { hookEventName: event, additionalContext: context.slice(0, mostChars) } }
      : {}),
  });
}
