import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { surroundings } from '../../compose.ts';
import { trustOf } from '../../config/consent.ts';
import { configOf } from '../../config/find.ts';
import { notSentUntrusted } from '../../messages/consent.ts';
import { syncText } from '../../messages/sync.ts';
import { sync } from '../../stores/git/sync.ts';
import { fail, print, printJson } from '../terminal.ts';

const patienceMs = 10_000;
const well: readonly string[] = ['synced', 'busy', 'no-remote'];

/** Exchanges records with the remote, and says what happened. */
export async function syncCommand(options: { json?: boolean }): Promise<void> {
  const { scope, places } = surroundings(process.cwd(), process.env);
  const { config, wants, agreed } = await configOf(scope, process.env);
  const used = places.find(({ path }) => existsSync(join(path, 'coord.git'))) ?? places[0]!;
  const remote = config.store === 'git' ? config.git.remote : '';
  const site = {
    place: used.path,
    scope,
    env: process.env,
    config: { ...config, git: { ...config.git, remote } },
  };
  let report = await sync(site);
  // One that hooks started is mostly over in a moment.
  for (const until = Date.now() + patienceMs; report.outcome === 'busy' && Date.now() < until; ) {
    await new Promise((resolve) => setTimeout(resolve, 200));
    report = await sync(site);
  }
  const unheard = wants !== null && !agreed && wants.places.store === 'git' && wants.places.remote !== '';
  const untrusted = unheard && report.outcome === 'no-remote';
  const failed = untrusted || !well.includes(report.outcome);
  if (options.json) {
    printJson({ ...report, trust: trustOf({ wants, agreed }) });
    if (failed) process.exitCode = 1;
  } else if (untrusted) fail(notSentUntrusted(wants));
  else if (failed) fail(syncText(report, config.store));
  else print(syncText(report, config.store));
}
