import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Builds what ships before any test looks at it, so that no test runs against the build of yesterday. */
export default function buildOnce(): void {
  const root = fileURLToPath(new URL('../..', import.meta.url));
  execFileSync(process.execPath, ['scripts/build.mjs'], { cwd: root, stdio: 'inherit' });
}
