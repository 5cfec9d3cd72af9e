import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { complaints, scenario, scenarios, type World } from './support/world.ts';

/** Nothing is told by hooks here, so only what a person sees is looked at. */
const nothingFailed = (world: World): void => expect(complaints(world)).toEqual([]);

/** Programs that a session needs, and no Node. */
function pathWithoutNode(world: World): string {
  const bin = join(world.scratch.home, 'bin-without-node');
  mkdirSync(bin);
  for (const name of ['sh', 'bash', 'git', 'cat', 'ps', 'env', 'uname', 'tmux', 'ls', 'sleep'])
    try {
      symlinkSync(
        execFileSync('/bin/sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).trim(),
        join(bin, name),
      );
    } catch {
      // Not on this machine.
    }
  return bin;
}

scenarios('a teammate', () => {
  for (const form of ['--no-posix', '--posix'])
    scenario(
      `who got the settings without the scripts sees no failure, ${form}`,
      async (world) => {
        expect(world.flowloom(['install', form]).status).toBe(0);
        rmSync(join(world.scratch.repository, '.claude', 'flowloom'), { recursive: true });
        const session = await world.terminals.start();
        await session.turn('First');
        await session.turn('Second');
        await session.exit();
      },
      { account: nothingFailed },
    );

  scenario(
    'who has no Node is told once, where a shell starts the hooks',
    async (world) => {
      expect(world.flowloom(['install', '--posix']).status).toBe(0);
      const session = await world.terminals.start({ env: { PATH: pathWithoutNode(world) } });
      await session.turn('First');
      expect(session.screen()).toContain('there is no "node" on the PATH');
      await session.exit();
    },
    { account: nothingFailed },
  );
});
