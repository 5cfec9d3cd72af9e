/** The note about one member: what it tells, and the numbers it joined under. */
import type { MemberId, Presence } from '../../core/member.ts';
import { fenced, oneLine, sanitize } from '../../core/quote.ts';
import { type Head, renderHead } from './note.ts';

/** What the note holds. */
export interface MemberNote {
  readonly presence: Presence;
  /** Its join numbers, lowest first, as texts. */
  readonly joins: readonly string[];
  /** When the note was first written. */
  readonly created: string;
  /** Keys that others put into its head. */
  readonly others: Head;
}

const texts = {
  claude_session_id: 'sessionId',
  name: 'name',
  cwd: 'cwd',
  worktree: 'worktree',
  branch: 'branch',
  doing: 'doing',
  transcript: 'transcript',
} as const;

const ownKeys = new Set([
  'title',
  'type',
  'permalink',
  'tags',
  'created',
  'modified',
  'flowloom',
  'status',
  'member',
  'joins',
  'left_seq',
  'left_at',
  'left_reason',
  ...Object.keys(texts),
]);

/**
 * The note as text. Prose holds nothing but what we know to be harmless: anything that a person, a model or a repository named
 * stands in a code block, where `#words` and `[[links]]` mean nothing.
 */
export function renderMember(
  id: MemberId,
  { presence, joins, created, others }: MemberNote,
  { permalink, now }: { readonly permalink: string; readonly now: string },
): string {
  const { left } = presence;
  const head = new Map<string, string | readonly string[]>([
    ['title', `Session ${oneLine(presence.name, 80) || id}`],
    ['type', 'flowloom_member'],
    ['permalink', permalink],
    ['tags', ['flowloom', 'session']],
    ['created', created],
    ['modified', now],
    ['flowloom', '1'],
    ['status', left ? 'left' : 'joined'],
    ['member', id],
    ['joins', joins],
    ...Object.entries(texts).map(([key, field]) => [key, presence[field]] as [string, string]),
    ...(left
      ? ([
          ['left_seq', String(left.seq)],
          ['left_at', left.at],
          ['left_reason', left.reason],
        ] as [string, string][])
      : []),
    ...others,
  ]);
  const facts = joins.map((seq) => `- [join] number ${seq}`);
  if (left) facts.push(`- [left] as number ${left.seq}`);
  const told = Object.entries(texts)
    .filter(([, field]) => presence[field])
    .map(([key, field]) => `${key}: ${oneLine(presence[field], 300)}`)
    .join('\n');
  return `${renderHead(head)}
# Session ${id}

${facts.length ? `${facts.join('\n')}\n\n` : ''}${fenced(sanitize(told))}
`;
}

/** The note by its head; null when that is not the head of this member's note. */
export function memberOf(id: MemberId, head: Head): MemberNote | null {
  const get = (key: string): string => {
    const value = head.get(key) ?? '';
    return typeof value === 'string' ? value : value.join(', ');
  };
  if (get('type') !== 'flowloom_member' || get('flowloom') !== '1' || get('member') !== id) return null;
  const told = Object.fromEntries(Object.entries(texts).map(([key, field]) => [field, get(key)])) as Record<
    (typeof texts)[keyof typeof texts],
    string
  >;
  const seq = Number(get('left_seq') || Number.NaN);
  const left = Number.isSafeInteger(seq) ? { seq, at: get('left_at'), reason: get('left_reason') } : null;
  const joins = head.get('joins') ?? [];
  return {
    presence: { version: 1, ...told, left },
    joins: (typeof joins === 'string' ? joins.split(/\D+/) : joins).filter((one) => /^\d{1,16}$/.test(one)),
    created: get('created'),
    others: new Map([...head].filter(([key]) => !ownKeys.has(key))),
  };
}
