/** Runs pieces of the source in processes of their own: bundled once, started often. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import { afterAll } from 'vitest';

/** Bundles this script (ESM text; imports resolve from the repository) to one file and returns its path. Call it while tests are collected; it is removed after them. */
export function bundled(script: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'flowloom-script-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const outfile = join(folder, 'script.cjs');
  buildSync({
    stdin: { contents: script, resolveDir: join(import.meta.dirname, '..', '..'), loader: 'ts' },
    bundle: true,
    platform: 'node',
    format: 'cjs',
    outfile,
    logLevel: 'error',
  });
  return outfile;
}

/** Makes hard links fail in a process started with `--require` of this file, as on file systems that have none. */
export function withoutHardLinks(): string {
  const folder = mkdtempSync(join(tmpdir(), 'flowloom-nolink-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'no-link.cjs');
  writeFileSync(
    path,
    "require('node:fs').linkSync = () => { throw Object.assign(new Error('EPERM: operation not permitted, link'), { code: 'EPERM' }); };\n",
  );
  return path;
}

/** Runs it to its end; rejects when it fails. */
export async function run(
  script: string,
  args: readonly string[],
  nodeArgs: readonly string[] = [],
): Promise<string> {
  const child = spawn(process.execPath, [...nodeArgs, script, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH },
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
  if (code !== 0) throw new Error(`${script} ended with ${code ?? signal}: ${stderr}`);
  return stdout;
}

/** Starts it, and kills it so long after its first output. It must not end by itself before. */
export async function runKilled(
  script: string,
  args: readonly string[],
  afterMs: number,
  nodeArgs: readonly string[] = [],
): Promise<void> {
  const child = spawn(process.execPath, [...nodeArgs, script, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { PATH: process.env.PATH },
  });
  const closed = once(child, 'close');
  await once(child.stdout, 'data');
  await new Promise((resolve) => setTimeout(resolve, afterMs));
  child.kill('SIGKILL');
  const [, signal] = (await closed) as [number | null, string | null];
  if (signal !== 'SIGKILL') throw new Error(`${script} ended before it was killed`);
}

const injector = join(import.meta.dirname, '..', 'faults', 'support', 'fs-injector.cjs');

/** One call of Node's `fs`: the `nth` of that name, and whether it changes something. */
export interface FsCall {
  readonly name: string;
  readonly nth: number;
  readonly paths: readonly string[];
  readonly changes: boolean;
}

/** Runs it to its end, or until it is killed at that call of `fs`. Returns what it called, and whether it was killed. */
export async function runWatched(
  script: string,
  args: readonly string[],
  killAt: FsCall | null,
  nodeArgs: readonly string[] = [],
): Promise<{ calls: FsCall[]; killed: boolean }> {
  const folder = mkdtempSync(join(tmpdir(), 'flowloom-calls-'));
  try {
    const log = join(folder, 'calls');
    const fault = killAt && { name: killAt.name, nth: killAt.nth, what: 'KILL' };
    const child = spawn(process.execPath, ['--require', injector, ...nodeArgs, script, ...args], {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: {
        PATH: process.env.PATH,
        FLOWLOOM_FS_LOG: log,
        FLOWLOOM_FS_FAULT: JSON.stringify(fault),
      },
    });
    const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
    if (code !== 0 && signal !== 'SIGKILL') throw new Error(`${script} ended with ${code ?? signal}`);
    const lines = readFileSync(log, 'utf8').split('\n').filter(Boolean);
    return { calls: lines.map((line) => JSON.parse(line) as FsCall), killed: signal === 'SIGKILL' };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
