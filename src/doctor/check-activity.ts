/** What really happened: which hooks fired, what failed, and whether this session takes part. */

import { basename } from 'node:path';
import { possibleSelves } from '../claude/identity.ts';
import type { HookEvent } from '../claude/payload.ts';
import { wiredHooks } from '../claude/settings.ts';
import { roleOf } from '../core/election.ts';
import { isoTime } from '../core/iso-time.ts';
import type { Receipt } from '../core/notebook.ts';
import { oneLine } from '../core/quote.ts';
import { type LogEntry, readLog } from '../io/log.ts';
import { type Finding, finding } from './finding.ts';
import type { SettingsFacts } from './settings-files.ts';
import type { PlaceFacts } from './store-facts.ts';

/** A hook is cut off at 1.8 s. */
const slowMs = 1000;
/** A session that began just now may still wait for its first prompt. */
const settlingMs = 10 * 60_000;
/** Every turn has these; the others need tools, a compaction or an end. */
const everyTurn: readonly HookEvent[] = ['SessionStart', 'UserPromptSubmit', 'Stop'];
const logDays = 7;
const mostLogged = 3;
const mostRead = 2000;

/** The newest receipt of every event, over all members that ever were. */
export function newestReceipts(places: readonly PlaceFacts[]): Map<string, Receipt> {
  const newest = new Map<string, Receipt>();
  for (const { receipts } of places.flatMap(({ notebooks }) => notebooks))
    for (const [event, receipt] of Object.entries(receipts)) {
      if (typeof receipt?.at !== 'string' || typeof receipt.ms !== 'number') continue;
      if ((newest.get(event)?.at ?? '') < receipt.at) newest.set(event, receipt);
    }
  return newest;
}

/** When a gate last answered without Node, over all members; 0 when none ever did. It leaves no receipt, only a beat. */
export const newestBeat = (places: readonly PlaceFacts[]): number =>
  places
    .flatMap(({ entries }) => entries)
    .filter(({ path, kind }) => kind === 'file' && basename(path) === 'beat')
    .reduce((newest, { mtimeMs }) => Math.max(newest, mtimeMs), 0);

/** The proof that hooks run: settings say only that they should. */
export function judgeReceipts(
  receipts: ReadonlyMap<string, Receipt>,
  beat: number,
  facts: SettingsFacts,
  now: number,
): Finding[] {
  const installed = new Set(
    facts.plugin
      ? wiredHooks.map(({ event }): string => event)
      : facts.installations.flatMap(({ entries }) => entries.map(({ event }) => event)),
  );
  if (receipts.size === 0) return installed.size === 0 ? [] : [finding('warning', 'hook-none', {})];
  const oldest = Math.min(...[...receipts.values()].map(({ at }) => Date.parse(at)));
  const gate = beat > 0 ? [finding('ok', 'hook-gate', { at: isoTime(beat) })] : [];
  const byNode = wiredHooks.flatMap(({ event, hot }) => {
    const receipt = receipts.get(event);
    if (receipt) {
      const { at, ms } = receipt;
      return [
        ms > slowMs
          ? finding('info', 'hook-slow', { event, at, ms })
          : finding('ok', 'hook-fired', { event, at, ms }),
      ];
    }
    if (!installed.has(event) || (hot && beat > 0)) return [];
    const expected = everyTurn.includes(event) && now - oldest > settlingMs;
    return [finding(expected ? 'warning' : 'info', 'hook-never', { event })];
  });
  return [...byNode, ...gate];
}

export const checkLog = (directories: readonly string[], now: number): Finding[] => [
  judgeLog(readLog(directories, mostRead), now),
];

function judgeLog(entries: readonly LogEntry[], now: number): Finding {
  const recent = entries.filter(({ at }) => now - Date.parse(at) < logDays * 86_400_000);
  if (recent.length === 0) return finding('ok', 'log-ok', { days: logDays });
  const newest = recent.slice(-mostLogged).map(({ at, event, code, message }) => ({
    at,
    event: oneLine(String(event ?? ''), 40),
    code: oneLine(String(code ?? ''), 40),
    message: oneLine(String(message ?? '').split('\n')[0] ?? '', 200),
  }));
  return finding('warning', 'log-failures', { days: logDays, count: recent.length, newest });
}

/** A command inside a session knows its client by the environment, or finds it among the processes above. */
export function checkSession(places: readonly PlaceFacts[], env: NodeJS.ProcessEnv): Finding[] {
  const ids = new Set([...possibleSelves(env)].map(({ id }) => id));
  for (const { roster } of places) {
    const me = roster.members.find(({ birth }) => ids.has(birth.id));
    if (!me) continue;
    const { pid } = me.birth.process;
    return [finding('ok', 'session-member', { pid, role: roleOf(roster, me.birth.id), seq: me.seq })];
  }
  const inside = env.CLAUDE_PID || env.CLAUDE_CODE_SESSION_ID || env.CLAUDECODE;
  if (!inside) return [finding('ok', 'session-none', {})];
  return [finding('warning', 'session-stranger', { pid: oneLine(env.CLAUDE_PID ?? '', 20) })];
}
