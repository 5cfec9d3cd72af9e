import { homedir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { InstallError } from '../../../install/error.ts';
import { install } from '../../../install/install.ts';
import type { Scope } from '../../../install/target.ts';
import { uninstall } from '../../../install/uninstall.ts';
import { removeAnswers } from '../../claude/gate.ts';
import { removeEntries } from '../../io/code-cache.ts';
import { cacheDirectory } from '../../io/code-entry.ts';
import { renderInstall, renderProblem, renderUninstall } from '../../messages/install.ts';
import { fail, print, printJson } from '../terminal.ts';
import { version } from '../version.ts';

interface Options {
  scope: Scope;
  dryRun?: boolean;
  mcp?: boolean;
  posix?: boolean;
  downgrade?: boolean;
  json?: boolean;
}

/** The compiled hooks lie next to the compiled command. */
export const hooksSource = (): string => fileURLToPath(new URL('./hooks', import.meta.url));

const request = ({ scope, dryRun }: Options) => ({
  scope,
  dryRun: Boolean(dryRun),
  directory: process.cwd(),
  env: process.env,
  home: homedir(),
});

/** An InstallError is an answer; anything else is not foreseen and goes on. */
async function answered(json: boolean | undefined, act: () => Promise<void>): Promise<void> {
  try {
    await act();
  } catch (cause) {
    if (!(cause instanceof InstallError)) throw cause;
    if (json) printJson({ error: { code: cause.code, message: cause.message } });
    fail(renderProblem(cause));
  }
}

/** Exit code 1 when nothing could be installed, or when an installed hook does not work or will not be run. */
export const installCommand = (options: Options): Promise<void> =>
  answered(options.json, async () => {
    const { posix, downgrade } = options;
    const mcp = Boolean(options.mcp);
    const report = await install({
      ...request(options),
      posix,
      downgrade,
      mcp,
      hooksSource: hooksSource(),
      version,
    });
    if (options.json) printJson(report);
    else print(renderInstall(report));
    const isStopped = report.obstacles.length > 0 && !report.dryRun;
    if (isStopped || report.selfTest?.some((check) => !check.ok) || report.server?.test?.ok === false)
      process.exitCode = 1;
  });

/** Exit code 0 also when there was nothing to remove. */
export const uninstallCommand = (options: Options): Promise<void> =>
  answered(options.json, async () => {
    const report = await uninstall(request(options));
    // Compiled hooks and prepared answers of any scope; what is still installed makes them again.
    const cache = cacheDirectory(process.env);
    if (cache && !options.dryRun) {
      removeAnswers(cache, 0);
      removeEntries(cache, 0);
    }
    if (options.json) printJson(report);
    else print(renderUninstall(report));
  });
