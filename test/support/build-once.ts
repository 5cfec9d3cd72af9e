import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Builds what ships before any test looks at it, so that no test runs against the build of yesterday. */
function buildOnce(): void {
  const root = fileURLToPath(new URL('../..', import.meta.url));
  execFileSync(process.execPath, ['scripts/build.mjs'], { cwd: root, stdio: 'inherit' });
}

/** Before all tests. Everything random in the run comes from one number, which its processes inherit; it is printed, and again at the end. */
export default function setup(): () => void {
  buildOnce();
  process.env.FLOWLOOM_SEED ??= String(Math.floor(Math.random() * 2 ** 31));
  const said = `FLOWLOOM_SEED=${process.env.FLOWLOOM_SEED}\n`;
  process.stdout.write(said);
  return () => {
    process.stdout.write(`The same dice again: ${said}`);
  };
}
