import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { clientNote } from './client-notes.ts';
import { isRunning, until } from './processes.ts';
import type { Scratch } from './scratch.ts';
import type { RecordedRequest, StubApi } from './stub-api.ts';
import { lastTurnEnd } from './transcripts.ts';

/** The terminals of one scenario: one tmux server with a socket of its own, inside the scratch folder. */
export type Terminals = {
  /** Starts an interactive session in a folder and resolves when it takes input. */
  start(options?: { cwd?: string; args?: string[]; env?: Record<string, string> }): Promise<Terminal>;
  /** Each distinct screen of each session that was looked at so far; every wait looks many times. */
  shown(): string[];
  /** Ends the tmux server, which hangs up on the sessions that still run, and waits for their end. Twice is fine. */
  close(): Promise<void>;
};

export type Terminal = {
  /** The pid of the Claude Code process. */
  readonly pid: number;
  /** The session's id now; `/clear` changes it. null before the client has noted it, and after its end. */
  sessionId(): string | null;
  /** The name by which the client's own SendMessage tool knows the session. */
  clientName(): string | null;
  /** What is on the screen now, without colours. */
  screen(): string;
  waitForScreen(pattern: RegExp | string, timeoutMs?: number): Promise<string>;
  /** Types into the input box without sending it, and waits until it is shown. */
  type(text: string): Promise<void>;
  /** Types a line and sends it. Does not wait for an answer. */
  submit(text: string): Promise<void>;
  /** Sends a prompt and waits for the end of its turn, Stop hooks included. Resolves with the turn's requests. */
  turn(prompt: string): Promise<RecordedRequest[]>;
  /** Sends a prompt and resolves with the first request of its turn, which goes on. */
  begin(prompt: string): Promise<RecordedRequest>;
  /** Waits for the end of the turn that a request belongs to, Stop hooks included. */
  ended(request: RecordedRequest): Promise<void>;
  /** Types a command that changes the session id (`/clear`, `/branch`, `/resume <id>`) and waits for the new one. */
  change(command: string): Promise<void>;
  /** Types `/compact` and waits for its end. */
  compact(): Promise<void>;
  key(name: string): void;
  /** Types `/exit` and waits for the end of the process, and so of its SessionEnd hooks. */
  exit(): Promise<void>;
  /** Closes the terminal, and waits for the end of the process, which gets SIGHUP. */
  hangUp(): Promise<void>;
  /** SIGKILL: no hook fires. */
  kill9(): Promise<void>;
};

const columns = 200;
const rows = 50;

