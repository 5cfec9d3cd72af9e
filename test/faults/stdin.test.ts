/** Whatever comes in on stdin, and however: exit 0 in time, one valid object or nothing. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { hookNames } from '../support/built.ts';
import { contentsBelow } from '../support/scratch.ts';
import { births, logLines } from '../support/state.ts';
import { type Fired, world, writeCall } from '../support/world.ts';

const expectWell = ({ code, signal, stderr }: Fired): void =>
  expect([code, signal, stderr]).toEqual([0, null, '']);

describe.each(hookNames)('%s', (name) => {
  test.each<[string, string | Buffer]>([
    ['nothing', ''],
    ['white space', ' \n\t '],
    ['half a payload', '{"session_id":"a","cwd":"/sh'],
    ['no JSON', 'hello'],
    ['a list', '[{"session_id":"a"}]'],
    ['a number', '5'],
    ['null', 'null'],
    ['two objects', '{"a":1}\n{"b":2}'],
    ['binary', Buffer.from(Array.from({ length: 4096 }, (_, n) => (n * 7) % 256))],
    ['UTF-16', Buffer.from('{"session_id":"a"}', 'utf16le')],
    ['deeply nested', `${'{"a":'.repeat(20_000)}1${'}'.repeat(19_999)}`],
  ])('with %s prints nothing, joins nobody and says so in one line of the log', async (_what, stdin) => {
    const { session, state, base } = world();
    const fired = await session().fire(name, { stdin });
    expectWell(fired);
    expect(fired.stdout).toBe('');
    expect(existsSync(join(state, 'seq'))).toBe(false);
    expect(logLines(base).map(({ code }) => code)).toEqual(['bad-input']);
  });
});

test('40 MB that are no JSON end in time', async () => {
  const { session } = world();
  const fired = await session().fire('user-prompt-submit', { stdin: Buffer.alloc(40 << 20, 'x') });
  expectWell(fired);
  expect(fired.stdout).toBe('');
});

test('a prompt of 5 MB is a prompt', async () => {
  const { session } = world();
  const one = session();
  await one.start();
  const fired = await one.prompt('word '.repeat(1 << 20));
  expectWell(fired);
  expect(fired.context).toMatch(/^You are master/);
});

test('a prompt of 20 MB ends in time, whatever is said', async () => {
  const { session } = world();
  expectWell(await session().prompt('x'.repeat(20 << 20)));
});

describe('a client that does not close the pipe', () => {
  test.each(hookNames)('%s works with what it has', async (name) => {
    const { session, state } = world();
    const one = session();
    if (name === 'session-end') await one.start();
    expectWell(await one.fire(name, { keepOpen: true }));
    expect(births(state)).toHaveLength(1);
  });

  test.each<[string, string]>([
    ['nothing', ''],
    ['half a payload', '{"session_id":"a"'],
  ])('after %s is not waited for', async (_what, stdin) => {
    const { session, base } = world();
    const fired = await session().fire('session-start', { stdin, keepOpen: true });
    expectWell(fired);
    expect(fired.stdout).toBe('');
    expect(logLines(base)).toHaveLength(1);
  });

  test('and closes it late is no different', async () => {
    const { session } = world();
    const fired = await session().start('startup', { closeAfter: 700 });
    expectWell(fired);
    expect(fired.context).toMatch(/^You are master/);
  });
});

test('a reader that closes stdout early is no error', async () => {
  const { session } = world();
  expectWell(await session().start('startup', { through: ['/bin/sh', '-c', '"$0" "$@" | true; exit 0'] }));
  expectWell(await session().start('startup', { through: ['/bin/sh', '-c', 'exec "$0" "$@" >&-'] }));
});

test('a byte order mark and Windows line ends do no harm', async () => {
  const { session } = world();
  const one = session();
  const fired = await one.fire('session-start', {
    stdin: `\ufeff${JSON.stringify(one.payload('session-start'), null, 2).replaceAll('\n', '\r\n')}\r\n`,
  });
  expectWell(fired);
  expect(fired.context).toMatch(/^You are master/);
});

describe('fields of a wrong type', () => {
  const wrong = [null, 5, true, [], ['x'], {}, { x: 1 }];
  test.each(hookNames)('%s', async (name) => {
    const { session, base } = world();
    const other = session();
    await other.start();
    const one = session();
    for (const value of wrong) {
      const payload = Object.fromEntries(Object.keys(one.payload(name)).map((field) => [field, value]));
      const fired = await one.fire(name, { payload });
      expectWell(fired);
      if (fired.context) expect(fired.context).toMatch(/^You are (?:master|worker)/);
    }
    expect((await other.prompt()).context).toMatch(/^You are (?:master|worker) \(epoch \d\)/);
    expect(logLines(base)).toEqual([]);
  });

  test('inside tool calls', async () => {
    const { session, base } = world();
    const one = session();
    await one.start();
    const calls = wrong.flatMap((value) => [
      value,
      { tool_name: value, tool_input: value, tool_use_id: value, tool_response: value },
      {
        tool_name: 'Bash',
        tool_input: { command: value },
        tool_use_id: 'x',
        tool_response: { stdout: value, stderr: value },
      },
      { tool_name: 'TodoWrite', tool_input: { todos: [value] }, tool_use_id: 'y' },
      { tool_name: 'AskUserQuestion', tool_input: { questions: [value] }, tool_use_id: 'z' },
    ]);
    expectWell(await one.fire('post-tool-batch', { payload: { tool_calls: calls } }));
    for (const call of wrong)
      expectWell(await one.fire('post-tool-batch', { payload: { tool_calls: [call] } }));
    expectWell(await one.stop());
    expect(logLines(base)).toEqual([]);
  });
});

describe('hostile ids and paths', () => {
  const hostile: [string, string][] = [
    ['a way up', '../../../../../../escape'],
    ['an absolute path', '/etc/passwd'],
    ['a NUL', 'a\0b'],
    ['10,000 characters', 'x'.repeat(10_000)],
    ['100,000 characters', 'y'.repeat(100_000)],
    ['unicode', 'Größe-日本-😀-\u202e-\u{e0041}'],
    ['half a character', 'a\ud800b'],
    ['new lines and quotes', 'a\nb"c\'d`e$(touch pwned)'],
    ['white space', ' '],
    ['the name of a prototype', '__proto__'],
    ['a device', '/dev/zero'],
    ['a directory', '/'],
    ['a pattern', '*?[a]{b,c}'],
  ];

  test.each(hostile)('%s in every field', async (_what, value) => {
    const { session, base, state, root } = world();
    const other = session();
    await other.start();
    await other.prompt('a good goal');
    await other.stop();
    const others = { ...contentsBelow(state) };

    const one = session();
    const fields = [
      'session_id',
      'transcript_path',
      'cwd',
      'prompt_id',
      'source',
      'reason',
      'session_title',
      'prompt',
      'last_assistant_message',
      'compact_summary',
    ];
    const payload = Object.fromEntries(fields.map((field) => [field, value]));
    const call = { ...writeCall(value), tool_use_id: value };
    const fired = [
      await one.fire('session-start', { payload: { ...payload, source: 'startup' } }),
      await one.fire('session-start', { payload }),
      await one.fire('user-prompt-submit', { payload }),
      await one.fire('post-tool-batch', { payload: { ...payload, tool_calls: [call] } }),
      await one.fire('post-compact', { payload }),
      await one.fire('stop', { payload }),
      await other.prompt(),
      await one.fire('session-end', { payload }),
    ];
    for (const each of fired) {
      expectWell(each);
      for (const text of [each.context, each.notice]) {
        expect(text.length).toBeLessThanOrEqual(6000);
        expect(text).not.toMatch(/[\u0000-\u0008\u200b-\u200f\u202a-\u202e]/);
      }
    }
    expect(fired[0]!.context).toMatch(/^You are master \(epoch 2\)/);
    expect(fired[6]!.context).toMatch(/^You are worker \(epoch 2\)/);
    // It left, so the other one is master again: the end was understood.
    expect((await other.prompt()).context).toMatch(/^You are master \(epoch 1\); 1 live session/);
    const after = contentsBelow(state);
    for (const [path, content] of Object.entries(others))
      if (path.startsWith('seq/') || path.startsWith('handoffs/'))
        expect([path, after[path]]).toEqual([path, content]);
    for (const path of Object.keys(contentsBelow(base)))
      expect(path.startsWith('shop/.git/') || path === 'shop/README.md', path).toBe(true);
    expect(existsSync(join(root, 'pwned'))).toBe(false);
  });

  test.each(hostile)('%s in the environment', async (_what, value) => {
    const { session } = world();
    // The operating system itself takes neither NUL nor half characters, nor arguments without end.
    if (/\0|[\ud800-\udfff](?![\udc00-\udfff])/.test(value) || value.length > 50_000) return;
    const one = session({
      env: {
        FLOWLOOM_ROLE: value,
        CLAUDE_CODE_SESSION_ATTENDED: value,
        CLAUDE_CONFIG_DIR: value,
        CLAUDE_PID: value,
      },
    });
    expectWell(await one.start());
    expectWell(await one.stop());
  });
});
