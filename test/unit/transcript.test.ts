import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type Digest,
  digest,
  digestBatch,
  emptyDigest,
  isHumanPrompt,
  keep,
  withoutPasteTags,
} from '../../src/core/transcript.ts';
import { hostileText } from '../support/hostile.ts';
import { recorded } from '../support/world.ts';

const sample = readFileSync(join(import.meta.dirname, '..', 'fixtures', 'transcript.sample.jsonl'), 'utf8');

type Json = Record<string, unknown>;
const jsonl = (...lines: Json[]): string => lines.map((line) => `${JSON.stringify(line)}\n`).join('');
const user = (content: unknown, more: Json = {}): Json => ({
  type: 'user',
  message: { role: 'user', content },
  ...more,
});
const human = (content: unknown): Json => user(content, { origin: { kind: 'human' } });
const assistant = (...content: Json[]): Json => ({
  type: 'assistant',
  message: { role: 'assistant', content },
});
const says = (text: string): Json => assistant({ type: 'text', text });
const calls = (name: string, id: string, input: Json): Json =>
  assistant({ type: 'tool_use', id, name, input });
const result = (id: string, content: unknown, is_error = false): Json =>
  user([{ type: 'tool_result', tool_use_id: id, content, is_error }]);
const read = (...lines: Json[]): Digest => digest(emptyDigest, jsonl(...lines));

/** Reads in pieces of whole lines, cut after these lines. */
function inPieces(text: string, cuts: readonly number[]): Digest {
  const lines = text.split(/(?<=\n)/);
  const bounds = [...new Set([0, ...cuts.map((cut) => cut % (lines.length + 1)), lines.length])].sort(
    (a, b) => a - b,
  );
  return bounds
    .slice(1)
    .reduce((before, end, index) => digest(before, lines.slice(bounds[index], end).join('')), emptyDigest);
}

describe('the recorded transcript', () => {
  const read = digest(emptyDigest, sample);

  test('its first prompt is what the human typed first', () => {
    expect(read.firstPrompt).toBe('add a hello file');
  });

  test('its latest prompt is a human one: no notification, no summary, no output of a local command', () => {
    expect(isHumanPrompt(read.latestPrompt)).toBe(true);
    expect(read.latestPrompt).toMatch(/^RUNTOOL/);
  });

  test('knows the file that was written', () => {
    expect(read.files).toEqual(['/home/dev/shop/hello.txt']);
  });

  test('knows the last words', () => {
    expect(read.lastSaid).toBe('STUB-REPLY ok.');
  });

  test('read in any pieces gives the same as read at once', () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 200 }), { maxLength: 12 }), (cuts) => {
        expect(inPieces(sample, cuts)).toEqual(read);
      }),
      { numRuns: 300 },
    );
  });

  test('a line torn anywhere costs that line only', () => {
    const lines = sample.trimEnd().split('\n');
    for (let at = 0; at < lines.length; at++) {
      const torn = lines.with(at, lines[at]!.slice(0, Math.floor(lines[at]!.length / 2)));
      const without = lines.toSpliced(at, 1);
      expect(digest(emptyDigest, torn.join('\n'))).toEqual(digest(emptyDigest, without.join('\n')));
    }
  });
});

/** A made-up transcript: every call has its own id, results come in any order, some never. */
const anyTranscript: fc.Arbitrary<string> = fc
  .array(
    fc.record({
      kind: fc.constantFrom(
        'prompt',
        'say',
        'write',
        'bash',
        'create',
        'update',
        'todos',
        'ask',
        'result',
        'noise',
      ),
      text: fc.constantFrom(
        'npm test',
        'fix it',
        'Which one?',
        'a\nb',
        'git commit -m x',
        '<task-notification>\nx',
      ),
      pick: fc.nat({ max: 80 }),
      failed: fc.boolean(),
    }),
    { maxLength: 160 },
  )
  .map((steps) =>
    steps
      .map(({ kind, text, pick, failed }, index): string => {
        const id = `call-${index}`;
        const line: Json | string =
          kind === 'prompt'
            ? human(`${text} ${index}`)
            : kind === 'say'
              ? says(`${text} ${index}`)
              : kind === 'write'
                ? calls('Write', id, { file_path: `/shop/${pick}.ts` })
                : kind === 'bash'
                  ? calls('Bash', id, { command: `${text} # test ${index}` })
                  : kind === 'create'
                    ? calls('TaskCreate', id, { subject: `${text} ${index}` })
                    : kind === 'update'
                      ? calls('TaskUpdate', id, { taskId: String(pick), status: 'completed' })
                      : kind === 'todos'
                        ? calls('TodoWrite', id, {
                            todos: Array.from({ length: pick }, (_, n) => ({
                              content: `${n}`,
                              status: 'pending',
                            })),
                          })
                        : kind === 'ask'
                          ? calls('AskUserQuestion', id, { questions: [{ question: `${text} ${index}` }] })
                          : kind === 'result'
                            ? result(
                                `call-${Math.max(0, index - (pick % 30))}`,
                                `Task #${pick} done\nlast line`,
                                failed,
                              )
                            : '{"type":"user","message":';
        return typeof line === 'string' ? `${line}\n` : jsonl(line);
      })
      .join(''),
  );

