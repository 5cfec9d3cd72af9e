/**
 * What a member leaves behind for whoever comes next: facts about its work, as Markdown with frontmatter that is also a valid
 * basic-memory note. Everything that came from a person, a model or a repository stands inside code blocks, where neither
 * `#words` nor `[[links]]` nor fences mean anything.
 */
import type { Role } from './election.ts';
import type { GitFacts } from './git-facts.ts';
import { isoTime } from './iso-time.ts';
import { clip, fenced, oneLine, sanitize } from './quote.ts';
import { redact } from './redact.ts';
import { nextStep, questionsIn } from './said.ts';
import { isSeq } from './seq.ts';
import type { Command, Todo } from './transcript.ts';

/** `complete`: closed by its owner. `checkpoint`: as of the last stop. `reconstructed`: put together by another after its end. */
export type HandoffLabel = 'complete' | 'checkpoint' | 'reconstructed';

/** What a session says itself for whoever comes next; what it leaves out is empty. */
export interface OwnWords {
  readonly goal: string;
  readonly done: string;
  readonly next: string;
  readonly questions: readonly string[];
}

/** Everything a handoff can hold; what is unknown is empty or null. */
export interface Handoff {
  readonly label: HandoffLabel;
  readonly member: string;
  readonly name: string;
  readonly role: Role;
  /** A person talked to the session. Work of nobody's never stands before work of a person's. */
  readonly attended: boolean;
  readonly seq: number;
  readonly epoch: number;
  readonly sessionId: string;
  readonly joinedAt: string;
  readonly writtenAt: string;
  readonly firstPrompt: string;
  readonly latestPrompt: string;
  readonly said: string;
  /** When its last turn ended, in ms since 1970; 0 when none did. */
  readonly saidAt: number;
  /** Written on purpose, by a tool of the MCP server. */
  readonly words: OwnWords | null;
  /** Put through the client's question tool and unanswered. */
  readonly asked: readonly string[];
  readonly todos: readonly Todo[];
  readonly files: readonly string[];
  readonly commands: readonly Command[];
  readonly git: GitFacts | null;
  readonly worktree: string;
  /** The client's own summary from its last compaction. */
  readonly summary: string;
  readonly transcript: string;
}

/** The head of a stored handoff: what a list shows and a reader decides by. Missing values are empty. */
export interface HandoffHead
  extends Pick<
    Handoff,
    | 'label'
    | 'member'
    | 'name'
    | 'role'
    | 'attended'
    | 'seq'
    | 'epoch'
    | 'sessionId'
    | 'writtenAt'
    | 'saidAt'
    | 'worktree'
  > {
  readonly id: string;
  readonly branch: string;
  /** The latest prompt, on one line. */
  readonly goal: string;
}

/** Whether there is anything in it that the next one could use. */
export const saysSomething = (handoff: Handoff): boolean =>
  Boolean(
    handoff.firstPrompt ||
      handoff.words ||
      handoff.said ||
      handoff.summary ||
      handoff.files.length ||
      handoff.commands.length,
  );

/** Stable for one conversation of one join: `<seq>-<start of the session id>`. Safe as a file name whatever the session id holds. */
export const handoffId = (seq: number, sessionId: string): string =>
  `${String(seq).padStart(6, '0')}-${sessionId.replace(/[^A-Za-z0-9]/g, '').slice(0, 12) || 'session'}`;

/**
 * Takes out what the text repeats of a handoff that its author had received, so that a text never travels more than one step.
 * Compared line by line; short lines are everybody's.
 */
