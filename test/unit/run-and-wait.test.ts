import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { runAndWait } from '../../src/io/run-and-wait.ts';
import { scratch } from '../support/scratch.ts';

const env = { PATH: process.env.PATH, WHO: 'me', NOBODY: undefined };
const sh = (script: string, more: { directory?: string; limitMs?: number } = {}) =>
  runAndWait('sh', ['-c', script], { directory: '/', env, limitMs: 10_000, ...more });

const withoutBinding = () =>
  vi.spyOn(process as unknown as { binding(): never }, 'binding').mockImplementation(() => {
    throw new Error('No such binding');
  });

afterEach(() => void vi.restoreAllMocks());

describe.each([
  ['below child_process', () => {}],
  ['where Node has no bindings', withoutBinding],
])('a program that is waited for, %s', (_, prepare) => {
  test('says what it says, with its exit code', () => {
    prepare();
    expect(sh('echo out; echo err >&2; exit 3')).toEqual({
      failure: '',
      exitCode: 3,
      stdout: 'out\n',
      stderr: 'err\n',
    });
    expect(sh('printf "\\303\\251"').stdout).toBe('é');
  });

  test('is given its arguments, variables and directory as they are, and nothing to read', () => {
    prepare();
    const directory = scratch();
    const script = 'echo "$1|$WHO|$NOBODY|$HOME|$(pwd -P)|$(cat)"';
    const args = ['-c', script, 'sh', 'a b"$c'];
    const { stdout } = runAndWait('sh', args, { directory, env, limitMs: 10_000 });
    expect(stdout).toBe(`a b"$c|me|||${directory}|\n`);
  });

  test('is missing, is not in a directory that is missing, and is killed at its limit', () => {
    prepare();
    const nothing = { exitCode: null, stdout: '', stderr: '' };
    const missing = runAndWait('no-such-program', [], { directory: '/', env, limitMs: 10_000 });
    expect(missing).toEqual({ ...nothing, failure: 'ENOENT' });
    const nowhere = sh('echo out', { directory: join(scratch(), 'none') });
    expect(nowhere).toEqual({ ...nothing, failure: 'ENOENT' });
    const late = sh('echo early; exec sleep 60', { limitMs: 300 });
    expect(late).toEqual({ ...nothing, failure: 'ETIMEDOUT', stdout: 'early\n' });
  });

  test('is killed when it says too much, and may be killed by others', () => {
    prepare();
    const { failure, exitCode, stdout } = sh('exec yes');
    expect([failure, exitCode]).toEqual(['ENOBUFS', null]);
    expect(stdout.length).toBeLessThan(5 << 20);
    expect(sh('kill -9 $$')).toEqual({ failure: '', exitCode: null, stdout: '', stderr: '' });
  });
});
