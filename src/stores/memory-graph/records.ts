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
import { isSeq } from '../../core/seq.ts';
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

/** A record as it stands in the file. Read only when asked for: most are of a long past, and every hook meets all of them. */
export interface Found {
  readonly kind: GraphRecord['kind'];
  /** The member, or the handoff. */
  readonly id: string;
  /** Of a session; else 0. */
  readonly seq: number;
  readonly first: boolean;
  /** Names this record among all that were ever written. */
  readonly key: string;
  /** Null when the rest of it cannot be read. */
  read(): GraphRecord | null;
}

const mark = 'flowloom: ';
const noteId = /^\d{6,}-[A-Za-z0-9]{1,12}(?:\.reconstructed)?$/;
const time = /^[\w:.+-]{1,40}$/;

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
  const { kind, at } = record;
  const head = { version: 1, kind, id: idOf(record), at };
  const told =
    record.kind === 'session'
      ? { ...head, seq: record.seq, seen: record.seen, birth: record.birth, presence: record.presence }
      : { ...head, first: record.first, note: fingerprint(record.note) };
  return `${mark}${JSON.stringify(told)}`;
}

/** The line for a record, without newlines. The server writes it just so when it writes it again. */
export const lineOf = (record: GraphRecord, scope: string): string =>
  JSON.stringify({
    type: 'entity',
    name: entityName(record.kind, scope, idOf(record)),
    entityType: `flowloom-${record.kind}`,
    observations: [...facts(record, scope), ownObservation(record)],
  });

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function asSession({ seq, seen, at, birth: born, presence }: Record<string, unknown>): SessionRecord | null {
  const birth = asBirth(born);
  if (!birth || !isSeq(seq) || typeof seen !== 'number' || typeof at !== 'string' || !time.test(at))
    return null;
  return { kind: 'session', seq, birth, presence: asPresence(presence), seen, at };
}

function asHandoff(
  { id, first, note, at }: Record<string, unknown>,
  observations: readonly unknown[],
): HandoffRecord | null {
  if (typeof id !== 'string' || !noteId.test(id) || typeof first !== 'boolean') return null;
  if (typeof at !== 'string' || !time.test(at)) return null;
  const text = observations.find((entry) => typeof entry === 'string' && fingerprint(entry) === note);
  return typeof text === 'string' ? { kind: 'handoff', id, first, note: text, at } : null;
}

/** What one line holds: a record of this scope, something of another's, or something of ours that says nothing any more. */
type Content = GraphRecord | 'foreign' | { readonly damaged: string };

function contentOf(value: unknown, scope: string): Content {
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
    if (record && entityName(kind, scope, idOf(record)) === name) return record;
  }
  return { damaged: name };
}

const recordOf = (line: string, scope: string): GraphRecord | null => {
  const content = contentOf(parse(line), scope);
  return typeof content === 'object' && 'kind' in content ? content : null;
};

const keyOf = (kind: string, id: string, seq: number, at: string): string => `${kind} ${id} ${seq} ${at}`;

const foundAs = (record: GraphRecord): Found => {
  const [id, seq, first] =
    record.kind === 'session' ? [idOf(record), record.seq, false] : [record.id, 0, record.first];
  const { kind, at } = record;
  return { kind, id, seq, first, key: keyOf(kind, id, seq, at), read: () => record };
};

/** The head of our observation as we and the server write it. A comma or bracket before a quote is never inside a string. */
const head =
  /[,[]"flowloom: \{\\"version\\":1,\\"kind\\":\\"(session|handoff)\\",\\"id\\":\\"(\w[\w.-]{0,99})\\",\\"at\\":\\"([\w:.+-]{1,40})\\",\\"(?:seq\\":([1-9]\d{0,14})|first\\":(true|false)),/;

/** The record of a line; null when it is none of this scope's. */
function findIn(line: string, scope: string): Found | null {
  const [, kind, id, at, number, first] = head.exec(line) ?? [];
  const usual =
    (kind === 'session' && number !== undefined) ||
    (kind === 'handoff' && first !== undefined && noteId.test(id!));
  const begin = usual && `{"type":"entity","name":"${entityName(kind as Found['kind'], scope, id!)}","`;
  if (!begin || !line.startsWith(begin)) {
    // Another program wrote it, or a model changed it.
    const record = recordOf(line, scope);
    return record && foundAs(record);
  }
  const seq = Number(number ?? 0);
  const key = keyOf(kind!, id!, seq, at!);
  let known: GraphRecord | null | undefined;
  const read = (): GraphRecord | null => {
    if (known !== undefined) return known;
    const record = recordOf(line, scope);
    known = record && foundAs(record).key === key ? record : null;
    return known;
  };
  return { kind: kind as Found['kind'], id: id!, seq, first: first === 'true', key, read };
}

/** Every record of this scope in the file's text, in the file's order. Whatever else stands there is not even parsed. */
export function recordsIn(text: string, scope: string): Found[] {
  const needle = `:${scope}:`;
  const found: Found[] = [];
  for (let at = text.indexOf(needle); at >= 0; ) {
    const start = text.lastIndexOf('\n', at) + 1;
    const end = text.indexOf('\n', at);
    const one = findIn(end < 0 ? text.slice(start) : text.slice(start, end), scope);
    if (one) found.push(one);
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
