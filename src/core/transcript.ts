/**
 * What a stretch of the client's transcript says about the work: files, commands, todos, the last words.
 *
 * The line format is internal to the client and changes between releases (seen: 2.1.330), and the file lags behind. So every
 * field is optional here, a line that is not understood is skipped, and hook payloads win where they say the same.
 */
import { clip } from './quote.ts';
import { beginning, redact } from './redact.ts';
import { isRecord } from './shape.ts';

/** An entry of the client's task list. */
export interface Todo {
  readonly id: string;
  readonly text: string;
  /** `pending`, `in_progress`, `completed`, `deleted`, or a word of a later client. */
  readonly status: string;
}

/** A command that mattered, with its result. */
export interface Command {
  readonly command: string;
  readonly outcome: 'running' | 'ok' | 'failed';
  /** The last line it printed. */
  readonly said: string;
}

/** Everything in it is redacted and short; it grows no larger however long the transcript is. */
export interface Digest {
  /** Absolute paths in the order they were last written to. */
  readonly files: readonly string[];
  readonly commands: readonly (Command & { readonly call: string })[];
  readonly todos: readonly (Todo & { readonly call: string })[];
  /** Questions put to the user through the client's question tool and not answered yet, by call. */
  readonly asked: readonly { readonly call: string; readonly text: string }[];
  readonly firstPrompt: string;
  readonly latestPrompt: string;
  /** When it was given, in ms since 1970; 0 where the transcript does not say. */
  readonly latestPromptAt: number;
  readonly lastSaid: string;
}

export const emptyDigest: Digest = {
  files: [],
  commands: [],
  todos: [],
  asked: [],
  firstPrompt: '',
  latestPrompt: '',
  latestPromptAt: 0,
  lastSaid: '',
};

const most = { files: 60, commands: 12, todos: 40, asked: 8 };
/** So much of a prompt is kept. */
export const promptChars = 1000;
const saidChars = 4000;

type Json = Record<string, unknown>;
const str = (value: unknown): string => (typeof value === 'string' ? value : '');

/** A secret is recognised by its whole shape, so text is redacted before it is cut; the outer cut bounds the work. */
export const keep = (text: string, chars: number): string =>
  clip(redact(beginning(text, chars * 4)).trim(), chars);

/** What the user typed, and behind it what was pasted: the client puts tags around a paste, which say nothing to anybody else. */
export function withoutPasteTags(prompt: string): string {
  if (!prompt.includes('<pasted_content')) return prompt;
  const pasted: string[] = [];
  const typed = prompt.replace(
    /<pasted_content\b[^<>]{0,200}>([\s\S]*?)(?:<\/pasted_content>|$)/g,
    (_, text: string) => {
      pasted.push(text.trim());
      return ' ';
    },
  );
  return [typed.trim(), ...pasted].filter(Boolean).join('\n\n');
}

/**
 * Did a human type this prompt? The client also submits prompts of its own: notifications of background tasks, messages from
 * other sessions, output of local commands. They all start with one of its tags.
 */
