/** The input of a hook, as the client writes it to stdin. Fields as recorded from client 2.1.330 (`test/fixtures/payloads`). */
import type { JoinCause } from '../core/member.ts';

export type HookEvent =
  | 'SessionStart'
  | 'UserPromptSubmit'
  | 'PostToolBatch'
  | 'PostCompact'
  | 'Stop'
  | 'SessionEnd';

/** Every field that is used, empty where the client did not send it. */
export interface HookPayload {
  readonly sessionId: string;
  readonly transcriptPath: string;
  readonly cwd: string;
  readonly promptId: string;
  /** Not empty inside a subagent: such a hook never joins and is told nothing. */
  readonly agentId: string;
  /** SessionStart: startup, resume, fork, clear, compact. */
  readonly source: string;
  /** SessionEnd: clear, resume, prompt_input_exit, other, … */
  readonly reason: string;
  readonly prompt: string;
  readonly lastAssistantMessage: string;
  readonly compactSummary: string;
  /** Only when the user named the session. */
  readonly sessionTitle: string;
  readonly toolCalls: readonly unknown[];
  /** SessionStart of a conversation that was there before: seconds since the last response in it. */
  readonly sinceLastResponse: number | null;
  /** Stop: the prompts of what is scheduled in this session. They come as UserPromptSubmit without a sign of that. */
  readonly scheduled: readonly string[];
}

/** The payload, or null when the text is not one JSON object. Fields of a wrong type count as missing. */
export function parsePayload(text: string): HookPayload | null {
  let value: unknown;
  try {
    value = JSON.parse(text.startsWith('\ufeff') ? text.slice(1) : text);
  } catch {
    return null;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null;
  const fields = value as Record<string, unknown>;
  const str = (name: string): string => (typeof fields[name] === 'string' ? (fields[name] as string) : '');
  return {
    sessionId: str('session_id'),
    transcriptPath: str('transcript_path'),
    cwd: str('cwd'),
    promptId: str('prompt_id'),
    agentId: str('agent_id'),
    source: str('source'),
    reason: str('reason'),
    prompt: str('prompt'),
    lastAssistantMessage: str('last_assistant_message'),
    compactSummary: str('compact_summary'),
    sessionTitle: str('session_title'),
    toolCalls: Array.isArray(fields.tool_calls) ? fields.tool_calls : [],
    sinceLastResponse:
      typeof fields.seconds_since_last_response === 'number' ? fields.seconds_since_last_response : null,
    scheduled: (Array.isArray(fields.session_crons) ? fields.session_crons : [])
      .map((cron: { prompt?: unknown } | null) => cron?.prompt)
      .filter((prompt) => typeof prompt === 'string'),
  };
}

/** What a session start means for a process that is not a member yet. `/clear` and `/compact` come from a session that runs already. */
export const causeOf = (source: string): JoinCause =>
  source === 'startup' || source === 'resume' || source === 'fork' ? source : 'late';
