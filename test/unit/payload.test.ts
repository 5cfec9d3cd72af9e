import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { renderOutput } from '../../src/claude/output.ts';
import { causeOf, type HookEvent, parsePayload } from '../../src/claude/payload.ts';
import { hostileText } from '../support/hostile.ts';
import { recorded } from '../support/world.ts';

const events: HookEvent[] = [
  'SessionStart',
  'UserPromptSubmit',
  'PostToolBatch',
  'PostCompact',
  'Stop',
  'SessionEnd',
];

describe('the input of a hook', () => {
  const names = readdirSync(join(import.meta.dirname, '..', 'fixtures', 'payloads')).map((name) =>
    name.replace(/\.json$/, ''),
  );

  test.each(names)('%s as recorded', (name) => {
    const payload = recorded(name);
    expect(parsePayload(JSON.stringify(payload))).toEqual({
      sessionId: payload.session_id,
      transcriptPath: payload.transcript_path,
      cwd: payload.cwd,
      promptId: payload.prompt_id ?? '',
      agentId: payload.agent_id ?? '',
      source: payload.source ?? '',
      reason: payload.reason ?? '',
      prompt: payload.prompt ?? '',
      lastAssistantMessage: payload.last_assistant_message ?? '',
      compactSummary: payload.compact_summary ?? '',
      sessionTitle: '',
      toolCalls: payload.tool_calls ?? [],
      sinceLastResponse: payload.seconds_since_last_response ?? null,
      scheduled: [],
    });
  });

  test.each([
    '',
    ' ',
    'x',
    '5',
    '"x"',
    'null',
    '[]',
    '[{}]',
    '{',
    '{"a":1}{"b":2}',
    '{"a":1',
    'undefined',
    '\u0000',
  ])('%j is none', (text) => {
    expect(parsePayload(text)).toBeNull();
  });

  test('a byte order mark and white space around it do no harm', () => {
    expect(parsePayload('\ufeff {"session_id":"a"}\r\n')?.sessionId).toBe('a');
  });

  test('fields of a wrong type count as missing', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const fields = [
          'session_id',
          'transcript_path',
          'cwd',
          'prompt_id',
          'agent_id',
          'source',
          'reason',
          'prompt',
          'tool_calls',
          'seconds_since_last_response',
          'session_crons',
        ];
        const { toolCalls, sinceLastResponse, scheduled, ...texts } = parsePayload(
          JSON.stringify(Object.fromEntries(fields.map((name) => [name, value]))),
        )!;
        expect(Array.isArray(toolCalls)).toBe(true);
        // JSON knows no negative zero.
        expect(sinceLastResponse).toBe(typeof value === 'number' ? value + 0 : null);
        for (const prompt of scheduled) expect(typeof prompt).toBe('string');
        for (const text of Object.values(texts)) expect(typeof text).toBe('string');
        if (typeof value !== 'string') expect(new Set(Object.values(texts))).toEqual(new Set(['']));
      }),
    );
  });

  test('prompts that are scheduled are known from a stop', () => {
    const session_crons = [{ id: '1', prompt: 'check the build' }, { id: '2' }, null, 'x', { prompt: 5 }];
    expect(parsePayload(JSON.stringify({ session_crons }))?.scheduled).toEqual(['check the build']);
  });

  test('fields nobody knows are left alone, also those of a prototype', () => {
    expect(parsePayload('{"__proto__":{"cwd":"/evil"},"constructor":1,"cwd":"/shop"}')?.cwd).toBe('/shop');
    expect(parsePayload('{"__proto__":{"cwd":"/evil"}}')?.cwd).toBe('');
  });
});

test.each([
  ['startup', 'startup'],
  ['resume', 'resume'],
  ['fork', 'fork'],
  ['clear', 'late'],
  ['compact', 'late'],
  ['', 'late'],
  ['something new', 'late'],
])('a session start by %j joins as %s', (source, cause) => {
  expect(causeOf(source)).toBe(cause);
});

describe('the output of a hook', () => {
  test.each(events)('%s with nothing to say prints nothing', (event) => {
    for (const output of [{}, { context: '' }, { notice: '' }]) expect(renderOutput(event, output)).toBe('');
  });

  test.each(['SessionStart', 'UserPromptSubmit', 'PostToolBatch'] as const)(
    '%s carries context where the client reads it',
    (event) => {
      expect(JSON.parse(renderOutput(event, { context: 'x' }))).toEqual({
        hookSpecificOutput: { hookEventName: event, additionalContext: 'x' },
      });
    },
  );

  test.each(['Stop', 'SessionEnd', 'PostCompact'] as const)('%s never carries context', (event) => {
    expect(renderOutput(event, { context: 'x' })).toBe('');
  });

  test.each(['SessionStart', 'UserPromptSubmit', 'PostToolBatch'] as const)(
    '%s carries a notice for the user',
    (event) => {
      expect(JSON.parse(renderOutput(event, { notice: 'x' }))).toEqual({ systemMessage: 'x' });
    },
  );

  test('is one object within the limit of the client, for any text', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...events),
        hostileText(100),
        hostileText(100),
        (event, context, notice) => {
          const text = renderOutput(event, { context, notice });
          if (text === '') return;
          expect(text).toMatch(/^\{.*\}$/s);
          const read = JSON.parse(text);
          for (const said of [read.systemMessage ?? '', read.hookSpecificOutput?.additionalContext ?? ''])
            expect(said.length).toBeLessThanOrEqual(10_000);
        },
      ),
    );
    expect(
      JSON.parse(renderOutput('SessionStart', { context: 'x'.repeat(50_000) })).hookSpecificOutput
        .additionalContext.length,
    ).toBeLessThanOrEqual(10_000);
  });
});
