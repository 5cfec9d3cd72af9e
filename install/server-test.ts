/** Starts the installed server once, as a client would, and tells whether it answers. */
import { spawn } from 'node:child_process';
import { serverEntry } from '../src/claude/servers.ts';
import { type Env, errorLine, isolated } from './isolation.ts';

export interface ServerCheck {
  ok: boolean;
  ms: number;
  /** The exit code or the first line of what it printed. */
  detail?: string;
}

const limitMs = 10_000;

const opening = {
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: {
    protocolVersion: '2025-11-25',
    capabilities: {},
    clientInfo: { name: 'flowloom-hooks', version: '0' },
  },
};

/** With its state in a temporary directory that is gone afterwards. Never throws because of the server. */
export async function serverTest(root: string, env: Env): Promise<ServerCheck> {
  return isolated(env, (clean) => ask(root, clean));
}

function ask(root: string, env: NodeJS.ProcessEnv): Promise<ServerCheck> {
  const begin = performance.now();
  return new Promise((resolve) => {
    const child = spawn(serverEntry.command, serverEntry.args, { cwd: root, env, windowsHide: true });
    let stdout = '';
    let stderr = '';
    let ms = 0;
    const limit = setTimeout(() => child.kill('SIGKILL'), limitMs);
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
      if (ms || !stdout.includes('\n')) return;
      ms = Math.round(performance.now() - begin);
      child.stdin.end();
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.stdin.on('error', () => {});
    child.stdin.write(`${JSON.stringify(opening)}\n`);
    const ended = (how: string): void => {
      clearTimeout(limit);
      const ok = stdout.includes('"serverInfo"');
      resolve({ ok, ms, ...(ok ? {} : { detail: errorLine(stderr) ?? how }) });
    };
    child.on('error', (cause: NodeJS.ErrnoException) => ended(cause.code ?? cause.message));
    child.on('close', (code, signal) => ended(`exit ${code ?? signal}`));
  });
}
