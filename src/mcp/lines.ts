/**
 * What stands before the protocol: of the bytes of a client it lets through whole messages, a line each, and everything else is
 * answered with an error. The library would end the server for a long line, and say nothing to a broken one.
 *
 * At most one line is held, and no more is read while the client does not take its answers.
 */
import { type Readable, Transform } from 'node:stream';
import { deserializeMessage } from '@modelcontextprotocol/server';
import { messageFault } from '../messages/mcp.ts';

/** No tool takes more than a small part of this. */
export const mostLineBytes = 10 * 1024 * 1024;
/** Whoever nests deeper wants to overflow a stack. */
const mostNested = 64;

/** JSON-RPC: the line is no JSON; it is JSON and no message. */
const parseError = -32700;
const invalidRequest = -32600;

/** An answer to a line that is no message. The id is null where the line has none that can be told. */
export interface Fault {
  readonly jsonrpc: '2.0';
  readonly id: string | number | null;
  readonly error: { readonly code: number; readonly message: string };
}

const fault = (code: number, message: string, id: Fault['id'] = null): Fault => ({
  jsonrpc: '2.0',
  id,
  error: { code, message },
});

/** The lines of this stream that are messages. Others go to `answer`, which is waited for. */
export function messagesOf(input: Readable, answer: (fault: Fault) => Promise<void>): Readable {
  let held: Buffer[] = [];
  let size = 0;
  const lines = new Transform({
    async transform(chunk: Buffer, _, done) {
      for (let at = 0; at < chunk.length; ) {
        const end = chunk.indexOf('\n', at);
        const part = chunk.subarray(at, end < 0 ? chunk.length : end);
        at += part.length + 1;
        const before = size;
        size += part.length;
        // Of a line that is too long nothing is held, and it is answered once.
        if (size <= mostLineBytes) held.push(part);
        else held = [];
        const wrong =
          before <= mostLineBytes && size > mostLineBytes
            ? fault(invalidRequest, messageFault.tooLong(mostLineBytes))
            : null;
        if (wrong) await answer(wrong);
        if (end < 0) continue;
        const line = Buffer.concat(held);
        const whole = size <= mostLineBytes;
        held = [];
        size = 0;
        const found = whole ? faultOf(line) : undefined;
        if (found === null) this.push(Buffer.concat([line, newline]));
        else if (found) await answer(found);
      }
      done();
    },
  });
  input.on('error', () => lines.end());
  return input.pipe(lines);
}

const newline = Buffer.from('\n');
const utf8 = new TextDecoder('utf-8', { fatal: true });

/** What is wrong with a line; null for a message, undefined for an empty line. */
function faultOf(line: Buffer): Fault | null | undefined {
  let value: unknown;
  try {
    const text = utf8.decode(line);
    if (text.trim() === '') return undefined;
    if (isTooDeep(text)) return fault(invalidRequest, messageFault.tooDeep(mostNested));
    value = JSON.parse(text);
  } catch {
    return fault(parseError, messageFault.noJson);
  }
  if (Array.isArray(value)) return fault(invalidRequest, messageFault.batch);
  try {
    deserializeMessage(line.toString());
    return null;
  } catch {
    return fault(invalidRequest, messageFault.noMessage, idOf(value));
  }
}

function idOf(value: unknown): Fault['id'] {
  const { id } = (value ?? {}) as { id?: unknown };
  return typeof id === 'string' || Number.isSafeInteger(id) ? (id as string | number) : null;
}

/** Whether brackets that are in no string go deeper than allowed. */
function isTooDeep(text: string): boolean {
  let depth = 0;
  let quoted = false;
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (quoted) {
      if (char === '\\') at++;
      else if (char === '"') quoted = false;
    } else if (char === '"') quoted = true;
    else if (char === '{' || char === '[') {
      if (++depth > mostNested) return true;
    } else if (char === '}' || char === ']') depth--;
  }
  return false;
}
