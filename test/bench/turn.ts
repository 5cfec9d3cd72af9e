/** What the hooks add to a whole turn of the real client against the stub of its API. Bundled by the bench. */
import { spawnSync } from 'node:child_process';
import { runHeadless } from '../e2e/support/headless.ts';
import { createScratch } from '../e2e/support/scratch.ts';
import { startStubApi } from '../e2e/support/stub-api.ts';

const prompt = `RUNTOOL Bash ${JSON.stringify({ command: 'true', description: 'Nothing' })} END`;

const setups: Readonly<Record<string, readonly string[] | null>> = {
  'claude -p, one tool, no hooks': null,
  'claude -p, one tool, prompts by Node': ['--no-posix'],
  'claude -p, one tool, prompts by the gate': ['--posix'],
};

/** Milliseconds of each run, by name. */
export async function timeTurns(
  client: string,
  cli: string,
  rounds: number,
): Promise<Record<string, number[]>> {
  const worlds = [];
  for (const [name, form] of Object.entries(setups)) {
    const api = await startStubApi();
    const scratch = createScratch(api);
    if (form)
      spawnSync(process.execPath, [cli, 'install', '--scope', 'local', ...form], {
        cwd: scratch.repository,
        env: { ...scratch.env },
      });
    worlds.push({ name, api, scratch });
  }
  const times: Record<string, number[]> = Object.fromEntries(worlds.map(({ name }) => [name, []]));
  try {
    for (let round = -1; round < rounds; round++)
      for (const { name, scratch } of worlds) {
        const begin = performance.now();
        await runHeadless(client, scratch, prompt, { args: ['--allowedTools', 'Bash'] });
        if (round >= 0) times[name]!.push(performance.now() - begin);
      }
  } finally {
    for (const { api, scratch } of worlds) {
      await scratch.dispose();
      await api.close();
    }
  }
  return times;
}
