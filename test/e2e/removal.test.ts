import { expect } from 'vitest';
import { toldAt } from './support/hook-context.ts';
import { scenario, scenarios } from './support/world.ts';

scenarios('removal', () => {
  for (const gate of [[], ['--posix']])
    scenario(
      `a session that runs meanwhile goes on without it, and nobody sees a failure${gate.map((option) => `, ${option}`)}`,
      async (world) => {
        expect(world.flowloom(['install', ...gate]).status).toBe(0);
        const a = await world.join();
        await a.turn('First');
        const removed = world.flowloom(['uninstall']);
        expect(removed.stdout).toContain('Sessions that are running now go on without it.');
        // The client reads settings again a moment after they changed; until then it goes on starting hooks that are gone.
        const [request] = await a.turn('Second');
        expect(toldAt('UserPromptSubmit', request!)).toBe('');
        await a.exit();
      },
    );
});
