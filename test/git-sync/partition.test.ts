/** Two machines that lose each other and come back: network namespaces with a cable between them. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { git } from '../support/scratch.ts';
import { elsewhere, fleet, livingProcess, type Machine } from './machines.ts';

const ip = (...args: string[]): boolean => spawnSync('ip', args, { stdio: 'ignore' }).status === 0;

/** Two namespaces with a cable; null where that may not be made. */
function cable(): { a: string; b: string; address: string; plug(state: 'up' | 'down'): void } | null {
  const tag = `fl${process.pid % 100_000}`;
  const [a, b] = [`${tag}a`, `${tag}b`];
  onTestFinished(() => {
    for (const name of [a, b]) ip('netns', 'del', name);
  });
  const made =
    ip('netns', 'add', a) &&
    ip('netns', 'add', b) &&
    ip('link', 'add', `${tag}va`, 'netns', a, 'type', 'veth', 'peer', 'name', `${tag}vb`, 'netns', b) &&
    ip('-n', a, 'addr', 'add', '10.99.7.1/24', 'dev', `${tag}va`) &&
    ip('-n', b, 'addr', 'add', '10.99.7.2/24', 'dev', `${tag}vb`) &&
    ip('-n', b, 'link', 'set', 'lo', 'up') &&
    ip('-n', b, 'link', 'set', `${tag}vb`, 'up') &&
    ip('-n', a, 'link', 'set', `${tag}va`, 'up');
  if (!made) return null;
  const plug = (state: 'up' | 'down'): void => void ip('-n', a, 'link', 'set', `${tag}va`, state);
  return { a, b, address: '10.99.7.2', plug };
}

describe('two machines that lose each other', () => {
  test('go on alone, and have one order and one master when they are back', async (context) => {
    const net = cable();
    if (!net) return context.skip('skipped: needs ip and the right to make network namespaces');
    if (spawnSync('git', ['daemon', '--help'], { stdio: 'ignore' }).status === 1)
      return context.skip('skipped: needs git daemon');
    const { base, clone } = fleet();
    const [a, b] = [clone('a'), clone('b')];
    const served = join(base, 'served');
    mkdirSync(served);
    git(base, 'clone', '-q', '--bare', 'remote.git', join(served, 'shop.git'));
    const daemon = spawn(
      'ip',
      [
        ...['netns', 'exec', net.b, 'git', 'daemon', '--reuseaddr', '--export-all', '--enable=receive-pack'],
        ...[`--base-path=${served}`, '--listen=0.0.0.0', served],
      ],
      { stdio: 'ignore', detached: true, env: { PATH: process.env.PATH } },
    );
    onTestFinished(() => {
      process.kill(-daemon.pid!, 'SIGKILL');
    });
    for (const one of [a, b]) git(one.root, 'remote', 'set-url', 'origin', `git://${net.address}/shop.git`);
    const syncIn = async (machine: Machine, ns: string): Promise<string> =>
      (await machine.command({}, ['ip', 'netns', 'exec', ns])).report.outcome;
    const alive = (machine: Machine) => ({ process: { ...livingProcess, domain: elsewhere(machine.name) } });

    await a.join('a1', alive(a));
    await expect.poll(() => syncIn(a, net.a), { timeout: 30_000 }).toBe('synced');
    await b.join('b1', alive(b));
    expect(await syncIn(b, net.b)).toBe('synced');
    expect(await syncIn(a, net.a)).toBe('synced');
    expect((await a.roster()).master?.birth.id).toBe('b1');

    net.plug('down');
    // Both sides go on, and take the same numbers.
    expect([await a.join('a2', alive(a)), await a.join('a3', alive(a))]).toEqual([3, 4]);
    expect(await b.join('b2', alive(b))).toBe(3);
    expect(['unreachable', 'slow']).toContain(await syncIn(a, net.a));
    expect(await syncIn(b, net.b)).toBe('synced');
    expect((await a.roster()).master?.birth.id).toBe('a3');
    expect((await b.roster()).master?.birth.id).toBe('b2');
    // Nobody is dead for being out of reach.
    expect((await a.roster()).members.map(({ birth }) => birth.id)).toContain('b1');

    net.plug('up');
    await expect.poll(() => syncIn(a, net.a), { timeout: 60_000 }).toBe('synced');
    expect(await syncIn(b, net.b)).toBe('synced');
    const order = await a.numbers();
    expect(await b.numbers()).toEqual(order);
    // What one side had in order stays in order.
    expect(order).toEqual({ 1: 'a1', 2: 'b1', 3: 'b2', 5: 'a2', 6: 'a3' });
    for (const one of [a, b]) expect((await one.roster()).master?.birth.id).toBe('a3');
  });
});
