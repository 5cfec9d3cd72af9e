/**
 * Conversations that the client runs in the background: moved there with Left arrow, forked with `/fork`, begun with `--bg` or in the
 * list of agents. Each has a directory of its own, `CLAUDE_JOB_DIR`, with what it was begun with in `state.json`:
 *
 *     { "intent": "count the files", "sessionId": "…", "forkParentSessionId": "…", … }
 *
 * The terminal that a conversation left by Left arrow says so in its note, `"parkedJobId": "41fd55b9"`. Internal to the client (seen:
 * 2.1.332), so what is missing is only unknown. Loaded only in the background, and where a fork starts.
 */
import fs from 'node:fs';
import { basename } from 'node:path';
import type { MemberId } from '../core/member.ts';
import { isHumanPrompt } from '../core/transcript.ts';
import { safeRead } from '../io/safe-read.ts';
import { within } from '../io/within.ts';
import { isBackground, memberWithPid, type Self } from './identity.ts';
import type { HookEvent, HookPayload } from './payload.ts';
import { claudeDirectory, noteOf } from './session-file.ts';

const mostNotes = 1000;

/** What it was begun with; null when there is no job, or it cannot be read. */
function jobState(env: NodeJS.ProcessEnv): Record<string, unknown> | null {
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
function isTalk({ prompt }: HookPayload, env: NodeJS.ProcessEnv): boolean {
  if (!isHumanPrompt(prompt)) return false;
  const intent = jobState(env)?.intent;
  return typeof intent !== 'string' || squeezed(intent) !== squeezed(prompt);
}

/** It has no conversation yet. Before that its process may wait for a task for hours, and none may come. */
const isNew = ({ source }: HookPayload, env: NodeJS.ProcessEnv): boolean =>
  Boolean(env.CLAUDE_JOB_DIR) && source !== 'resume' && source !== 'fork';

/** The member whose conversation goes on in this job, and that conversation; null when there is none. */
function parkedFor(
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

const mostBytes = 64 * 1024;
const conversationId = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

function argumentsOf(pid: number): string[] {
  let fd: number | undefined;
  try {
    fd = fs.openSync(`/proc/${pid}/cmdline`, 'r');
    const buffer = Buffer.alloc(mostBytes);
    return buffer.toString('utf8', 0, fs.readSync(fd, buffer)).split('\0');
  } catch {
    return [];
  } finally {
    if (fd !== undefined) fs.closeSync(fd);
  }
}

/**
 * The conversation that a fork is a copy of; empty where nothing says it. What its hooks are given does not name it, and it has no
 * transcript yet; the state of the job that `/fork` began does, and the command line of `claude --resume <id> --fork-session`.
 */
function originOf(pid: number, env: NodeJS.ProcessEnv): string {
  const parent = jobState(env)?.forkParentSessionId;
  return typeof parent === 'string' ? parent : resumedBy(pid);
}

/** What the client was started with, by id or by transcript. */
function resumedBy(pid: number): string {
  const words = argumentsOf(pid);
  const at = words.findIndex((word) => /^(?:--resume|-r)$/.test(word));
  const value =
    at >= 0 ? words[at + 1] : words.find((word) => word.startsWith('--resume='))?.slice('--resume='.length);
  const id = basename(value ?? '').replace(/\.jsonl$/, '');
  return conversationId.test(id) ? id : '';
}

/** What a hook finds out about its session besides what it is given. */
export interface Surmise {
  /** See `Occasion`. */
  readonly parks: MemberId;
  readonly forkedFrom: string;
  /** See `Session`. */
  readonly talks: boolean;
  /** One that was begun ahead for a task to come, and may never get one, does not take part before its first prompt. */
  readonly waits: boolean;
}

/** Never throws: what cannot be read is not known. */
export function surmise(
  event: HookEvent,
  payload: HookPayload,
  { process: { pid } }: Self,
  env: NodeJS.ProcessEnv,
): Surmise {
  const background = isBackground(env);
  const starts = event === 'SessionStart';
  const parked = starts && background ? parkedFor(payload, env) : null;
  const forks = starts && payload.source === 'fork';
  return {
    parks: parked?.member ?? '',
    forkedFrom: parked?.conversation || (forks ? originOf(pid, env) : ''),
    talks: background && event === 'UserPromptSubmit' && isTalk(payload, env),
    waits: background && starts && !parked && isNew(payload, env),
  };
}
