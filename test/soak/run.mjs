// npm run soak -- --minutes 10 --seed 7
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const root = join(import.meta.dirname, '..', '..');
const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '0.5' }, seed: { type: 'string' } },
});
const minutes = Number(values.minutes);
if (!(minutes > 0)) {
  process.stderr.write('--minutes must be a number above 0.\n');
  process.exit(2);
}
const env = { ...process.env, FLOWLOOM_SOAK_SECONDS: String(Math.round(minutes * 60)) };
if (values.seed) env.FLOWLOOM_SEED = values.seed;
const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
const { status } = spawnSync(process.execPath, [vitest, 'run', 'test/soak'], {
  cwd: root,
  env,
  stdio: 'inherit',
});
process.exit(status ?? 1);
