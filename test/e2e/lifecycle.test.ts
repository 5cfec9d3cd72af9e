import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { type InstallScope, scenario, scenarios } from './support/world.ts';

/** Every event the product hooks into. */
const events = ['PostCompact', 'PostToolBatch', 'SessionEnd', 'SessionStart', 'Stop', 'UserPromptSubmit'];

scenarios('install, doctor, uninstall', () => {
  scenario('doctor has a receipt for each event once a session went through all of them', async (world) => {
    world.install('project');
    const a = await world.join();
    await a.turn('Begin with the shop');
    await a.turn(`RUNTOOL Bash ${JSON.stringify({ command: 'true', description: 'Nothing' })} END`);
    await a.compact();
    await a.exit();

    const { findings } = world.json<{ findings: { code: string; args: { event?: string } }[] }>(['doctor']);
    const fired = findings.filter(({ code }) => code === 'hook-fired' || code === 'hook-slow');
    expect(fired.map(({ args }) => args.event).sort()).toEqual(events);
  });

  for (const scope of ['project', 'local', 'user'] as InstallScope[]) {
    scenario(`uninstall restores what was there before (${scope} scope)`, async (world) => {
      const { scratch } = world;
      const settings = join(scratch.home, '.claude', 'settings.json');
      const before = readFileSync(settings);
      const statusBefore = scratch.git('status', '--porcelain', '--ignored');
      world.install(scope);
      const run = await world.headless('Count the files');
      expect(run.exitCode).toBe(0);

      const uninstall = world.flowloom(['uninstall', '--scope', scope]);
      expect(uninstall.status, uninstall.stdout + uninstall.stderr).toBe(0);
      expect(scratch.git('status', '--porcelain', '--ignored')).toBe(statusBefore);
      expect(readFileSync(settings).equals(before), 'the settings of the user').toBe(true);

      const told = world.api.contextsSeen().length;
      const after = await world.headless('Count the files again');
      expect(world.api.contextsSeen().length).toBeGreaterThan(told);
      expect(world.api.contextsSeen(after.sessionId).join('\n')).not.toMatch(/You are (master|worker)/);
    });
  }
});