export const isHumanPrompt = (prompt: string): boolean =>
  prompt.trim() !== '' &&
  !/^\s*(?:<(?:task|agent|teammate|cross|channel|local|command|system|bash|user|session|scheduled|cron|background)-[a-z-]+[\s>]|\[Request interrupted|Caveat: The messages below|This session is being continued from a previous conversation)/.test(
    prompt,
  );

/** Tests, builds, checks and commits: the commands whose result the next one wants to know. */
const matters =
  /\b(?:test|tests|vitest|jest|mocha|pytest|tox|unittest|rspec|ctest|check|lint|typecheck|tsc|mypy|ruff|eslint|biome|clippy|build|make|compile|deploy|release|publish|migrate|bench)\b|\bgit\s+(?:-\S+\s+\S+\s+)*(?:commit|push|merge|rebase|revert|cherry-pick|tag)\b|\b(?:cargo|go|mvn|gradle|dotnet)\s+\w+/;

const writers: Readonly<Record<string, string>> = {
  Write: 'file_path',
  Edit: 'file_path',
  MultiEdit: 'file_path',
  NotebookEdit: 'notebook_path',
};

/** The last line of an output, unless it looks like the inside of a key. */
function lastLine(output: string): string {
  const end = output.length > 24_000 ? output.slice(-24_000).replace(/^[!-~]+/, '') : output;
  const line = keep(redact(end).trimEnd().split('\n').at(-1) ?? '', 160);
  return /[A-Za-z0-9+/=_-]{40}/.test(line) ? '' : line;
}

function resultText(content: unknown): string {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';
  return content.map((block) => (isRecord(block) ? str(block.text) : '')).join('\n');
}

class Reading {
  files: string[];
  commands: Digest['commands'][number][];
  todos: Digest['todos'][number][];
  asked: Digest['asked'][number][];
  firstPrompt: string;
  latestPrompt: string;
  latestPromptAt: number;
  lastSaid: string;

  constructor(before: Digest) {
    this.files = [...before.files];
    this.commands = [...before.commands];
    this.todos = [...before.todos];
    this.asked = [...before.asked];
    this.firstPrompt = before.firstPrompt;
    this.latestPrompt = before.latestPrompt;
    this.latestPromptAt = before.latestPromptAt;
    this.lastSaid = before.lastSaid;
  }

  line(line: Json): void {
    const { message, attachment } = line;
    // A prompt that was typed while a turn ran has no line of its own.
    if (isRecord(attachment) && attachment.type === 'queued_command')
      this.prompt({ timestamp: line.timestamp, ...attachment }, str(attachment.prompt));
    if (!isRecord(message)) return;
    if (line.type === 'assistant') this.assistant(message, line.isSidechain === true);
    else if (line.type === 'user') this.user(line, message);
  }

  private assistant(message: Json, sidechain: boolean): void {
    if (!Array.isArray(message.content)) return;
    for (const block of message.content) {
      if (!isRecord(block)) continue;
      if (block.type === 'text' && !sidechain && str(block.text).trim())
        this.lastSaid = keep(str(block.text), saidChars);
      if (block.type === 'tool_use' && isRecord(block.input))
        this.call(str(block.name), str(block.id), block.input);
    }
  }

  /** A call that is known already, from a hook or an earlier reading, changes nothing. */
  call(name: string, id: string, input: Json): void {
    const path = writers[name] && str(input[writers[name]]);
    if (path) this.files = [...this.files.filter((known) => known !== path), keep(path, 400)];
    const known = [...this.commands, ...this.todos, ...this.asked].some((entry) => entry.call === id);
    if (name === 'TaskUpdate') this.updateTask(str(input.taskId), str(input.status), str(input.subject));
    if (known) return;
    if (name === 'Bash' && matters.test(str(input.command)))
      this.commands.push({ call: id, command: keep(str(input.command), 200), outcome: 'running', said: '' });
    if (name === 'TodoWrite' && Array.isArray(input.todos))
      this.todos = input.todos.filter(isRecord).map((todo, index) => ({
        id: String(index + 1),
        text: keep(str(todo.content), 200),
        status: str(todo.status),
        call: id,
      }));
    if (name === 'TaskCreate')
      this.todos.push({ id: '', text: keep(str(input.subject), 200), status: 'pending', call: id });
    if (name === 'AskUserQuestion' && Array.isArray(input.questions))
      this.asked = [
        ...this.asked,
        ...input.questions
          .filter(isRecord)
          .map((question) => ({ call: id, text: keep(str(question.question), 400) })),
      ].slice(-most.asked);
  }

  private updateTask(id: string, status: string, subject: string): void {
    this.todos = this.todos.map((todo) =>
      todo.id === id
        ? { ...todo, text: subject ? keep(subject, 200) : todo.text, status: status || todo.status }
        : todo,
    );
  }

  private user(line: Json, message: Json): void {
    if (typeof message.content === 'string') this.prompt(line, message.content);
    if (!Array.isArray(message.content)) return;
    for (const block of message.content) {
      if (!isRecord(block)) continue;
      if (block.type === 'text') this.prompt(line, str(block.text));
      if (block.type === 'tool_result')
        this.result(str(block.tool_use_id), resultText(block.content), block.is_error === true);
    }
  }

  private prompt(line: Json, text: string): void {
    if (line.isMeta === true || line.isSidechain === true || !isHumanPrompt(text)) return;
    if (isRecord(line.origin) && line.origin.kind !== 'human') return;
    this.latestPrompt = keep(withoutPasteTags(text), promptChars);
    this.latestPromptAt = Date.parse(str(line.timestamp)) || 0;
    this.firstPrompt ||= this.latestPrompt;
  }

  result(call: string, text: string, failed: boolean): void {
    this.asked = this.asked.filter((question) => question.call !== call);
    this.commands = this.commands.map((command) =>
      command.call === call
        ? { ...command, outcome: failed ? 'failed' : 'ok', said: lastLine(text) }
        : command,
    );
    const task = text.match(/#(\w+)/)?.[1];
    if (task)
      this.todos = this.todos.map((todo) =>
        todo.call === call && todo.id === '' ? { ...todo, id: task } : todo,
      );
  }

  done(): Digest {
    return {
      files: this.files.slice(-most.files),
      commands: this.commands.slice(-most.commands),
      todos: this.todos.slice(-most.todos),
      asked: this.asked,
      firstPrompt: this.firstPrompt,
      latestPrompt: this.latestPrompt,
      latestPromptAt: this.latestPromptAt,
      lastSaid: this.lastSaid,
    };
  }
}

/** The digest after a batch of tool calls, as the client's PostToolBatch hook tells them. */
export function digestBatch(before: Digest, calls: readonly unknown[]): Digest {
  const reading = new Reading(before);
  for (const call of calls) {
    if (!isRecord(call) || !isRecord(call.tool_input)) continue;
    const id = str(call.tool_use_id);
    const response = call.tool_response;
    const text = isRecord(response)
      ? `${str(response.stdout)}\n${str(response.stderr)}`
      : resultText(response);
    reading.call(str(call.tool_name), id, call.tool_input);
    reading.result(id, text, /^\s*(?:Error\b|Exit code [1-9]|<tool_use_error>)/.test(text));
  }
  return reading.done();
}

/** The digest after these lines (complete JSON lines; anything else is skipped). Reading in pieces gives the same as reading at once. */
export function digest(before: Digest, lines: string): Digest {
  const reading = new Reading(before);
  for (const line of lines.split('\n')) {
    if (!line.startsWith('{')) continue;
    try {
      const parsed: unknown = JSON.parse(line);
      if (isRecord(parsed)) reading.line(parsed);
    } catch {
      // A torn or foreign line: the others still count.
    }
  }
  return reading.done();
}
