import { randomUUID } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/**
 * A stand-in for the Messages API on loopback. It knows no model: the last message of the person decides the reply.
 *
 *     RUNTOOL <Name> {json} END   one call of that tool with that input; the turn then ends with "STUB-REPLY ok."
 *     SAY <text> END              that text
 *     anything else               "STUB-REPLY ok."
 *
 * Every request is kept, because a request holds exactly what the model would have seen.
 */
export type StubApi = {
  readonly url: string;
  /** Every request to `/v1/messages`, oldest first. */
  readonly requests: readonly RecordedRequest[];
  /** All text in the messages of all roles, oldest request first. With a session id, of that session's requests only. */
  contextsSeen(sessionId?: string): string[];
  /** The requests of one session that offer tools: the conversation itself, without the client's own side questions. */
  turns(sessionId: string): RecordedRequest[];
  /** Resolves with the first truthy answer of `ask`, which is asked again after each request. */
  waitFor<T>(
    ask: (api: StubApi) => T | undefined | null | false,
    what: string,
    timeoutMs?: number,
  ): Promise<T>;
  close(): Promise<void>;
};

export type RecordedRequest = {
  readonly at: number;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: MessagesRequest;
  /**
   * The session that sent the request: the header `x-claude-code-session-id`, or else `session_id` inside the JSON text
   * that the client puts into `metadata.user_id`. Both hold the id that hooks get as `session_id`.
   */
  readonly sessionId: string | null;
};

type MessagesRequest = {
  model?: string;
  stream?: boolean;
  system?: unknown;
  messages: Message[];
  tools?: { name: string }[];
  metadata?: { user_id?: string };
};

type Message = { role: string; content: string | Block[] };
type Block = { type: string; text?: string; content?: unknown; [key: string]: unknown };
type Reply = { text: string; tool?: { name: string; input: unknown } };

