/**
 * Conversations that the client runs in the background: moved there with Left arrow, forked with `/fork`, begun with `--bg` or in the
 * list of agents. Each has a directory of its own, `CLAUDE_JOB_DIR`, with what it was begun with in `state.json`:
 *
 *     { "intent": "count the files", "sessionId": "…", "forkParentSessionId": "…", … }
 *
 * The terminal that a conversation left by Left arrow says so in its note, `"parkedJobId": "41fd55b9"`. Internal to the client (seen:
 * 2.1.332), so what is missing is only unknown. Loaded only in the background.
 */
import fs from 'node:fs';
import { basename } from 'node:path';
import type { MemberId } from '../core/member.ts';
import { isHumanPrompt } from '../core/transcript.ts';
import { safeRead } from '../io/safe-read.ts';
import { within } from '../io/within.ts';
import { memberWithPid } from './identity.ts';
import type { HookPayload } from './payload.ts';
import { claudeDirectory, noteOf } from './session-file.ts';

const mostNotes = 1000;

/** What it was begun with; null when there is no job, or it cannot be read. */
export function jobState(env: NodeJS.ProcessEnv): Record<string, unknown> | null {
  try {
    const text = env.CLAUDE_JOB_DIR && safeRead(within(env.CLAUDE_JOB_DIR, 'state.json'), 64 * 1024);
    const state: unknown = text ? JSON.parse(text) : null;
    return typeof state === 'object' && state !== null ? (state as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

const squeezed = (text: string): string => text.replace(/\s+/g, ' ').trim();

/** A person talks to it. The task that it was begun with comes as a prompt too, and that is no talk. */
export function isTalk({ prompt }: HookPayload, env: NodeJS.ProcessEnv): boolean {
  if (!isHumanPrompt(prompt)) return false;
  const intent = jobState(env)?.intent;
  return typeof intent !== 'string' || squeezed(intent) !== squeezed(prompt);
}

/** It has no conversation yet. Before that its process may wait for a task for hours, and none may come. */
export const isNew = ({ source }: HookPayload, env: NodeJS.ProcessEnv): boolean =>
  Boolean(env.CLAUDE_JOB_DIR) && source !== 'resume' && source !== 'fork';

/** The member whose conversation goes on in this job, and that conversation; null when there is none. */
export function parkedFor(
  { sessionId }: HookPayload,
  env: NodeJS.ProcessEnv,
): { member: MemberId; conversation: string } | null {
  const job = basename(env.CLAUDE_JOB_DIR ?? '') || sessionId.slice(0, 8);
  const directory = claudeDirectory(env);
  if (!job || !directory) return null;
  let names: string[];
  try {
    names = fs.readdirSync(within(directory, 'sessions')).slice(0, mostNotes);
  } catch {
    return null;
  }
  for (const name of names) {
    const pid = Number(/^([1-9]\d{0,9})\.json$/.exec(name)?.[1] ?? 0);
    const note = pid ? noteOf(pid, env) : null;
    if (note?.parkedJobId !== job) continue;
    const member = memberWithPid(pid, env);
    return member ? { member, conversation: String(note.sessionId ?? '') } : null;
  }
  return null;
}