test('any transcript read in any pieces gives the same as read at once', () => {
  fc.assert(
    fc.property(anyTranscript, fc.array(fc.nat({ max: 200 }), { maxLength: 20 }), (text, cuts) => {
      expect(inPieces(text, cuts)).toEqual(digest(emptyDigest, text));
    }),
    { numRuns: 500 },
  );
});

test('more open questions than are kept: in pieces as at once', () => {
  const text = jsonl(
    ...Array.from({ length: 10 }, (_, n) =>
      calls('AskUserQuestion', `q${n}`, { questions: [{ question: `Which ${n}?` }] }),
    ),
    ...Array.from({ length: 5 }, (_, n) => result(`q${9 - n}`, 'this one')),
  );
  expect(inPieces(text, [10])).toEqual(digest(emptyDigest, text));
});

test('no text whatever makes it throw, and it stays small', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.oneof(
          fc.json(),
          hostileText(10),
          fc.constant('{"type":"user","message":{"content":[null,5,{"type":"text","text":7}]}}'),
        ),
        { maxLength: 30 },
      ),
      (lines) => {
        expect(JSON.stringify(digest(emptyDigest, lines.join('\n'))).length).toBeLessThan(100_000);
      },
    ),
    { numRuns: 500 },
  );
});

test('fields of any type in known lines never make it throw', () => {
  const value = fc.jsonValue();
  const block = fc.record({
    type: fc.constantFrom('text', 'tool_use', 'tool_result'),
    name: fc.oneof(
      fc.constantFrom('Write', 'Bash', 'TodoWrite', 'TaskCreate', 'TaskUpdate', 'AskUserQuestion'),
      value,
    ),
    id: value,
    input: fc.oneof(
      value,
      fc.record({
        todos: fc.array(value),
        questions: fc.array(value),
        command: value,
        file_path: value,
        subject: value,
      }),
    ),
    text: value,
    tool_use_id: value,
    content: value,
    is_error: value,
  });
  const line = fc.record({
    type: fc.constantFrom('user', 'assistant'),
    isMeta: value,
    origin: value,
    message: fc.oneof(value, fc.record({ content: fc.oneof(value, fc.array(fc.oneof(block, value))) })),
  });
  fc.assert(
    fc.property(fc.array(line, { maxLength: 10 }), (lines) => {
      const read = digest(emptyDigest, jsonl(...(lines as Json[])));
      for (const text of [read.firstPrompt, read.latestPrompt, read.lastSaid, ...read.files])
        expect(typeof text).toBe('string');
    }),
    { numRuns: 500 },
  );
});

describe('todos', () => {
  test('TodoWrite replaces the list', () => {
    const { todos } = read(
      calls('TodoWrite', 'a', { todos: [{ content: 'old', status: 'pending' }] }),
      calls('TodoWrite', 'b', {
        todos: [
          { content: 'one', status: 'completed' },
          { content: 'two', status: 'in_progress' },
        ],
      }),
    );
    expect(todos.map(({ text, status }) => [text, status])).toEqual([
      ['one', 'completed'],
      ['two', 'in_progress'],
    ]);
  });

  test('TaskCreate gets its number from the result, and TaskUpdate finds it by that', () => {
    const { todos } = read(
      calls('TaskCreate', 'a', { subject: 'write the test' }),
      calls('TaskCreate', 'b', { subject: 'run it' }),
      result('a', 'Task #1 created successfully: write the test'),
      result('b', [{ type: 'text', text: 'Task #2 created successfully: run it' }]),
      calls('TaskUpdate', 'c', { taskId: '2', status: 'in_progress' }),
      calls('TaskUpdate', 'd', { taskId: '1', status: 'completed', subject: 'write two tests' }),
    );
    expect(todos.map(({ id, text, status }) => [id, text, status])).toEqual([
      ['1', 'write two tests', 'completed'],
      ['2', 'run it', 'in_progress'],
    ]);
  });

  test('an update of a task nobody knows changes nothing', () => {
    expect(read(calls('TaskUpdate', 'c', { taskId: '9', status: 'completed' })).todos).toEqual([]);
  });

  test('are redacted and cut', () => {
    const { todos } = read(
      calls('TaskCreate', 'a', { subject: `use password=hunter2hunter2 ${'x'.repeat(500)}` }),
    );
    expect(todos[0]!.text).not.toContain('hunter2');
    expect(todos[0]!.text.length).toBeLessThanOrEqual(200);
  });
});

