/** The server on stdio: tools for clients and settings in which hooks cannot run. */
import {
  type CallToolResult,
  fromJsonSchema,
  type JSONRPCErrorResponse,
  McpServer,
} from '@modelcontextprotocol/server';
import { StdioServerTransport, serveStdio } from '@modelcontextprotocol/server/stdio';
import { roleOf } from '../core/election.ts';
import type { OwnWords } from '../core/handoff.ts';
import { displayName } from '../core/member.ts';
import { messageOf } from '../core/message-of.ts';
import { visible } from '../core/quote.ts';
import { inOwnWords } from '../flows/hand-off.ts';
import { atQuestion, brief } from '../flows/orient.ts';
import { readHandoff } from '../flows/read-handoff.ts';
import {
  foundText,
  hasLeft,
  instructions,
  outside,
  rosterText,
  saysNothing,
  unusable,
  wasNotThere,
  written,
} from '../messages/mcp.ts';
import { messagesOf, mostLineBytes } from './lines.ts';
import { NoSeatError, type Present, Seat, showUp } from './seat.ts';
import { tools } from './tools.ts';

declare const __VERSION__: string;

const closeMs = 3_000;

type Facts = Record<string, unknown>;
type Answer = readonly [text: string, facts?: Facts];

/** Far more than a handoff has room for; the rest is not even looked at. */
const mostChars = 100_000;
const mostQuestions = 100;
const bounded = (text = ''): string => text.slice(0, mostChars);

const words = (given: Partial<OwnWords>): OwnWords => ({
  goal: bounded(given.goal),
  done: bounded(given.done),
  next: bounded(given.next),
  questions: (given.questions ?? []).slice(0, mostQuestions).map(bounded),
});

const standing = ({ session, roster, membership }: Present): Facts =>
  membership
    ? {
        role: roleOf(roster, session.self.id),
        epoch: roster.epoch,
        seq: membership.me.seq,
        sessions: roster.members.length,
        master: roster.master && displayName(roster.master),
      }
    : { sessions: roster.members.length };

async function join(present: Present, goal: string): Promise<Answer> {
  const { session, membership } = present;
  if (!membership) return [outside(present.roster)];
  const { conversation } = session.notebook;
  if (goal) {
    await inOwnWords(session, membership, { ...words(conversation.words ?? {}), goal });
    await showUp(session, membership);
  }
  return [await brief(session, membership), standing(present)];
}

async function whoami(present: Present): Promise<Answer> {
  const { session, roster, membership } = present;
  return [membership ? await atQuestion(session, membership) : outside(roster), standing(present)];
}

async function roster({ session, roster }: Present): Promise<Answer> {
  const members = roster.members.map((member) => ({
    name: displayName(member),
    role: roleOf(roster, member.birth.id),
    seq: member.seq,
    liveness: member.liveness,
    self: member.birth.id === session.self.id,
  }));
  return [rosterText(roster, session.self.id, session.observer.now), { epoch: roster.epoch, members }];
}

async function handoffRead({ session, membership }: Present, id: string | undefined): Promise<Answer> {
  const found = await readHandoff(session, membership, id);
  return [foundText(found, id, session.observer.now), { id: found.shown?.head.id ?? null }];
}

async function handoffWrite({ session, roster, membership }: Present, said: OwnWords): Promise<Answer> {
  if (!membership) return [outside(roster)];
  if (![said.goal, said.done, said.next].some((text) => text.trim())) return [saysNothing];
  const id = await inOwnWords(session, membership, said);
  await showUp(session, membership);
  const place = session.store.handoffPlace(id);
  return [written(id, place), { id, place }];
}

/** Facts as they may be shown: no string in them holds what nobody sees. */
const seen = (facts: object): object =>
  JSON.parse(JSON.stringify(facts), (_, value: unknown) =>
    typeof value === 'string' ? visible(value) : value,
  );

/** An answer, or the sentence that says why there is none. */
async function answered(seat: Seat, ask: () => Promise<Answer>): Promise<CallToolResult> {
  try {
    const [said, facts = {}] = await ask();
    const text = visible([seat.takeNotice(), said].filter(Boolean).join('\n\n'));
    return { content: [{ type: 'text', text }], structuredContent: { ...seen(facts), text } };
  } catch (cause) {
    const reason = messageOf(cause);
    const text = visible(cause instanceof NoSeatError ? reason : unusable(reason));
    return { content: [{ type: 'text', text }], isError: true };
  }
}

function serverFor(seat: Seat): McpServer {
  const server = new McpServer({ name: 'flowloom', version: __VERSION__ }, { instructions });
  const add = <Input>(name: keyof typeof tools, ask: (input: Input) => Promise<Answer>): void => {
    const { title, description, input, output, annotations } = tools[name];
    const shape = {
      title,
      description,
      inputSchema: fromJsonSchema<Input>(input as object),
      outputSchema: fromJsonSchema(output as object),
      annotations,
    };
    server.registerTool(name, shape, (given: Input) => answered(seat, () => ask(given)));
  };
  add<{ goal?: string }>('join', ({ goal = '' }) =>
    seat.use((present) => join(present, bounded(goal)), { again: true }),
  );
  add('whoami', () => seat.use(whoami));
  add('roster', () => seat.use(roster));
  add<{ id?: string }>('handoff_read', ({ id }) => seat.use((present) => handoffRead(present, id)));
  add<Partial<OwnWords>>('handoff_write', (said) =>
    seat.use((present) => handoffWrite(present, words(said))),
  );
  add('leave', async () => {
    const { was, hooks } = await seat.leave();
    return [was ? hasLeft(hooks) : wasNotThere];
  });
  return server;
}

/**
 * Serves until the client closes its end or sends a signal, which Claude Code does: SIGINT, and SIGTERM a tenth of a second later.
 * Who the client is never comes from the connection: in the newer protocol there is none to speak of.
 */
export function serve(): void {
  const seat = new Seat(process.env);
  const transport: StdioServerTransport = new StdioServerTransport(
    // A client that is gone meanwhile gets no answer.
    messagesOf(process.stdin, (fault) => transport.send(fault as JSONRPCErrorResponse).catch(() => {})),
    process.stdout,
    // What comes through is a line at most.
    { maxBufferSize: 2 * mostLineBytes },
  );
  serveStdio(() => serverFor(seat), { transport });
  const { onmessage, onclose } = transport;
  transport.onmessage = (message) => {
    seat.wake();
    onmessage?.(message);
  };
  let ending = false;
  const end = (): void => {
    if (ending) return;
    ending = true;
    void seat.close().finally(() => process.exit(0));
    // Whatever a store waits for, nobody waits for this server.
    setTimeout(() => process.exit(0), closeMs);
  };
  transport.onclose = () => {
    onclose?.();
    end();
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, end);
}
