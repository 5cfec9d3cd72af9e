/**
 * What this store says in a memory graph, and how it is read back. Pure.
 *
 * A record is one entity, on one line: observations that people, models and the server's search understand, then one for us,
 * `flowloom: {…}`. The server keeps name, type and observations and drops every other field, so all of it is in there. It may
 * put entities in another shape of JSON, and a model may add observations of its own: neither changes our record.
 */
import type { Birth, MemberId, Presence } from '../../core/member.ts';
import { asBirth, asPresence } from '../../core/member.ts';
import { oneLine } from '../../core/quote.ts';
import { isRecord } from '../../core/shape.ts';
import { fingerprint } from '../../io/fingerprint.ts';

/** A member's claim to a number, with what it tells about itself. Said again whenever that changes or was dropped. */
export interface SessionRecord {
  readonly kind: 'session';
  readonly seq: number;
  readonly birth: Birth;
  readonly presence: Presence | null;
  /** When the member renewed its presence, milliseconds since 1970. */
  readonly seen: number;
  /** ISO 8601: when this was said. */
  readonly at: string;
}

/** A handoff. Of several under one id the last one counts, unless one was to be the first. */
export interface HandoffRecord {
  readonly kind: 'handoff';
  readonly id: string;
  readonly first: boolean;
  readonly note: string;
  readonly at: string;
}

export type GraphRecord = SessionRecord | HandoffRecord;

/** A record as it stands in the file. */
export interface Found {
  readonly record: GraphRecord;
  /** Names exactly this record, whatever else was put into its entity. */
  readonly print: string;
}

const mark = 'flowloom: ';
const noteId = /^\d{6,}-[A-Za-z0-9]{1,12}(?:\.reconstructed)?$/;
const mostSeq = 1e15;

/** The name under which the server finds the entity of a member or a handoff. */
export const entityName = (kind: GraphRecord['kind'], scope: string, id: string): string =>
  `flowloom:${kind}:${scope}:${id}`;

const idOf = (record: GraphRecord): MemberId => (record.kind === 'session' ? record.birth.id : record.id);

function facts(record: GraphRecord, scope: string): string[] {
  if (record.kind === 'handoff')
    return [`handoff ${record.id} in ${scope}, written ${record.at}`, record.note];
  const { seq, birth, presence } = record;
  const called = oneLine(presence?.name ?? '', 80);
  const said = [
    `Claude Code session${called && ` "${called}"`} in ${scope}, join number ${seq} (${birth.cause}) at ${birth.joinedAt}`,
    `process ${birth.process.pid} on ${oneLine(birth.host, 80)}, ${birth.attended ? 'attended' : 'unattended'}, ${birth.candidacy}`,
    presence && `branch ${oneLine(presence.branch, 200)} in ${oneLine(presence.worktree, 400)}`,
    presence?.left && `left at ${oneLine(presence.left.at, 40)} (${oneLine(presence.left.reason, 80)})`,
  ];
  return said.filter((fact) => typeof fact === 'string');
}

/** The observation that is for us. The text of a handoff is an observation of its own; here it is only named. */
function ownObservation(record: GraphRecord): string {
  const told = record.kind === 'handoff' ? { ...record, note: fingerprint(record.note) } : record;
  return `${mark}${JSON.stringify({ version: 1, ...told })}`;
}

/** The line for a record, without newlines, and its print. */
export function lineOf(record: GraphRecord, scope: string): { line: string; print: string } {
  const own = ownObservation(record);
  const line = JSON.stringify({
    type: 'entity',
    name: entityName(record.kind, scope, idOf(record)),
    entityType: `flowloom-${record.kind}`,
    observations: [...facts(record, scope), own],
  });
  return { line, print: fingerprint(own) };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function asSession(value: Record<string, unknown>): SessionRecord | null {
  const { seq, seen, at, presence } = value;
  const birth = asBirth(value.birth);
  if (!birth || !Number.isSafeInteger(seq) || (seq as number) <= 0 || (seq as number) > mostSeq) return null;
  if (!Number.isFinite(seen) || typeof at !== 'string') return null;
  return {
    kind: 'session',
    seq: seq as number,
    birth,
    presence: asPresence(presence),
    seen: seen as number,
    at,
  };
}

function asHandoff(value: Record<string, unknown>, observations: readonly unknown[]): HandoffRecord | null {
  const { id, first, note, at } = value;
  if (typeof id !== 'string' || !noteId.test(id) || typeof first !== 'boolean' || typeof at !== 'string')
    return null;
  const text = observations.find((entry) => typeof entry === 'string' && fingerprint(entry) === note);
  return typeof text === 'string' ? { kind: 'handoff', id, first, note: text, at } : null;
}

/** What one line holds: a record of this scope, something of another's, or something of ours that says nothing any more. */
export type LineContent = Found | 'foreign' | { readonly damaged: string };

/** Reads one parsed line. */
function contentOf(value: unknown, scope: string): LineContent {
  if (!isRecord(value) || value.type !== 'entity' || typeof value.name !== 'string') return 'foreign';
  const { name, observations } = value;
  const kind = (['session', 'handoff'] as const).find((one) => name.startsWith(entityName(one, scope, '')));
  if (!kind) return 'foreign';
  const list: readonly unknown[] = Array.isArray(observations) ? observations : [];
  for (const own of list) {
    if (typeof own !== 'string' || !own.startsWith(mark)) continue;
    const told = parse(own.slice(mark.length));
    if (!isRecord(told) || told.version !== 1 || told.kind !== kind) continue;
    const record = kind === 'session' ? asSession(told) : asHandoff(told, list);
    if (record && entityName(kind, scope, idOf(record)) === name) return { record, print: fingerprint(own) };
  }
  return { damaged: name };
}

/** Every record of this scope in the file's text, in the file's order. Whatever else stands there is not even parsed. */
export function recordsIn(text: string, scope: string): Found[] {
  const needle = `:${scope}:`;
  const found: Found[] = [];
  for (let at = text.indexOf(needle); at >= 0; ) {
    const start = text.lastIndexOf('\n', at) + 1;
    const end = text.indexOf('\n', at);
    const content = contentOf(parse(end < 0 ? text.slice(start) : text.slice(start, end)), scope);
    if (typeof content === 'object' && 'record' in content) found.push(content);
    if (end < 0) break;
    at = text.indexOf(needle, end);
  }
  return found;
}

/** A line that nobody can use, by its number in the file. */
export interface BadLine {
  readonly line: number;
  /** The entity of ours that it is; null when it is no JSON, at which the server fails too. */
  readonly entity: string | null;
  /** How it begins, for whoever looks for it. */
  readonly start: string;
}

/** Reads every line, whoever wrote it. For doctor; hooks never need it. */
export function badLinesIn(text: string, scope: string): BadLine[] {
  const bad: BadLine[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    const value = parse(line);
    const content = contentOf(value, scope);
    const place = { line: index + 1, start: oneLine(line, 80) };
    if (value === undefined) bad.push({ ...place, entity: null });
    else if (typeof content === 'object' && 'damaged' in content)
      bad.push({ ...place, entity: content.damaged });
  }
  return bad;
}

/** Whether this can be a memory graph: empty, or with an entity or a relation in it. Of anything else we keep off. */
export const looksLikeGraph = (text: string): boolean =>
  text.trim() === '' || /"type"\s*:\s*"(?:entity|relation)"/.test(text);
