/** When a sync is due: at once after a change that others wait for, now and then otherwise. */
import fs from 'node:fs';
import { join } from 'node:path';
import { isSyncing } from './sync-lock.ts';
import { syncFacts } from './sync-report.ts';

/** All of a sync. */
export const syncLimitMs = 60_000;

const everyMs = 30_000;
/** After one that did not work. */
const patienceMs = 120_000;

const wantedPath = (place: string): string => join(place, 'sync.wanted');

/** When somebody last asked for one, milliseconds since 1970. */
export const askedAt = (place: string): number =>
  fs.statSync(wantedPath(place), { throwIfNoEntry: false })?.mtimeMs ?? 0;

/**
 * Whether a hook is to start one now; notes that it was asked for. One that is at work sees that and looks again, so nothing is
 * started then.
 */
export function isDue(place: string, urgent: boolean): boolean {
  const wanted = wantedPath(place);
  const last = fs.statSync(wanted, { throwIfNoEntry: false })?.mtimeMs;
  // A clock that was set back must not keep anybody waiting.
  const age = last === undefined ? Number.POSITIVE_INFINITY : Math.abs(Date.now() - last);
  if (!urgent && age < everyMs) return false;
  if (!urgent && age < patienceMs && (syncFacts(place)?.outcome ?? 'synced') !== 'synced') return false;
  fs.writeFileSync(wanted, '', { mode: 0o600 });
  // A file server may have another clock.
  const now = new Date();
  fs.utimesSync(wanted, now, now);
  return !isSyncing(place, syncLimitMs);
}
