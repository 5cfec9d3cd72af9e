/**
 * Which conversation a fork is a copy of. What its hooks are given does not name it, and it has no transcript yet; the command line of
 * `claude --resume <id> --fork-session` does, and the state of the job that `/fork` began (seen: 2.1.332). Loaded only at the start of a
 * fork.
 */
import fs from 'node:fs';
import { basename } from 'node:path';
import { jobState } from './background.ts';

const mostBytes = 64 * 1024;
const conversation = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

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

/** The id of that conversation; empty where nothing says it. */
export function originOf(pid: number, env: NodeJS.ProcessEnv): string {
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
  return conversation.test(id) ? id : '';
}
