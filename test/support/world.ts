/** One repository, one home, and hooks fired in them as the client would. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gateArguments, type HookName, hookPath, sharedCache } from './built.ts';
import { type Client, type Ground, startClient, thisMachine } from './clients.ts';
import { repository, scratch, type Until, write } from './scratch.ts';

const fixtures = join(import.meta.dirname, '..', 'fixtures');
const files: Readonly<Record<HookName, string>> = {
  'session-start': 'SessionStart.startup',
  'user-prompt-submit': 'UserPromptSubmit',
  'post-tool-batch': 'PostToolBatch',
  'post-compact': 'PostCompact.manual',
  stop: 'Stop',
  'session-end': 'SessionEnd.prompt_input_exit',
};

type Json = Record<string, unknown>;

/** A payload as recorded from the real client. */
export const recorded = (name: string): Json =>
  JSON.parse(readFileSync(join(fixtures, 'payloads', `${name}.json`), 'utf8'));
export const recordedTranscript = (): string =>
  readFileSync(join(fixtures, 'transcript.sample.jsonl'), 'utf8');

export interface Fired {
  readonly code: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
  /** The object on stdout; null when it is empty. Broken output fails the test here. */
  readonly json: {
    systemMessage?: string;
    hookSpecificOutput?: { hookEventName: string; additionalContext: string };
  } | null;
  /** What the model is told; empty when nothing. */
  readonly context: string;
  readonly notice: string;
}

export interface Fire {
  /** Replaces fields of the recorded payload; undefined removes one. */
  readonly payload?: Json;
  /** Written to stdin instead of the payload. */
  readonly stdin?: string | Buffer;
  /** Leaves stdin open after writing. */
  readonly keepOpen?: boolean;
  /** Closes stdin so many milliseconds after writing. */
  readonly closeAfter?: number;
  /** Added to the clean environment; undefined removes one. */
  readonly env?: Record<string, string | undefined>;
  readonly cwd?: string;
  /** What runs the hook; node unless told. */
  readonly through?: readonly string[];
  /** Through the gate, in this shell: how its command line begins. */
  readonly gate?: readonly string[];
  /** SIGKILL for the hook so many milliseconds after its start; whatever it printed is dropped. */
  readonly killAfter?: number;
  /** Longer than usual, for many hooks at once. */
  readonly patience?: number;
  /** Is given the process, to do with it what it likes. */
  readonly watch?: (child: ChildProcess) => void;
}

/** Far above the hooks' own limit of two seconds: whoever meets it hangs. */
export const patienceMs = 5_000;

function killGroup(leader: number): void {
  try {
    process.kill(-leader, 'SIGKILL');
  } catch {
    // Everybody in it is gone.
  }
}

/** Runs one hook process to its end. Killed, with `signal` set, when it does not end by itself. */
export async function runHookProcess(
  name: HookName,
  stdin: string | Buffer,
  env: NodeJS.ProcessEnv,
  fire: Fire = {},
): Promise<Fired> {
  const hook = fire.gate ? [...fire.gate, ...gateArguments(name)] : [process.execPath, hookPath(name)];
  const [command, ...args] = [...(fire.through ?? []), ...hook];
  // What runs it may be killed and leave it behind: they are killed together.
  const detached = fire.through !== undefined && process.platform !== 'win32';
  const child = spawn(command!, args, { cwd: fire.cwd, env, detached, stdio: ['pipe', 'pipe', 'pipe'] });
  const kill = (): void => {
    if (!detached) child.kill('SIGKILL');
    else if (child.pid !== undefined) killGroup(child.pid);
  };
  fire.watch?.(child);
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  // A hook that has read enough may be gone before everything is written.
  child.stdin.on('error', () => {});
  child.stdin.write(stdin);
  if (fire.closeAfter) setTimeout(() => child.stdin.end(), fire.closeAfter).unref();
  else if (!fire.keepOpen) child.stdin.end();
  const hung = setTimeout(kill, fire.killAfter ?? fire.patience ?? patienceMs);
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
  clearTimeout(hung);
  child.stdin.destroy();
  const json: Fired['json'] = stdout === '' || fire.killAfter !== undefined ? null : JSON.parse(stdout);
  return {
    code,
    signal,
    stdout,
    stderr,
    json,
    context: json?.hookSpecificOutput?.additionalContext ?? '',
    notice: json?.systemMessage ?? '',
  };
}

let conversations = 0;
const freshId = (): string => `00000000-0000-4000-8000-${String(++conversations).padStart(12, '0')}`;

/** One running client with one conversation. */
export class SessionUnderTest {
  readonly world: World;
  readonly client: Client;
  id: string;
  transcript: string;
  cwd: string;
  env: Record<string, string | undefined>;
  #prompts = 0;

  constructor(
    world: World,
    options: { id?: string; cwd?: string; env?: Record<string, string | undefined>; client?: Client } = {},
  ) {
    this.world = world;
    this.client = options.client ?? startClient();
    this.id = options.id ?? freshId();
    this.transcript = join(world.home, '.claude', 'projects', 'shop', `${this.id}.jsonl`);
    this.cwd = options.cwd ?? world.root;
    this.env = options.env ?? {};
  }

