import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { startOf } from '../../src/io/processes.ts';
import { missing } from '../support/missing.ts';

afterEach(() => void vi.restoreAllMocks());

describe('on a system without /proc', () => {
  if (spawnSync('ps').error) return missing('ps');

  test('ps tells one start time of a process, until it ends', async () => {
    vi.spyOn(process, 'platform', 'get').mockReturnValue('darwin');
    const child = spawn('sleep', ['60'], { stdio: 'ignore' });
    onTestFinished(() => void child.kill('SIGKILL'));
    const start = startOf(child.pid!);
    expect(start).toMatch(/^\w{3} \w{3} \d{1,2} \d\d:\d\d:\d\d \d{4}$/);
    expect(startOf(child.pid!)).toBe(start);
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(startOf(child.pid!)).toBeNull();
  });
});
