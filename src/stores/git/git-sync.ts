/** The program that hooks start to sync: `node git-sync.cjs <order>`. */
import { resolveConfig } from '../../core/config.ts';
import { object, text } from '../../core/shape.ts';
import { locateScope } from '../../io/scope.ts';
import type { Site } from '../open.ts';
import { sync } from './sync.ts';
import { askedAt, syncLimitMs } from './sync-due.ts';

const orderShape = object<{ place: string; directory: string; git: object }>({
  place: text,
  directory: text,
  git: (value) => (typeof value === 'object' && value !== null ? value : undefined),
});

/** The site that an order names; null when it is none. */
function siteOf(order: string): Site | null {
  try {
    const read = orderShape(JSON.parse(order));
    if (!read) return null;
    const { config } = resolveConfig({ store: 'git', git: read.git });
    return { place: read.place, scope: locateScope(read.directory), config, env: process.env };
  } catch {
    return null;
  }
}

/** Syncs as ordered, and again when somebody asked for it meanwhile. Ends hard at its limit, whatever hangs. Never throws. */
async function syncAsOrdered(order: string): Promise<void> {
  const site = siteOf(order);
  if (!site) return;
  setTimeout(() => process.exit(1), 2 * syncLimitMs).unref();
  try {
    for (let again = 0; again < 3; again++) {
      const begin = Date.now();
      const { outcome } = await sync(site);
      if (outcome !== 'synced' || askedAt(site.place) <= begin) return;
    }
  } catch {
    // The place is gone or full; there is nowhere to say it.
  }
}

syncAsOrdered(process.argv[2] ?? '').finally(() => process.exit());