describe('commands', () => {
  test.each([
    ['npm test', true],
    ['npx vitest run', true],
    ['cd api && pytest -q', true],
    ['cargo build --release', true],
    ['go vet ./...', true],
    ['git commit -m "x"', true],
    ['git -C shop push origin main', true],
    ['make', true],
    ['git status --short', false],
    ['ls -la', false],
    ['cat latest.txt', false],
    ['git log --oneline', false],
  ])('%s matters: %s', (command, matters) => {
    expect(read(calls('Bash', 'a', { command })).commands.length).toBe(matters ? 1 : 0);
  });

  test('carry their outcome and their last line', () => {
    const { commands } = read(
      calls('Bash', 'a', { command: 'npm test' }),
      calls('Bash', 'b', { command: 'npm run build' }),
      calls('Bash', 'c', { command: 'npm run lint' }),
      result('a', 'Exit code 1\n3 passed\n1 failed\n', true),
      result('b', [{ type: 'text', text: 'built in 2 s' }]),
    );
    expect(commands.map(({ command, outcome, said }) => [command, outcome, said])).toEqual([
      ['npm test', 'failed', '1 failed'],
      ['npm run build', 'ok', 'built in 2 s'],
      ['npm run lint', 'running', ''],
    ]);
  });

  test('of a subagent count as work', () => {
    const { files } = read({ ...calls('Write', 'a', { file_path: '/shop/a.ts' }), isSidechain: true });
    expect(files).toEqual(['/shop/a.ts']);
  });
});

describe('prompts', () => {
  test.each([
    '<task-notification>\n<task-id>a</task-id>\n</task-notification>',
    '<agent-message from="x">hi</agent-message>',
    '<teammate-message teammate_id="x">hi</teammate-message>',
    '<cross-session-message from="x">hi</cross-session-message>',
    '<command-name>/compact</command-name>',
    '<local-command-stdout>ok</local-command-stdout>',
    '<local-command-caveat>The command below</local-command-caveat>',
    '<bash-input>ls</bash-input>',
    '<system-reminder>x</system-reminder>',
    '[Request interrupted by user]',
    'This session is being continued from a previous conversation that ran out of context.',
    'Caveat: The messages below were generated by the user while running local commands.',
    '   ',
    '',
  ])('not from a human: %j', (prompt) => {
    expect(isHumanPrompt(prompt)).toBe(false);
    expect(read(user(prompt)).latestPrompt).toBe('');
  });

  test.each([
    'add a hello file',
    '<div> is not closed',
    'Why <T>?',
    '# heading',
    '/review the last commit',
    '<my-element> looks wrong',
  ])('from a human: %j', (prompt) => {
    expect(isHumanPrompt(prompt)).toBe(true);
    expect(read(user(prompt)).latestPrompt).toBe(prompt);
  });

  test('with the time at which they were given, where the line says it', () => {
    const at = (timestamp: Json) => read({ ...human('one'), ...timestamp }).latestPromptAt;
    expect(at({ timestamp: '2026-11-22T08:38:47.474Z' })).toBe(Date.UTC(2026, 10, 22, 8, 38, 47, 474));
    expect([at({}), at({ timestamp: 'soon' }), at({ timestamp: 7 })]).toEqual([0, 0, 0]);
    const queued = {
      type: 'attachment',
      timestamp: '2026-11-22T08:38:47.474Z',
      attachment: { type: 'queued_command', prompt: 'and this' },
    };
    expect(read(queued)).toMatchObject({
      latestPrompt: 'and this',
      latestPromptAt: Date.UTC(2026, 10, 22, 8, 38, 47, 474),
    });
  });

  test('the recorded notification is none, the recorded prompt is one', () => {
    expect(isHumanPrompt(String(recorded('UserPromptSubmit.task-notification').prompt))).toBe(false);
    expect(isHumanPrompt(String(recorded('UserPromptSubmit').prompt))).toBe(true);
  });

  test.each<[string, Json]>([
    ['said by the client itself', { isMeta: true }],
    ['inside a subagent', { isSidechain: true }],
    ['from a schedule', { origin: { kind: 'schedule' } }],
  ])('%s do not count', (_what, more) => {
    expect(read(human('first'), user('other', more)).latestPrompt).toBe('first');
  });

  test('the first stays, the latest moves', () => {
    const { firstPrompt, latestPrompt } = read(
      human('one'),
      human([{ type: 'text', text: 'two' }]),
      human('three'),
    );
    expect([firstPrompt, latestPrompt]).toEqual(['one', 'three']);
  });
});

