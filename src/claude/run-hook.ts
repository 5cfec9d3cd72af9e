/**
 * The one shell around every hook. Guaranteed whatever happens: exit code 0, within two seconds, with one valid JSON object on
 * stdout or nothing, and a line in the log for what went wrong.
 */
import fs from 'node:fs';
import { openSession, placesFor } from '../compose.ts';
import { isoTime } from '../core/iso-time.ts';
import { visible } from '../core/quote.ts';
import type { Session } from '../flows/session.ts';
import { keepCompiled } from '../io/code-cache.ts';
import type { Compiled } from '../io/code-entry.ts';
import { appendLog } from '../io/log.ts';
import { sinceStart } from '../io/since-start.ts';
import { renderOutput } from './output.ts';
import { type HookEvent, type HookPayload, parsePayload } from './payload.ts';
import { readStdin } from './stdin.ts';

/** From the first lines of the hook (`boot.ts`); null where nothing compiled is kept. */
declare const __compiled: Compiled | null;

const stdinLimitMs = 1000;
/** Counted from the start of the process. */
const limitMs = 1800;

/** What a hook does. A text is for the model; what else it returns is not looked at. */
export type Story = (session: Session, payload: HookPayload) => Promise<unknown>;

/** For whoever wants to watch: stderr of a hook that exits 0 goes to the client's debug log. */
function trace(event: HookEvent, text: string): void {
  if (process.env.FLOWLOOM_DEBUG === '1') process.stderr.write(`flowloom ${event}: ${visible(text)}\n`);
}

function logFailure(event: HookEvent, code: string, cause: unknown, directory: string): void {
  try {
    const message = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
    trace(event, message);
    const places = placesFor(process.env.CLAUDE_PROJECT_DIR || directory || '/', process.env);
    appendLog(places, { at: new Date().toISOString(), event, code, message });
  } catch {
    // There is nowhere left to say it.
  }
}

function print(text: string): void {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; ) {
    try {
      at += fs.writeSync(1, bytes, at);
    } catch (cause) {
      // A full pipe is worth another try until the time is up; a closed one is not.
      if ((cause as NodeJS.ErrnoException).code !== 'EAGAIN' || sinceStart() > limitMs) return;
    }
  }
}

/** The receipt by which doctor proves that the hook fired, and everything the flow has learnt. */
function writeNotebook(session: Session, event: HookEvent): void {
  const { notebook } = session;
  const receipt = {
    at: isoTime(Date.now()),
    ms: Math.round(sinceStart()),
    count: (notebook.receipts[event]?.count ?? 0) + 1,
  };
  session.notebooks.write(session.self.id, {
    ...notebook,
    receipts: { ...notebook.receipts, [event]: receipt },
  });
}

async function tell(event: HookEvent, story: Story): Promise<void> {
  const text = await readStdin(stdinLimitMs);
  const payload = parsePayload(text);
  if (!payload)
    return logFailure(
      event,
      'bad-input',
      `stdin held ${text.length} characters that are not one JSON object`,
      '',
    );
  if (payload.agentId) return;
  const { session, notice, prepare } = await openSession(event, payload, process.env);
  const output: { context?: string; notice?: string } = notice ? { notice } : {};
  if (session) {
    try {
      const told = await story(session, payload);
      if (typeof told === 'string') output.context = told;
    } catch (cause) {
      logFailure(event, 'hook-failed', cause, payload.cwd);
    }
  }
  print(renderOutput(event, output));
  const place = session ? `state in ${session.store.place}` : 'no state';
  const said = session?.echo ? 'an echo, nothing told' : `told ${output.context?.length ?? 0} characters`;
  trace(event, `${place}, ${said}, ${Math.round(sinceStart())} ms`);
  if (!session || session.echo) return;
  try {
    writeNotebook(session, event);
    await prepare();
  } catch (cause) {
    logFailure(event, 'notebook-failed', cause, payload.cwd);
  }
}

/** As `process.exit`, which takes a hundredth of a Node start to tell listeners that nobody has set. */
const exit: () => never = () => (process as unknown as { reallyExit(code: number): never }).reallyExit(0);

/** Runs one hook to its end and exits. */
export function runHook(event: HookEvent, story: Story): void {
  const end = (): void => {
    if (__compiled) keepCompiled(__compiled);
    exit();
  };
  const leave = (code: string) => (cause: unknown) => {
    logFailure(event, code, cause, '');
    end();
  };
  process.on('uncaughtException', leave('hook-crashed'));
  process.on('unhandledRejection', leave('hook-crashed'));
  const late = (): void => leave('too-slow')(new Error(`took longer than ${limitMs} ms`));
  tell(event, story).then(end, leave('hook-failed'));
  whenWaiting(() => setTimeout(late, Math.max(1, limitMs - sinceStart())));
}

/** More turns of the promise queue than most hooks need that wait for nothing but files. */
const turns = 500;

/** A hook whose promises are all kept at once is over before this acts: there no timer could fire, and making one costs. */
async function whenWaiting(act: () => unknown): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await undefined;
  act();
}