export function withoutRelayed(text: string, received: string): string {
  if (!received) return text;
  const fold = (line: string): string => line.replace(/[\s>*`"'-]+/g, ' ').trim();
  const heard = new Set(
    received
      .split('\n')
      .map(fold)
      .filter((line) => line.length >= 30),
  );
  return text
    .split('\n')
    .filter((line) => !heard.has(fold(line)))
    .join('\n');
}

function frontmatter(handoff: Handoff, id: string, chars: number): string {
  const own = (value: string | number): string => JSON.stringify(String(value));
  const foreign = (value: string): string => JSON.stringify(oneLine(redact(value), chars));
  const fields: [string, string][] = [
    ['title', foreign(`Handoff ${id} from ${handoff.name}`)],
    ['type', own('handoff')],
    ['permalink', own(`flowloom/handoffs/${id.toLowerCase().replaceAll('.', '-')}`)],
    ['created', foreign(handoff.joinedAt)],
    ['modified', own(handoff.writtenAt)],
    ['said', own(handoff.saidAt ? isoTime(handoff.saidAt) : '')],
    ['status', own(handoff.label)],
    ['member', foreign(handoff.member)],
    ['name', foreign(handoff.name)],
    ['role', own(handoff.role)],
    ['attended', own(String(handoff.attended))],
    ['seq', own(handoff.seq)],
    ['epoch', own(handoff.epoch)],
    ['claude_session_id', foreign(handoff.sessionId)],
    ['branch', foreign(handoff.git?.branch ?? '')],
    ['git_sha', foreign(handoff.git?.head ?? '')],
    ['worktree', foreign(handoff.worktree)],
    ['goal', foreign(handoff.latestPrompt || handoff.firstPrompt || (handoff.words?.goal ?? ''))],
  ];
  return `---\n${fields.map(([key, value]) => `${key}: ${value}`).join('\n')}\ntags: ["flowloom", "handoff"]\n---`;
}

const lines = (entries: readonly string[], most: number): string => {
  const shown = entries.slice(-most).join('\n');
  return entries.length > most ? `(${entries.length - most} more)\n${shown}` : shown;
};

const marks: Readonly<Record<string, string>> = { completed: '[x]', in_progress: '[>]' };

function gitSection(git: GitFacts | null, worktree: string, most: number): string {
  const { dirty, staged } = git ?? { dirty: null, staged: null };
  const files = (paths: readonly string[]): string =>
    paths.slice(0, most).join(', ') + (paths.length > most ? ', …' : '');
  const facts = [
    `worktree: ${worktree}`,
    git && `branch: ${git.branch}`,
    git && `HEAD: ${git.head}`,
    staged?.length && `staged (${staged.length}): ${files(staged)}`,
    dirty?.length && `changed or new, not staged (${dirty.length}): ${files(dirty)}`,
    dirty?.length === 0 && staged?.length === 0 && 'clean',
  ];
  return facts.filter(Boolean).join('\n');
}

/** The sections in the order of their worth; `scale` shrinks what may be long. */
function sections(handoff: Handoff, scale: number): [string, string][] {
  const chars = (most: number): number => Math.max(80, Math.floor(most * scale));
  const count = (most: number): number => Math.max(3, Math.floor(most * scale));
  const { firstPrompt, latestPrompt, said, words } = handoff;
  const questions = [...(words?.questions ?? []), ...handoff.asked, ...questionsIn(said)];
  const prompts =
    firstPrompt === latestPrompt
      ? firstPrompt
      : `first: ${clip(firstPrompt, chars(500))}\nlatest: ${clip(latestPrompt, chars(500))}`;
  const goal =
    words?.goal && prompts ? `${prompts}\nin its own words: ${words.goal}` : words?.goal || prompts;
  const all: [string, string][] = [
    ['Goal', clip(goal, chars(words ? 1500 : 1010))],
    [
      'Open questions',
      questions
        .slice(-count(6))
        .map((question) => clip(question, chars(400)))
        .join('\n'),
    ],
    ['Next step', clip(words?.next || nextStep(handoff.todos, said), chars(words?.next ? 1000 : 400))],
    ['Done', clip(words?.done ?? '', chars(1500))],
    [
      'Todo',
      lines(
        handoff.todos
          .filter((todo) => todo.status !== 'deleted')
          .map((todo) => `${marks[todo.status] ?? '[ ]'} ${todo.text}`),
        count(20),
      ),
    ],
    ['Last said', clip(said, chars(1500))],
    ['Files touched', lines(handoff.files, count(30))],
    [
      'Commands',
      lines(
        handoff.commands.map(
          ({ command, outcome, said }) =>
            `${outcome}: ${oneLine(command, 160)}${said ? ` → ${oneLine(said, 120)}` : ''}`,
        ),
        count(10),
      ),
    ],
    ['Git', clip(gitSection(handoff.git, handoff.worktree, count(20)), chars(1500))],
    ["Client's summary", clip(handoff.summary, chars(1500))],
    ['Transcript', handoff.transcript],
  ];
  return all.filter(([, text]) => text.trim() !== '');
}

const section = (title: string, text: string): string => `## ${title}\n\n${fenced(sanitize(redact(text)))}`;

/**
 * The handoff as a note of at most `maxChars` characters: redacted, sanitised, every section of foreign text in a code block.
 * What is long is shortened first; when that is not enough, whole sections go, the least worth first.
 */
export function renderHandoff(handoff: Handoff, id: string, maxChars: number): string {
  const render = (parts: readonly [string, string][], chars = 120): string =>
    `${[frontmatter(handoff, id, chars), ...parts.map(([title, text]) => section(title, text))].join('\n\n')}\n`;
  for (const scale of [1, 0.6, 0.3]) {
    const note = render(sections(handoff, scale));
    if (note.length <= maxChars) return note;
  }
  const parts = sections(handoff, 0.1);
  while (parts.length && render(parts, 40).length > maxChars) parts.pop();
  return render(parts, 40);
}

/** The body of a note with what git says now in place of what it said when the note was written. */
export function withGitNow(body: string, git: GitFacts, worktree: string): string {
  const parts = body.split(/\n\n(?=## )/);
  const now = section('Git (as this is read)', gitSection(git, worktree, 20));
  const at = parts.findIndex((part) => part.startsWith('## Git\n'));
  return (at < 0 ? [...parts, now] : parts.with(at, now)).join('\n\n');
}

const unquote = (value: string): string => {
  try {
    return value.startsWith('"') ? String(JSON.parse(value)) : value;
  } catch {
    return value;
  }
};

/**
 * Head and body of a stored note; null when it is none of ours. Reads values with and without quotes, since other programs
 * that keep such notes rewrite them.
 */
export function parseHandoff(note: string, id: string): { head: HandoffHead; body: string } | null {
  const match = note.match(/^---\r?\n([\s\S]{0,20000}?)\r?\n---\r?\n?/);
  if (!match) return null;
  const fields = new Map<string, string>();
  for (const line of match[1]!.split(/\r?\n/)) {
    const at = line.indexOf(': ');
    if (at > 0) fields.set(line.slice(0, at), unquote(line.slice(at + 2).trim()));
  }
  const get = (key: string): string => fields.get(key) ?? '';
  if (get('type') !== 'handoff' || !isSeq(Number(get('seq')))) return null;
  const label = get('status');
  const head: HandoffHead = {
    id,
    label: label === 'complete' || label === 'reconstructed' ? label : 'checkpoint',
    member: get('member'),
    name: get('name'),
    role: get('role') === 'master' ? 'master' : 'worker',
    // Notes of earlier versions do not say it, and then most were of attended sessions.
    attended: get('attended') !== 'false',
    seq: Number(get('seq')),
    epoch: Number(get('epoch')) || 0,
    sessionId: get('claude_session_id'),
    writtenAt: get('modified'),
    saidAt: Date.parse(get('said')) || 0,
    branch: get('branch'),
    worktree: get('worktree'),
    goal: get('goal'),
  };
  return { head, body: note.slice(match[0].length).trim() };
}

/** The paths in the note's list of touched files. */
export function filesIn(body: string): string[] {
  const section = body.match(/^## Files touched\n\n(`{3,})text\n([\s\S]*?)\n\1/m)?.[2] ?? '';
  return section.split('\n').filter((line) => line !== '' && !/^\(\d+ more\)$/.test(line));
}

/** The body cut to whole sections that fit into `most` characters. */
export function excerpt(body: string, most: number): string {
  if (body.length <= most) return body;
  let kept = '';
  for (const section of body.split(/\n\n(?=## )/)) {
    if (kept.length + section.length + 2 > most) continue;
    kept += (kept && '\n\n') + section;
  }
  return kept || clip(body, most);
}