  /** What a hook of this session sees of the environment. */
  environment(more: Record<string, string | undefined> = {}): NodeJS.ProcessEnv {
    const env: NodeJS.ProcessEnv = {
      PATH: process.env.PATH,
      HOME: this.world.home,
      // One for all worlds of a file, so that not every test compiles the hooks anew.
      XDG_CACHE_HOME: sharedCache,
      TMPDIR: this.world.temporary,
      LANG: 'C.UTF-8',
      CLAUDECODE: '1',
      CLAUDE_CODE_ENTRYPOINT: 'cli',
      CLAUDE_CODE_SESSION_ATTENDED: '1',
      CLAUDE_CODE_SESSION_ID: this.id,
      CLAUDE_PID: String(this.client.pid),
      CLAUDE_PROJECT_DIR: this.cwd,
      ...this.env,
      ...more,
    };
    for (const name of Object.keys(env)) if (env[name] === undefined) delete env[name];
    return env;
  }

  /** The recorded payload of that event, as if it had happened here. */
  payload(name: HookName, more: Json = {}): Json {
    const known = recorded(files[name]);
    const toolCalls =
      name === 'post-tool-batch' ? { tool_calls: [writeCall(join(this.cwd, 'hello.txt'))] } : {};
    return {
      ...known,
      session_id: this.id,
      transcript_path: this.transcript,
      cwd: this.cwd,
      ...('prompt_id' in known ? { prompt_id: `prompt-${this.client.pid}-${this.#prompts}` } : {}),
      ...toolCalls,
      ...more,
    };
  }

  fire(name: HookName, fire: Fire = {}): Promise<Fired> {
    const stdin = fire.stdin ?? JSON.stringify(this.payload(name, fire.payload));
    return runHookProcess(name, stdin, this.environment(fire.env), {
      cwd: existsSync(this.cwd) ? this.cwd : undefined,
      ...fire,
      through: [...this.world.ground.within(this.cwd), ...(fire.through ?? [])],
    });
  }

  /** SessionStart with that source. */
  start(source = 'startup', fire: Fire = {}): Promise<Fired> {
    const payload = {
      ...recorded(`SessionStart.${source}`),
      session_id: this.id,
      transcript_path: this.transcript,
      cwd: this.cwd,
    };
    return this.fire('session-start', { ...fire, payload: { ...payload, ...fire.payload } });
  }

  /** A prompt a human typed; each is another occasion. */
  prompt(text = 'add a hello file', fire: Fire = {}): Promise<Fired> {
    this.#prompts++;
    return this.fire('user-prompt-submit', { ...fire, payload: { prompt: text, ...fire.payload } });
  }

  tools(calls: readonly Json[] = [writeCall(join(this.cwd, 'hello.txt'))], fire: Fire = {}): Promise<Fired> {
    return this.fire('post-tool-batch', { ...fire, payload: { tool_calls: calls, ...fire.payload } });
  }

  stop(said = 'Done.', fire: Fire = {}): Promise<Fired> {
    return this.fire('stop', { ...fire, payload: { last_assistant_message: said, ...fire.payload } });
  }

  compacted(summary = 'It was about hello.', fire: Fire = {}): Promise<Fired> {
    return this.fire('post-compact', { ...fire, payload: { compact_summary: summary, ...fire.payload } });
  }

  end(reason = 'prompt_input_exit', fire: Fire = {}): Promise<Fired> {
    return this.fire('session-end', { ...fire, payload: { reason, ...fire.payload } });
  }

  /** The client replaced the conversation within its process, as `/clear` does. */
  renewed(id = freshId()): string {
    this.id = id;
    this.transcript = join(this.world.home, '.claude', 'projects', 'shop', `${id}.jsonl`);
    return id;
  }

  writeTranscript(lines: readonly Json[] | string): string {
    return write(
      this.transcript,
      typeof lines === 'string' ? lines : lines.map((line) => `${JSON.stringify(line)}\n`).join(''),
    );
  }
}

let calls = 0;
const callId = (): string => `toolu_${String(++calls).padStart(8, '0')}`;

export const writeCall = (path: string): Json => ({
  tool_name: 'Write',
  tool_input: { file_path: path, content: 'hello' },
  tool_use_id: callId(),
  tool_response: `File created successfully at: ${path}`,
});

export const bashCall = (command: string, stdout: string, stderr = ''): Json => ({
  tool_name: 'Bash',
  tool_input: { command, description: 'run' },
  tool_use_id: callId(),
  tool_response: { stdout, stderr, interrupted: false, isImage: false, noOutputExpected: false },
});

export interface World {
  /** Everything is below this. */
  readonly base: string;
  readonly root: string;
  readonly home: string;
  readonly temporary: string;
  /** Where the file store of the repository is. */
  readonly state: string;
  /** Where its clients live and its hooks run. */
  readonly ground: Ground;
  session(options?: ConstructorParameters<typeof SessionUnderTest>[1]): SessionUnderTest;
}

/** A world whose project is a git repository, or a plain directory with `git: false`. */
export function world({
  git = true,
  name = 'world',
  until,
  ground = thisMachine,
}: {
  git?: boolean;
  name?: string;
  until?: Until;
  ground?: Ground;
} = {}): World {
  const base = scratch(name, until);
  const root = join(base, 'shop');
  const home = join(base, 'home');
  const temporary = join(base, 'tmp');
  for (const directory of [root, home, temporary]) mkdirSync(directory);
  if (git) repository(root);
  const made: World = {
    base,
    root,
    home,
    temporary,
    state: join(root, '.git', 'flowloom'),
    ground,
    session: (options) => new SessionUnderTest(made, options),
  };
  return made;
}
