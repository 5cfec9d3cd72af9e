/** What the hook test and the server test share: they run what is installed and leave no trace of it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export type Env = Record<string, string | undefined>;

/**
 * Runs `act` with its state in the files of a temporary directory that is gone afterwards. The environment is without the
 * surrounding session, whose identity a test must not take on, and without switches such as FLOWLOOM=off.
 */
export async function isolated<T>(env: Env, act: (env: Env) => Promise<T>): Promise<T> {
  const state = await mkdtemp(join(tmpdir(), 'flowloom-self-test-'));
  try {
    const clean = Object.entries(env).filter(([name]) => !/^(CLAUDE|FLOWLOOM)/i.test(name));
    return await act({ ...Object.fromEntries(clean), FLOWLOOM_STATE_DIR: state, FLOWLOOM_STORE: 'file' });
  } finally {
    await rm(state, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** What a program that failed said of it: Node prints the place first and the error below it. */
export const errorLine = (stderr: string): string | undefined =>
  /^\w*Error\b.*$/m.exec(stderr)?.[0].slice(0, 200) ?? firstLine(stderr);

export const firstLine = (text: string): string | undefined =>
  text.trim().split('\n')[0]?.slice(0, 200) || undefined;
