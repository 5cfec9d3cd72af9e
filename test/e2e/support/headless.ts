import { spawn } from 'node:child_process';
import type { Scratch } from './scratch.ts';

export type HeadlessRun = {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly sessionId: string;
  /** The last text of the reply. */
  readonly result: string;
};

/** Runs `claude -p <prompt>` to its end. Throws when it prints something else than its JSON result. */
export async function runHeadless(
  client: string,
  scratch: Scratch,
  prompt: string,
  options: { cwd?: string; args?: string[]; env?: Record<string, string> } = {},
): Promise<HeadlessRun> {
  const args = ['-p', prompt, '--output-format', 'json', ...(options.args ?? [])];
  const child = spawn(client, args, {
    cwd: options.cwd ?? scratch.repository,
    env: { ...scratch.env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  if (child.pid) scratch.owns(child.pid);
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text) => {
    stderr += text;
  });
  const exitCode = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  try {
    const answer = JSON.parse(stdout) as { session_id: string; result: string };
    return { exitCode, stdout, stderr, sessionId: answer.session_id, result: answer.result };
  } catch (cause) {
    throw new Error(`claude -p ended with ${exitCode}, stdout: ${stdout}, stderr: ${stderr}`, { cause });
  }
}
