import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What the client itself noted about the hooks it ran. Its line format is internal; the client's version is pinned. */
type HookNotes = {
  /** The context each hook gave to the model, exactly as it was given. */
  readonly contexts: readonly HookContext[];
  /** What the client held against a hook: an exit code, broken JSON, a timeout. */
  readonly failures: readonly string[];
};

type HookContext = { readonly event: string; readonly sessionId: string; readonly text: string };

export function readHookNotes(home: string): HookNotes {
  const contexts: HookContext[] = [];
  const failures: string[] = [];
  for (const line of transcriptLines(home)) {
    const attachment = line.attachment;
    if (attachment?.type === 'hook_additional_context') {
      for (const text of attachment.content ?? []) {
        contexts.push({ event: attachment.hookEvent ?? '?', sessionId: line.sessionId ?? '?', text });
      }
    } else if (attachment?.type && /^hook_.*(error|cancel|timeout|block)/.test(attachment.type)) {
      const { hookEvent, type, exitCode, durationMs, stderr = '' } = attachment;
      failures.push(`${hookEvent}: ${type} (code ${exitCode}, after ${durationMs} ms) ${stderr}`);
    }
    for (const error of line.hookErrors ?? []) failures.push(`${line.subtype}: ${error}`);
  }
  return { contexts, failures };
}

/**
 * When the last turn of a session ended, Stop hooks included; 0 before the first end. The note the client keeps about its
 * status (busy, idle) is no measure: it leaves out turns that are over quickly.
 */
export function lastTurnEnd(home: string, sessionId: string): number {
  let end = 0;
  for (const line of transcriptLines(home, sessionId)) {
    if (line.subtype === 'turn_duration') end = Math.max(end, Date.parse(line.timestamp ?? ''));
  }
  return end;
}

type Line = {
  sessionId?: string;
  timestamp?: string;
  subtype?: string;
  hookErrors?: string[];
  attachment?: {
    type?: string;
    hookEvent?: string;
    content?: string[];
    stderr?: string;
    exitCode?: number;
    durationMs?: number;
  };
};

function* transcriptLines(home: string, sessionId = ''): Generator<Line> {
  const folder = join(home, '.claude', 'projects');
  if (!existsSync(folder)) return;
  for (const entry of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    if (!entry.endsWith(`${sessionId}.jsonl`)) continue;
    for (const line of readFileSync(join(folder, entry), 'utf8').split('\n')) {
      // Most lines are long and about something else: they are not worth parsing.
      if (!line.includes('hook') && !line.includes('turn_duration')) continue;
      try {
        yield JSON.parse(line) as Line;
      } catch {
        // A session that was killed may leave its last line unfinished.
      }
    }
  }
}