export async function startStubApi(): Promise<StubApi> {
  const requests: RecordedRequest[] = [];
  const listeners = new Set<() => void>();

  const server = createServer((request, response) => {
    answer(request, response, (recorded) => {
      requests.push(recorded);
      for (const listener of listeners) listener();
    }).catch((error) => {
      if (!response.headersSent) response.writeHead(500);
      response.end(String(error));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;

  const api: StubApi = {
    url: `http://127.0.0.1:${port}`,
    requests,
    contextsSeen(sessionId) {
      return requests
        .filter((request) => sessionId === undefined || request.sessionId === sessionId)
        .flatMap((request) => textsOf(request));
    },
    turns(sessionId) {
      return requests.filter((request) => request.sessionId === sessionId && isTurn(request));
    },
    waitFor(ask, what, timeoutMs = 30_000) {
      return new Promise((resolve, reject) => {
        const check = () => {
          const found = ask(api);
          if (!found) return;
          stop();
          resolve(found);
        };
        const timer = setTimeout(() => {
          stop();
          reject(new Error(`Waited ${timeoutMs} ms for ${what}. Requests so far:\n${summary(requests)}`));
        }, timeoutMs);
        const stop = () => {
          clearTimeout(timer);
          listeners.delete(check);
        };
        listeners.add(check);
        check();
      });
    },
    async close() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
  return api;
}

/** All text the model would see in the messages of one request, in order: one string for each text block. */
export function textsOf(request: RecordedRequest): string[] {
  return request.body.messages.flatMap((message) => textsIn(message.content));
}

export function textsIn(content: unknown): string[] {
  if (typeof content === 'string') return [content];
  if (!Array.isArray(content)) return [];
  return content.flatMap((block: Block) => {
    if (block.type === 'text') return [block.text ?? ''];
    if (block.type === 'tool_result') return textsIn(block.content);
    return [];
  });
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  record: (recorded: RecordedRequest) => void,
): Promise<void> {
  const path = new URL(request.url ?? '/', 'http://stub').pathname;
  const raw = await bodyOf(request);
  if (request.method === 'POST' && path === '/v1/messages/count_tokens') {
    return sendJson(response, 200, { input_tokens: 1 });
  }
  if (request.method !== 'POST' || path !== '/v1/messages') {
    return sendJson(response, 404, {
      type: 'error',
      error: { type: 'not_found_error', message: 'not stubbed' },
    });
  }
  const body = JSON.parse(raw) as MessagesRequest;
  record({
    at: Date.now(),
    path,
    headers: request.headers,
    body,
    sessionId: sessionOf(request.headers, body),
  });
  const message = messageFor(replyTo(body), body.model ?? 'stub');
  if (body.stream) sendEvents(response, message);
  else sendJson(response, 200, message);
}

function sessionOf(headers: IncomingHttpHeaders, body: MessagesRequest): string | null {
  const header = headers['x-claude-code-session-id'];
  if (typeof header === 'string') return header;
  try {
    const user = JSON.parse(body.metadata?.user_id ?? '') as { session_id?: unknown };
    return typeof user.session_id === 'string' ? user.session_id : null;
  } catch {
    return null;
  }
}

const isTurn = (request: RecordedRequest) => (request.body.tools ?? []).length > 1;

function replyTo(body: MessagesRequest): Reply {
  const last = body.messages.findLast((message) => message.role === 'user');
  const hasToolResult =
    Array.isArray(last?.content) && last.content.some((block) => block.type === 'tool_result');
  if (!last || hasToolResult) return { text: 'STUB-REPLY ok.' };
  // Hook context may follow the prompt in the same message, so the last block that holds a directive counts.
  for (const text of textsIn(last.content).reverse()) {
    const tool = /RUNTOOL (\w+) (\{.*\}) END/s.exec(text);
    if (tool) return { text: 'Calling a tool.', tool: { name: tool[1]!, input: JSON.parse(tool[2]!) } };
    const say = /SAY (.*?) END/s.exec(text);
    if (say) return { text: say[1]! };
  }
  return { text: 'STUB-REPLY ok.' };
}

function messageFor(reply: Reply, model: string) {
  const content: Block[] = [{ type: 'text', text: reply.text }];
  if (reply.tool) content.push({ type: 'tool_use', id: `toolu_${unique()}`, ...reply.tool });
  return {
    id: `msg_${unique()}`,
    type: 'message',
    role: 'assistant',
    model,
    content,
    stop_reason: reply.tool ? 'tool_use' : 'end_turn',
    stop_sequence: null,
    usage: { input_tokens: 10, output_tokens: 5, cache_creation_input_tokens: 0, cache_read_input_tokens: 0 },
  };
}

const unique = () => randomUUID().replaceAll('-', '');

function sendEvents(response: ServerResponse, message: ReturnType<typeof messageFor>): void {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
  const send = (type: string, data: object) =>
    response.write(`event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`);
  send('message_start', { message: { ...message, content: [], stop_reason: null } });
  message.content.forEach((block, index) => {
    if (block.type === 'tool_use') {
      send('content_block_start', { index, content_block: { ...block, input: {} } });
      const delta = { type: 'input_json_delta', partial_json: JSON.stringify(block.input) };
      send('content_block_delta', { index, delta });
    } else {
      send('content_block_start', { index, content_block: { type: 'text', text: '' } });
      send('content_block_delta', { index, delta: { type: 'text_delta', text: block.text } });
    }
    send('content_block_stop', { index });
  });
  const delta = { stop_reason: message.stop_reason, stop_sequence: null };
  send('message_delta', { delta, usage: { output_tokens: 5 } });
  send('message_stop', {});
  response.end();
}

function sendJson(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

function summary(requests: readonly RecordedRequest[]): string {
  return requests
    .map((request) => {
      const last = textsOf(request).at(-1) ?? '';
      return `  ${request.sessionId?.slice(0, 8) ?? '?'} (${request.body.tools?.length ?? 0} tools) … ${last.slice(-200)}`;
    })
    .join('\n');
}
