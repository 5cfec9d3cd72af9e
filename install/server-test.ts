/** Starts the installed server once, as a client would, and tells whether it answers. */
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { serverEntry } from '../src/claude/servers.ts';

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
export async function serverTest(
  root: string,
  env: Record<string, string | undefined>,
): Promise<ServerCheck> {
  const state = await mkdtemp(join(tmpdir(), 'flowloom-self-test-'));
  try {
    const clean = Object.entries(env).filter(([name]) => !/^(CLAUDE|FLOWLOOM)/i.test(name));
    return await ask(root, {
      ...Object.fromEntries(clean),
      FLOWLOOM_STATE_DIR: state,
      FLOWLOOM_STORE: 'file',
    });
  } finally {
    await rm(state, { recursive: true, force: true, maxRetries: 3 });
  }
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
      const said = /^\w*Error\b.*$/m.exec(stderr)?.[0] ?? stderr.trim().split('\n')[0];
      resolve({ ok, ms, ...(ok ? {} : { detail: (said || how).slice(0, 200) }) });
    };
    child.on('error', (cause: NodeJS.ErrnoException) => ended(cause.code ?? cause.message));
    child.on('close', (code, signal) => ended(`exit ${code ?? signal}`));
  });
}
