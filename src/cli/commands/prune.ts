import { applyPrune, planPrune } from '../../flows/prune.ts';
import { pruneText } from '../../messages/cli.ts';
import { fileStore } from '../../stores/file-store.ts';
import { print, printJson } from '../terminal.ts';
import { openWorkspace } from '../workspace.ts';

/** Removes records of sessions that ended, and handoffs beyond those to keep. */
export async function prune(options: { json?: boolean; dryRun?: boolean }): Promise<void> {
  const { place, store, roster, gone, config, observer } = await openWorkspace(process.cwd(), process.env);
  const keep = config.config.handoff.keep;
  const plan = await planPrune(store, { gone, live: roster.members, now: observer.now, keep });
  const pruned = options.dryRun ? plan : await applyPrune(store, plan);
  // The notebooks of those who are gone lie in files, whatever store keeps their records.
  if (!options.dryRun && store.kind !== 'file') await fileStore(place.path).forget({ members: plan.members });
  if (options.json) printJson({ ...pruned, dryRun: Boolean(options.dryRun) });
  else print(pruneText(pruned, Boolean(options.dryRun)));
}