export function openTerminals(client: string, scratch: Scratch, api: StubApi): Terminals {
  const socket = `flowloom-${randomUUID().slice(0, 8)}`;
  const env = { ...scratch.env, TMUX_TMPDIR: scratch.root };
  const open = new Set<Terminal>();
  const screens = new Set<string>();
  let count = 0;
  let closed = false;

  const tmux = (...args: string[]) =>
    execFileSync('tmux', ['-L', socket, '-f', '/dev/null', ...args], {
      env,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });

  const create = (options: { cwd?: string; args?: string[]; env?: Record<string, string> }): Terminal => {
    const name = `s${++count}`;
    // env replaces itself by the client, so the process of the pane is the client.
    const variables = Object.entries({ ...scratch.env, ...options.env }).map(
      ([key, value]) => `${key}=${value}`,
    );
    const command = ['env', '-i', ...variables, client, ...(options.args ?? [])];
    const size = ['-x', String(columns), '-y', String(rows)];
    if (count === 1) {
      // A session that ends must leave its last screen behind, and the server must outlive it.
      tmux('new-session', '-d', '-s', 'keeper', ...size, 'sleep', '3600');
      tmux('set-option', '-g', 'remain-on-exit', 'on');
      tmux('set-option', '-g', 'history-limit', '20000');
    }
    tmux('new-session', '-d', '-s', name, ...size, '-c', options.cwd ?? scratch.repository, ...command);
    const pid = Number(tmux('display-message', '-p', '-t', name, '#{pane_pid}'));
    scratch.owns(pid);

    const note = () => clientNote(scratch.home, pid);
    const ownTurns = () => {
      const id = note()?.sessionId;
      return id ? api.turns(id).length : 0;
    };
    const terminal: Terminal = {
      pid,
      sessionId: () => note()?.sessionId ?? null,
      clientName: () => note()?.name ?? null,
      screen() {
        const screen = tmux('capture-pane', '-p', '-J', '-t', name).trimEnd();
        screens.add(screen);
        return screen;
      },
      async waitForScreen(pattern, timeoutMs) {
        const matches = (text: string) =>
          typeof pattern === 'string' ? text.includes(pattern) : pattern.test(text);
        return until(
          () => {
            const text = terminal.screen();
            return matches(text) && text;
          },
          () => `${pattern} on the screen:\n${terminal.screen()}`,
          timeoutMs,
        );
      },
      async type(text) {
        tmux('send-keys', '-t', name, '-l', text);
        // The input box breaks long lines, so compare without white space.
        const wanted = squeeze(text).slice(-40);
        await until(
          () => squeeze(inputBox(terminal.screen())).includes(wanted),
          () => `"${text}" in the input box:\n${terminal.screen()}`,
        );
      },
      async submit(text) {
        await terminal.type(text);
        terminal.key('Enter');
      },
      async begin(prompt) {
        const before = ownTurns();
        await terminal.submit(prompt);
        return until(
          () => api.turns(note()?.sessionId ?? '')[before],
          () => `a request for "${prompt}":\n${terminal.screen()}`,
        );
      },
      async ended(request) {
        await until(
          () => {
            terminal.screen();
            return lastTurnEnd(scratch.home, request.sessionId!) >= request.at;
          },
          () => `the end of the turn:\n${terminal.screen()}`,
          60_000,
        );
      },
      async turn(prompt) {
        const before = ownTurns();
        await terminal.ended(await terminal.begin(prompt));
        return api.turns(terminal.sessionId() ?? '').slice(before);
      },
      async change(command) {
        const before = terminal.sessionId();
        await terminal.submit(command);
        await until(
          () => ![before, null].includes(terminal.sessionId()),
          () => `a new session id:\n${terminal.screen()}`,
        );
      },
      async compact() {
        await terminal.submit('/compact');
        await terminal.waitForScreen('Compacted');
      },
      key(key) {
        tmux('send-keys', '-t', name, key);
      },
      async exit() {
        await terminal.submit('/exit');
        await until(
          () => !isRunning(pid),
          () => `the end of process ${pid}:\n${terminal.screen()}`,
        );
        // The client's last words are on the screen once tmux has read all of them.
        await until(
          () => tmux('display-message', '-p', '-t', name, '#{pane_dead}').trim() === '1',
          'a dead pane',
        );
        terminal.screen();
      },
      async hangUp() {
        terminal.screen();
        tmux('kill-session', '-t', name);
        open.delete(terminal);
        await until(() => !isRunning(pid), `the end of process ${pid}`);
      },
      async kill9() {
        process.kill(pid, 'SIGKILL');
        await until(() => !isRunning(pid), `the end of process ${pid}`);
      },
    };
    open.add(terminal);
    return terminal;
  };

  return {
    async start(options = {}) {
      const terminal = create(options);
      await terminal.waitForScreen(/^❯/m, 60_000);
      return terminal;
    },
    shown: () => [...screens],
    async close() {
      if (count === 0 || closed) return;
      closed = true;
      for (const terminal of open) terminal.screen();
      tmux('kill-server');
      for (const { pid } of open) await until(() => !isRunning(pid), `the end of process ${pid}`);
    },
  };
}

/** The input box is the last thing on the screen that begins with the prompt sign. */
const inputBox = (screen: string) => screen.slice(screen.lastIndexOf('\n❯'));

const squeeze = (text: string) => text.replace(/\s+/g, '');
