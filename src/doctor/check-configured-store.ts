/** The store that the configuration names, where it is not the default: does it work, and is everybody in it? */
import type { Config } from '../core/config.ts';
import { messageOf } from '../core/message-of.ts';
import { blankSight } from '../core/notebook.ts';
import { survey } from '../flows/survey.ts';
import type { Place } from '../io/places.ts';
import type { Scope } from '../io/scope.ts';
import { type SyncReport, syncFacts } from '../stores/git/sync-report.ts';
import { openStore } from '../stores/open.ts';
import { judgeDamaged } from './check-store.ts';
import { type Finding, finding } from './finding.ts';
import { observerHere } from './store-facts.ts';

/** `places` as hooks try them, best first. */
export async function checkConfiguredStore(
  { scope, places }: { readonly scope: Scope; readonly places: readonly Place[] },
  config: Config,
  env: NodeJS.ProcessEnv,
): Promise<Finding[]> {
  const kind = config.store;
  const best = places[0];
  if (kind === 'file' || !best) return [];
  const site = { place: best.path, scope, config, env };
  const observer = observerHere(config.leaseHours);
  try {
    const store = await openStore(kind, site);
    await store.ready();
    const { roster, gone } = await survey(store, observer, blankSight);
    const live = roster.members.map(({ birth }) => birth.id);
    const findings: Finding[] = [
      finding('ok', 'store-configured', { kind, place: store.place, live: live.length, gone: gone.length }),
    ];
    findings.push(...judgeDamaged(await store.damaged()));
    if (kind === 'git' && config.git.remote !== '')
      findings.push(judgeSync(config.git.remote, syncFacts(best.path)));
    if (!store.capabilities.exclusive || !store.capabilities.keeps)
      findings.push(finding('info', 'store-weak', { kind }));
    const files = await survey(await openStore('file', site), observer, blankSight);
    const apart = files.roster.members.filter(({ birth }) => !live.includes(birth.id)).length;
    if (apart > 0) findings.push(finding('warning', 'store-apart', { kind, sessions: apart }));
    return findings;
  } catch (cause) {
    return [finding('warning', 'store-not-usable', { kind, reason: messageOf(cause) })];
  }
}

function judgeSync(remote: string, last: SyncReport | null): Finding {
  if (!last) return finding('info', 'store-sync-never', { remote });
  const { outcome, message, at, viewAt } = last;
  if (outcome === 'synced' || outcome === 'busy')
    return finding('ok', 'store-synced', { remote, at: viewAt ?? at });
  return finding('warning', 'store-sync-failed', { remote, outcome, message, at, viewAt: viewAt ?? '' });
}
