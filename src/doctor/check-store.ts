/** Where state is kept, whether that is sound, and what lies around in it. */

import { hasLeft, isGone } from '../core/election.ts';
import type { Damage } from '../core/store.ts';
import { forgettable } from '../flows/prune.ts';
import { asObject } from '../io/read-capped.ts';
import { type Finding, finding } from './finding.ts';
import type { SettingsFile } from './settings-files.ts';
import { isExposed, isLeftover, type PlaceFacts } from './store-facts.ts';

const manyGone = 200;
const skewMs = 5 * 60_000;
/** A record that is listed by name; more of them say nothing new. */
const mostListed = 5;

/** Best place first, as hooks try them. */
export function judgeStore(places: readonly PlaceFacts[], now: number): Finding[] {
  const home = places.find(({ problem }) => problem === null);
  const best = places[0];
  if (!home || !best) return [finding('error', 'store-unusable', { reason: best?.problem ?? '' })];
  const { path, what } = home.place;
  const live = home.roster.members.length;
  const findings: Finding[] = [
    finding('ok', 'store-place', { path, what, exists: home.exists, live, gone: home.gone.length }),
  ];
  if (home !== best)
    findings.push(
      finding('warning', 'store-degraded', {
        path,
        from: best.place.what,
        to: what,
        reason: best.problem ?? '',
      }),
    );
  const elsewhere = places
    .filter((facts) => facts !== home && facts.roster.members.length > 0)
    .map((facts) => ({ path: facts.place.path, live: facts.roster.members.length }));
  if (elsewhere.length > 0) findings.push(finding('warning', 'store-split', { path, elsewhere }));
  return [...findings, ...places.flatMap((facts) => judgeContents(facts, now))];
}

/** Of many records that cannot be read the first few. */
export const judgeDamaged = (damaged: readonly Damage[]): Finding[] =>
  damaged
    .slice(0, mostListed)
    .map(({ record, reason }) => finding('warning', 'store-damaged', { record, reason }));

function judgeContents(facts: PlaceFacts, now: number): Finding[] {
  const { place, broken, entries, damaged, gone, badNotebooks } = facts;
  const { path } = place;
  if (broken !== null) return [finding('error', 'store-broken', { path, reason: broken })];
  if (entries.length === 0) return [];
  const findings: Finding[] = [];
  const foreign = entries.filter((entry) => entry.foreign);
  const exposed = entries.filter((entry) => isExposed(entry) && !entry.foreign);
  for (const [code, list] of [['store-foreign', foreign] as const, ['store-not-private', exposed] as const])
    if (list[0])
      findings.push(finding('warning', code, { path, entries: list.length, example: list[0].path }));
  findings.push(...judgeDamaged(damaged));
  for (const directory of badNotebooks.slice(0, mostListed))
    findings.push(finding('warning', 'store-notebook', { directory }));
  if (damaged.length + badNotebooks.length === 0)
    findings.push(
      finding('ok', 'store-records-ok', { records: entries.filter(({ kind }) => kind === 'file').length }),
    );
  const ghosts = gone.filter((member) => !hasLeft(member)).length;
  if (ghosts > 0 || gone.length > manyGone) {
    const severity = gone.length > manyGone ? 'warning' : 'info';
    const prunable = forgettable(gone, now).length;
    findings.push(finding(severity, 'store-ghosts', { path, gone: gone.length, ghosts, prunable }));
  }
  const leftovers = entries.filter((entry) => isLeftover(entry, now)).length;
  if (leftovers > 0) findings.push(finding('info', 'store-leftovers', { path, files: leftovers }));
  return findings;
}

/** Settings may move the state for hooks only; the commands would then look at another place. */
export function judgeMoved(files: readonly SettingsFile[], env: NodeJS.ProcessEnv): Finding[] {
  return files.flatMap(({ file, value }) =>
    ['FLOWLOOM_STATE_DIR', 'XDG_STATE_HOME'].flatMap((variable) => {
      const moved = asObject(value.env)?.[variable];
      if (typeof moved !== 'string' || moved === (env[variable] ?? '')) return [];
      return [finding('warning', 'store-moved', { file, variable, value: moved })];
    }),
  );
}

/** Order comes from numbers, so a wrong clock misleads only people: ages, and which handoff is the newest. */
export function judgeClock(places: readonly PlaceFacts[], now: number): Finding[] {
  const findings: Finding[] = [];
  const early = places
    .flatMap(({ entries }) => entries)
    .filter(({ mtimeMs, kind }) => kind === 'file' && mtimeMs > now + skewMs)
    .sort((a, b) => b.mtimeMs - a.mtimeMs);
  if (early[0]) {
    const minutes = Math.round((early[0].mtimeMs - now) / 60_000);
    findings.push(finding('info', 'clock-future', { file: early[0].path, minutes, files: early.length }));
  }
  for (const { roster, gone } of places) {
    const joins = [...roster.members, ...gone.filter(isGone)].sort((a, b) => a.seq - b.seq);
    const at = joins.findIndex((member, index) => {
      const next = joins[index + 1];
      return next && Date.parse(member.birth.joinedAt) > Date.parse(next.birth.joinedAt) + skewMs;
    });
    const [first, second] = at < 0 ? [] : joins.slice(at, at + 2);
    if (!first || !second) continue;
    const minutes = Math.round(
      (Date.parse(first.birth.joinedAt) - Date.parse(second.birth.joinedAt)) / 60_000,
    );
    findings.push(finding('info', 'clock-order', { earlier: first.seq, later: second.seq, minutes }));
  }
  return findings.length > 0 ? findings : [finding('ok', 'clock-ok', {})];
}
