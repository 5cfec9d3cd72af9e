/**
 * Reads one JSON object from stdin and does not wait for the end of it: a client that keeps the pipe open must not cost time.
 *
 * Node's own stdin stream costs a fifth of a bare Node start, since it loads the network stack; a plain blocking read costs
 * nothing and never comes back when nobody writes. So the descriptor is switched to non-blocking and polled. The switch is
 * in a binding of Node; where that is missing or refuses, the stream does the same job, only later.
 */
import fs from 'node:fs';
import { bindingOf } from '../io/binding.ts';
import { sinceStart } from '../io/since-start.ts';

const mostBytes = 16 << 20;
/** Most payloads are no longer, and a small buffer costs less to make. */
const firstBytes = 8 << 10;
const pipeBytes = 64 << 10;
/** Nothing new for so long, and what is there may be all. */
const quietMs = 30;

const complete = (text: string): boolean => {
  if (!/\}\s*$/.test(text.slice(-64))) return false;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
};

/** What came until the end of the object, the end of the input, or `limitMs`. */
export function readStdin(limitMs: number): string | Promise<string> {
  return becomesNonBlocking() ? poll(limitMs) : stream(limitMs);
}

interface PipeWrap {
  Pipe: new (type: number) => { open(fd: number): number };
  constants: { SOCKET: number };
}

/** True when a read from stdin returns at once from here on: it is a pipe or socket that was switched, or a file. */
function becomesNonBlocking(): boolean {
  try {
    const stat = fs.fstatSync(0);
    if (stat.isFile()) return true;
    if (!stat.isFIFO() && !stat.isSocket()) return false;
    const { Pipe, constants } = bindingOf<PipeWrap>('pipe_wrap');
    const failed = new Pipe(constants.SOCKET).open(0);
    return !failed && process.platform !== 'win32';
  } catch {
    return false;
  }
}

function poll(limitMs: number): string {
  const end = sinceStart() + limitMs;
  let clock: Int32Array | undefined;
  let bytes = Buffer.allocUnsafe(firstBytes);
  let used = 0;
  let pieces = 0;
  let quietSince = 0;
  const text = (): string => bytes.toString('utf8', 0, used);
  while (used < mostBytes && sinceStart() < end) {
    if (used === bytes.length) bytes = Buffer.concat([bytes], 2 * used + pipeBytes);
    let read: number;
    try {
      read = fs.readSync(0, bytes, used, bytes.length - used, null);
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'EAGAIN') break;
      const quiet = sinceStart() - quietSince;
      // Nearly every payload comes in one piece and is looked at once. A longer one is looked at again only when no more
      // arrives: parsing after each piece would cost the square of its length.
      if (quietSince > 0 && (pieces === 1 || quiet > quietMs)) {
        if (complete(text())) break;
        quietSince = quiet > quietMs ? 0 : quietSince;
      }
      clock ??= new Int32Array(new SharedArrayBuffer(4));
      Atomics.wait(clock, 0, 0, 1);
      continue;
    }
    if (read === 0) break;
    used += read;
    pieces++;
    quietSince = sinceStart();
  }
  return text();
}

function stream(limitMs: number): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    let quiet: NodeJS.Timeout | undefined;
    const stdin = process.stdin;
    const done = (): void => {
      clearTimeout(quiet);
      clearTimeout(limit);
      stdin.removeAllListeners();
      resolve(text);
    };
    const limit = setTimeout(done, limitMs);
    stdin.setEncoding('utf8');
    stdin.on('data', (chunk: string) => {
      text += chunk;
      if (text.length > mostBytes) return done();
      clearTimeout(quiet);
      quiet = setTimeout(() => complete(text) && done(), quietMs);
    });
    stdin.on('end', done);
    stdin.on('error', done);
  });
}
