/**
 * The tools as a client sees them. Every answer is a text, and the same text with a few facts as structured content: some clients,
 * Claude Code among them, give the model only the latter.
 */
import { about } from '../messages/mcp.ts';

const text = (description?: string) => ({ type: 'string', ...(description ? { description } : {}) }) as const;
const whole = { type: 'integer' } as const;
const role = { type: 'string', enum: ['master', 'worker'] } as const;
const none = { type: 'object', properties: {}, additionalProperties: false } as const;

/** What every answer holds, and what is added to it. */
const answer = (facts: Record<string, object>, required: readonly string[] = []) =>
  ({ type: 'object', properties: { ...facts, text: text() }, required: ['text', ...required] }) as const;

const standing = answer({
  role,
  epoch: whole,
  seq: whole,
  sessions: whole,
  master: { type: ['string', 'null'] },
});

const reads = { readOnlyHint: true, openWorldHint: false } as const;
/** Nothing of anybody else is changed, and doing it twice is doing it once. */
const writes = {
  readOnlyHint: false,
  destructiveHint: false,
  idempotentHint: true,
  openWorldHint: false,
} as const;

/** Names, descriptions and shapes; what they do is in `server.ts`. */
export const tools = {
  join: {
    title: about.join.title,
    description: about.join.description,
    input: { type: 'object', properties: { goal: text(about.join.goal) }, additionalProperties: false },
    output: standing,
    annotations: writes,
  },
  whoami: {
    title: about.whoami.title,
    description: about.whoami.description,
    input: none,
    output: standing,
    annotations: reads,
  },
  roster: {
    title: about.roster.title,
    description: about.roster.description,
    input: none,
    output: answer(
      {
        epoch: whole,
        members: {
          type: 'array',
          items: {
            type: 'object',
            properties: { name: text(), role, seq: whole, liveness: text(), self: { type: 'boolean' } },
            required: ['name', 'role', 'seq', 'liveness', 'self'],
          },
        },
      },
      ['epoch', 'members'],
    ),
    annotations: reads,
  },
  handoff_read: {
    title: about.handoffRead.title,
    description: about.handoffRead.description,
    input: { type: 'object', properties: { id: text(about.handoffRead.id) }, additionalProperties: false },
    output: answer({ id: { type: ['string', 'null'] } }, ['id']),
    annotations: reads,
  },
  handoff_write: {
    title: about.handoffWrite.title,
    description: about.handoffWrite.description,
    input: {
      type: 'object',
      properties: {
        goal: text(about.handoffWrite.goal),
        done: text(about.handoffWrite.done),
        next: text(about.handoffWrite.next),
        questions: { type: 'array', items: text(), description: about.handoffWrite.questions },
      },
      required: ['goal', 'done', 'next'],
      additionalProperties: false,
    },
    output: answer({ id: text(), place: text() }),
    annotations: writes,
  },
  leave: {
    title: about.leave.title,
    description: about.leave.description,
    input: none,
    output: answer({}),
    annotations: writes,
  },
} as const;
