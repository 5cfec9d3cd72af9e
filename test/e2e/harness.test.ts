import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { toldAt } from './support/hook-context.ts';
import { complaints, scenario, scenarios, type World } from './support/world.ts';

/** What the other scenarios rely on: a check that cannot fail checks nothing. Without the product. */
scenarios('the harness', () => {
  scenario(
    'sees what a hook tells the model, and the reply that was asked for',
    async (world) => {
      addHook(world, 'SessionStart', tell('SessionStart', 'Told at the start.'));
      addHook(world, 'PostToolBatch', tell('PostToolBatch', 'Told after the tools.'));
      const session = await world.terminals.start();
      const command = JSON.stringify({ command: 'echo done > done.txt', description: 'Do it' });
      const [prompt, afterTools] = await session.turn(`RUNTOOL Bash ${command} END`);
      expect(toldAt('SessionStart', prompt!)).toMatch(/^Told at the start\./);
      expect(toldAt('PostToolBatch', afterTools!)).toBe('Told after the tools.');
      expect(readFileSync(join(world.scratch.repository, 'done.txt'), 'utf8')).toBe('done\n');

      await session.turn('SAY Good morning. END');
      expect(session.screen()).toContain('Good morning.');
      expect((await world.headless('SAY Good evening. END')).result).toBe('Good evening.');
    },
    { account: (world) => expect(complaints(world)).toEqual([]) },
  );

  scenario(
    'sees each way in which a hook can fail',
    async (world) => {
      addHook(world, 'SessionStart', "console.error('Boom.'); process.exitCode = 1");
      addHook(world, 'UserPromptSubmit', 'console.log(\'{"broken"}\')');
      addHook(world, 'Stop', "console.error('Boom.'); process.exitCode = 1");
      addHook(world, 'SessionEnd', 'setTimeout(() => {}, 30_000)');
      const session = await world.terminals.start();
      await session.turn('Begin with the shop');
      await session.exit();
    },
    {
      account(world) {
        const found = complaints(world).join('\n');
        for (const event of ['SessionStart', 'UserPromptSubmit', 'Stop', 'SessionEnd']) {
          expect(found).toMatch(new RegExp(`${event}.*(failed|error)`, 'i'));
        }
      },
    },
  );
});

function addHook(world: World, event: string, script: string): void {
  const file = join(world.scratch.home, '.claude', 'settings.json');
  const settings = JSON.parse(readFileSync(file, 'utf8')) as { hooks?: Record<string, unknown[]> };
  const hook = { type: 'command', command: 'node', args: ['-e', script] };
  settings.hooks = { ...settings.hooks, [event]: [{ hooks: [hook] }] };
  writeFileSync(file, JSON.stringify(settings, null, 2));
}

function tell(hookEventName: string, additionalContext: string): string {
  return `console.log(${JSON.stringify(JSON.stringify({ hookSpecificOutput: { hookEventName, additionalContext } }))})`;
}
