import { execFileSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { toldAt } from './support/hook-context.ts';
import { until } from './support/processes.ts';
import { scenario, scenarios, type World } from './support/world.ts';

const configure = (world: World, values: object): void =>
  writeFileSync(join(world.scratch.repository, '.flowloomrc.json'), JSON.stringify(values));

/** The refs of ours that the remote has. */
const sent = (remote: string): string =>
  execFileSync('git', ['--git-dir', remote, 'for-each-ref', '--format=%(refname)', 'refs/flowloom'], {
    encoding: 'utf8',
  });

scenarios('a repository of a stranger that wants to share', () => {
  scenario('sends nothing, and says so on the screen, until its user agreed to just that', async (world) => {
    const remote = join(world.scratch.root, 'remote.git');
    world.scratch.gitIn(world.scratch.root, 'init', '--quiet', '--bare', remote);
    world.scratch.git('remote', 'add', 'origin', remote);
    configure(world, { store: 'git', git: { remote: 'origin', share: 'handoffs' } });
    world.install('user');
    const coord = join(world.scratch.repository, '.git', 'flowloom', 'coord.git');

    const a = await world.join();
    await a.waitForScreen(/says: flowloom: .*wants to push handoffs/);
    expect(a.screen().replace(/\s+/g, ' ')).toMatch(/cli\.mjs.*trust/);
    const [first] = await a.turn('Count the money in the till');
    expect(toldAt('SessionStart', first!)).toMatch(/^You are master \(epoch 1\)/);
    await a.exit();
    expect(existsSync(coord)).toBe(false);
    expect(sent(remote)).toBe('');
    expect(world.flowloom(['status']).stdout).toMatch(/^trust +not given/m);

    expect(world.flowloom(['trust']).status).toBe(1);
    expect(world.flowloom(['trust', '--yes']).status).toBe(0);
    const b = await world.join();
    const [second] = await b.turn('Count it again');
    expect(toldAt('SessionStart', second!)).toMatch(/^You are master \(epoch 2\)/);
    expect(b.screen()).not.toContain('trust');
    await b.exit();
    await until(
      () => sent(remote).includes('refs/flowloom/handoffs/'),
      () => `a handoff at the remote: ${sent(remote)}\n${world.flowloom(['sync']).stderr}`,
    );

    // What is still on its way arrives.
    expect(world.flowloom(['sync']).status).toBe(0);

    configure(world, { store: 'git', git: { remote: 'origin', share: 'facts' } });
    const before = sent(remote);
    const c = await world.join();
    await c.waitForScreen(/says: flowloom: .*wants to push who is here/);
    await c.turn('And once more');
    await c.exit();
    expect(sent(remote)).toBe(before);
  });
});
