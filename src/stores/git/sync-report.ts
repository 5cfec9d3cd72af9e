/** What the last sync did, in a small file for status and doctor: hooks never wait for it. */
import { join } from 'node:path';
import { oneLine } from '../../core/quote.ts';
import {
  nullable,
  number,
  object,
  oneOf,
  or,
  type Shape,
  list as shapeList,
  text,
} from '../../core/shape.ts';
import { replaceFile } from '../../io/atomic-write.ts';
import { safeRead, UnreadableError } from '../../io/safe-read.ts';
import type { Refusal } from './sift.ts';

/**
 * How a sync ended. `synced`: all sides know the same. `slow`, `unreachable`, `refused`: the remote did not answer in time, could
 * not be asked, or did not take what was sent. `busy`: another sync was at work. `no-remote`: there is none to share through.
 */
export type SyncOutcome = 'synced' | 'slow' | 'unreachable' | 'refused' | 'busy' | 'no-remote' | 'failed';

/** What one sync did. */
export interface SyncReport {
  readonly version: 1;
  /** When it ended, ISO 8601. */
  readonly at: string;
  readonly outcome: SyncOutcome;
  /** What git said where it did not work. */
  readonly message: string;
  readonly remote: string;
  /** Records sent to the remote, taken from it, and removed there. */
  readonly sent: number;
  readonly received: number;
  readonly removed: number;
  /** Joins whose number another machine had taken. */
  readonly renumbered: readonly Renumbering[];
  /** Records of the remote that were not taken over: how many, and some of them. */
  readonly refused: { readonly count: number; readonly some: readonly Refusal[] };
  /** When the remote was last read, ISO 8601; null: never. */
  readonly viewAt: string | null;
}

/** A join that got another number. */
export interface Renumbering {
  readonly member: string;
  readonly from: number;
  readonly to: number;
}

const reportShape: Shape<SyncReport> = object<SyncReport>({
  version: (value) => (value === 1 ? 1 : undefined),
  at: text,
  outcome: oneOf('synced', 'slow', 'unreachable', 'refused', 'busy', 'no-remote', 'failed'),
  message: or(text, ''),
  remote: or(text, ''),
  sent: or(number, 0),
  received: or(number, 0),
  removed: or(number, 0),
  renumbered: or(shapeList(object<Renumbering>({ member: text, from: number, to: number })), []),
  refused: or(
    object<SyncReport['refused']>({
      count: number,
      some: shapeList(object<Refusal>({ record: text, reason: text })),
    }),
    { count: 0, some: [] },
  ),
  viewAt: nullable(text),
});

const mostTold = 20;

/** What is told of the records that were refused, whatever they are called. */
export const toldOf = (refused: readonly Refusal[]): SyncReport['refused'] => ({
  count: refused.length,
  some: refused
    .slice(0, mostTold)
    .map(({ record, reason }) => ({ record: oneLine(record, 80), reason: oneLine(reason, 120) })),
});

const pathIn = (place: string): string => join(place, 'sync.json');

/** The last sync of this place; null when there was none or its file cannot be read. */
export function syncFacts(place: string): SyncReport | null {
  try {
    return reportShape(JSON.parse(safeRead(pathIn(place), 64 * 1024) ?? 'null')) ?? null;
  } catch (cause) {
    if (cause instanceof UnreadableError || cause instanceof SyntaxError) return null;
    throw cause;
  }
}

/** Keeps the report for later readers. */
export const keepReport = (place: string, report: SyncReport): void =>
  replaceFile(pathIn(place), `${JSON.stringify(report)}\n`);