test('questions are open until they are answered', () => {
  const asks = calls('AskUserQuestion', 'a', {
    questions: [{ question: 'Which colour?' }, { question: 'Which size?' }],
  });
  expect(read(asks).asked.map(({ text }) => text)).toEqual(['Which colour?', 'Which size?']);
  expect(read(asks, result('a', 'blue, large')).asked).toEqual([]);
});

test('what a subagent says is not what the session said', () => {
  expect(read(says('mine'), { ...says('theirs'), isSidechain: true }).lastSaid).toBe('mine');
});

test('everything is capped', () => {
  const many = Array.from({ length: 500 }, (_, n) => n);
  const long = 'word '.repeat(5000);
  const full = read(
    human(long),
    ...many.flatMap((n) => [
      calls('Write', `w${n}`, { file_path: `/shop/${n}/${'d'.repeat(600)}` }),
      calls('Bash', `b${n}`, { command: `npm test ${long}` }),
      result(`b${n}`, long),
      calls('TaskCreate', `t${n}`, { subject: long }),
      calls('AskUserQuestion', `q${n}`, { questions: [{ question: long }] }),
    ]),
    says(long),
  );
  expect([full.files.length, full.commands.length, full.todos.length, full.asked.length]).toEqual([
    60, 12, 40, 8,
  ]);
  expect(full.firstPrompt.length).toBeLessThanOrEqual(1000);
  expect(full.lastSaid.length).toBeLessThanOrEqual(4000);
  expect(full.commands.at(-1)!.call).toBe('b499');
  expect(JSON.stringify(full).length).toBeLessThan(80_000);
});

test('secrets never get into it', () => {
  const secret = `ghp_${'aB3dE5'.repeat(6)}`;
  const full = read(
    human(`use ${secret}`),
    says(`I used ${secret}`),
    calls('Bash', 'a', { command: `TOKEN=${secret} npm test` }),
    result('a', `failed with ${secret}`, true),
    calls('TaskCreate', 'b', { subject: `rotate ${secret}` }),
    calls('AskUserQuestion', 'c', { questions: [{ question: `Is ${secret} right?` }] }),
    calls('Write', 'd', { file_path: `/shop/${secret}.txt` }),
  );
  expect(JSON.stringify(full)).not.toContain(secret);
});

describe('a batch of tool calls as the hook tells it', () => {
  test('the recorded one', () => {
    const read = digestBatch(emptyDigest, recorded('PostToolBatch').tool_calls as unknown[]);
    expect(read.files).toEqual(['/home/dev/shop/hello.txt']);
  });

  test('told by the hook and read in the transcript counts once', () => {
    const batch = [
      {
        tool_name: 'Bash',
        tool_input: { command: 'npm test' },
        tool_use_id: 'a',
        tool_response: { stdout: 'ok', stderr: '' },
      },
    ];
    const after = digest(
      digestBatch(emptyDigest, batch),
      jsonl(calls('Bash', 'a', { command: 'npm test' }), result('a', 'Exit code 1', true)),
    );
    expect(after.commands.map(({ outcome }) => outcome)).toEqual(['failed']);
  });

  test.each<[string, unknown, string]>([
    ['a text that begins with an exit code', 'Exit code 1\n1 failed', 'failed'],
    ['an error text', 'Error: no such file', 'failed'],
    ['streams', { stdout: '4 passed', stderr: '' }, 'ok'],
    ['exit code 0', 'Exit code 0', 'ok'],
    ['nothing', undefined, 'ok'],
  ])('%s', (_what, tool_response, outcome) => {
    const { commands } = digestBatch(emptyDigest, [
      { tool_name: 'Bash', tool_input: { command: 'npm test' }, tool_use_id: 'a', tool_response },
    ]);
    expect(commands.map((command) => command.outcome)).toEqual([outcome]);
  });

  test('no calls whatever make it throw', () => {
    fc.assert(fc.property(fc.array(fc.jsonValue()), (batch) => void digestBatch(emptyDigest, batch)));
  });
});

test('kept text is redacted before it is cut, and trimmed', () => {
  const secret = `ghp_${'aB3dE5'.repeat(6)}`;
  expect(keep(`  ${'x'.repeat(80)} ${secret}  `, 100)).toBe(`${'x'.repeat(80)} [redacted]`);
});

test.each([
  ['<pasted_content id="1">line one\nline two</pasted_content>\nFix this', 'Fix this\n\nline one\nline two'],
  [
    'Fix <pasted_content id="a1" lines="3">x</pasted_content> and <pasted_content>y</pasted_content>',
    'Fix   and\n\nx\n\ny',
  ],
  ['<pasted_content id="1">only this', 'only this'],
  ['say <pasted> nothing', 'say <pasted> nothing'],
])('of a prompt with a paste, what was typed comes first: %j', (prompt, expected) => {
  expect(withoutPasteTags(prompt)).toBe(expected);
});
