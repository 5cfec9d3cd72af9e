import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { InstallError } from '../../install/error.ts';
import { mergeBefore, planInstall, planRemoval } from '../../install/plan.ts';
import { projectScriptsDir, settingsBlock, wiredHooks } from '../../src/claude/settings.ts';

const block = settingsBlock(projectScriptsDir);
const older = settingsBlock('/old place/flowloom');
for (const [group] of Object.values(older.hooks)) group!.hooks[0]!.timeout = 60;

const samples = new URL('./settings/', import.meta.url);
const sampleNames = readdirSync(samples).filter((name) => name.endsWith('.json'));
const sample = (name: string) => readFileSync(new URL(name, samples), 'utf8');

describe.each(sampleNames)('%s', (name) => {
  const text = sample(name);
  const installed = planInstall(text, block);

  it('gets all our hooks and keeps everything else', () => {
    expect(installed).toMatchObject({
      changed: true,
      found: false,
      events: wiredHooks.map((hook) => hook.event),
    });
    const settings = JSON.parse(installed.text!.replace(/^\uFEFF/, ''));
    for (const { event } of wiredHooks) {
      expect(settings.hooks[event].at(-1)).toEqual(block.hooks[event][0]);
      settings.hooks[event].pop();
    }
    const original = JSON.parse(text.replace(/^\uFEFF/, '').trim() || '{}');
    expect(withoutEmptyHooks(settings)).toEqual(withoutEmptyHooks(original));
  });

  it('does not change on a second install', () => {
    expect(planInstall(installed.text, block)).toMatchObject({
      text: installed.text,
      changed: false,
      found: true,
    });
  });

  it('is restored byte for byte', () => {
    expect(planRemoval(installed.text, installed.before).text).toBe(text);
  });

  it('is restored after an upgrade from an older entry', () => {
    const first = planInstall(text, older);
    const second = planInstall(first.text, block);
    expect(second.events).toHaveLength(6);
    expect(planRemoval(second.text, mergeBefore(first.before, second)).text).toBe(text);
  });

  it('is valid and free of our hooks without a memory, too', () => {
    const { text: rest } = planRemoval(installed.text);
    expect(rest).not.toContain('flowloom');
    expect(() => JSON.parse(rest!.replace(/^\uFEFF/, ''))).not.toThrow();
  });
});

function withoutEmptyHooks(settings: { hooks?: Record<string, unknown> }): unknown {
  const hooks = Object.entries(settings.hooks ?? {}).filter(([, groups]) => JSON.stringify(groups) !== '[]');
  return { ...settings, hooks: Object.fromEntries(hooks) };
}

describe('layout', () => {
  const stopOnly = { hooks: { Stop: block.hooks.Stop } } as typeof block;
  const entry = '{"hooks":[{"type":"command","command":"node","args":A,"timeout":10}]}'.replace('A', () =>
    JSON.stringify(settingsBlock(projectScriptsDir).hooks.Stop[0]!.hooks[0]!.args),
  );

  it.each([
    ['stays on one line', '{"a":1}', `{"a":1,"hooks":{"Stop":[${entry}]}}`],
    ['fills a one-line array', '{"hooks":{"Stop":[]}}', `{"hooks":{"Stop":[${entry}]}}`],
    [
      'follows a neighbour on the same line',
      '{\n  "hooks": {"Stop": [{"hooks": []}]}\n}',
      `{\n  "hooks": {"Stop": [{"hooks": []}, ${entry}]}\n}`,
    ],
  ])('%s', (_, text, expected) => expect(planInstall(text, stopOnly).text).toBe(expected));

  it('uses the indentation and line ends of the file', () => {
    const { text } = planInstall('{\r\n\t"a": 1\r\n}', stopOnly);
    expect(text).toMatch(
      /^\{\r\n\t"a": 1,\r\n\t"hooks": \{\r\n\t\t"Stop": \[\r\n\t\t\t\{\r\n\t\t\t\t"hooks": \[/,
    );
    expect(text).not.toMatch(/[^\r]\n/);
    expect(text).toBe(JSON.stringify({ a: 1, ...stopOnly }, null, '\t').replaceAll('\n', '\r\n'));
  });
});

describe('entries of ours that are there', () => {
  const upgraded = (settings: object) =>
    JSON.parse(planInstall(JSON.stringify(settings, null, 2), block).text!);
  const mine = { type: 'command', command: 'echo mine' };
  const oldStop = older.hooks.Stop[0]!.hooks[0]!;

  it('are renewed where they are', () => {
    const { hooks } = upgraded({
      hooks: { Stop: [{ matcher: 'x', hooks: [oldStop, mine] }, { hooks: [mine] }] },
    });
    expect(hooks.Stop).toEqual([
      { matcher: 'x', hooks: [block.hooks.Stop[0]!.hooks[0], mine] },
      { hooks: [mine] },
    ]);
  });

  it('become one when doubled', () => {
    const { hooks } = upgraded({
      hooks: { Stop: [older.hooks.Stop[0], { hooks: [mine, oldStop] }, block.hooks.Stop[0]] },
    });
    expect(hooks.Stop).toEqual([block.hooks.Stop[0], { hooks: [mine] }]);
  });

  it('go when they are wired to an event that is not theirs any more', () => {
    const { hooks } = upgraded({
      hooks: { Notification: [{ hooks: [oldStop] }], PreCompact: [{ hooks: [mine, oldStop] }] },
    });
    expect(hooks.Notification).toBeUndefined();
    expect(hooks.PreCompact).toEqual([{ hooks: [mine] }]);
  });
});

describe('what is remembered', () => {
  const { Stop, SessionStart } = block.hooks;
  const text = '{"hooks":{"Stop":[ ],"SessionStart":[  ]}}';
  const first = planInstall(text, { hooks: { Stop } } as typeof block);

  it('adds up when a later version wires more events', () => {
    const second = planInstall(first.text, { hooks: { Stop, SessionStart } } as typeof block);
    const before = mergeBefore(first.before, second);
    expect(before).toEqual({ events: { Stop: ' ', SessionStart: '  ' } });
    expect(planRemoval(second.text, before).text).toBe(text);
  });

  it('is forgotten when the entries were taken out by hand', () => {
    expect(mergeBefore({ file: null, hooks: '\n' }, planInstall('{"a":1}', block))).toEqual({});
  });
});

describe('removal after edits', () => {
  const installed = JSON.parse(planInstall(null, block).text!);
  const remove = (settings: object) => planRemoval(JSON.stringify(settings, null, 2), { file: null });

  it('keeps settings that were added to a file install made', () => {
    expect(JSON.parse(remove({ model: 'opus', ...installed }).text!)).toEqual({ model: 'opus' });
  });

  it('keeps a hook that was added to our group, and a matcher that was given to it', () => {
    const mine = { type: 'command', command: 'echo mine' };
    const [group] = installed.hooks.Stop;
    const hooks = {
      ...installed.hooks,
      Stop: [{ hooks: [mine, ...group.hooks] }],
      SessionStart: [{ matcher: 'startup', ...installed.hooks.SessionStart[0] }],
    };
    expect(JSON.parse(remove({ hooks }).text!)).toEqual({
      hooks: { SessionStart: [{ matcher: 'startup', hooks: [] }], Stop: [{ hooks: [mine] }] },
    });
  });

  it('removes all copies, also from repeated keys', () => {
    const stop = JSON.stringify(block.hooks.Stop);
    const text = `{"hooks":{"Stop":${stop},"Stop":${stop}},"hooks":{"Stop":[{"hooks":[]}]}}`;
    expect(planRemoval(text).text).toBe('{"hooks":{"Stop":[{"hooks":[]}]}}');
  });

  it('leaves alone what does not look like hooks', () => {
    for (const text of [
      '[]',
      '{"hooks":[]}',
      '{"hooks":{"Stop":{}}}',
      '{"hooks":{"Stop":[1,{"hooks":2}]}}',
      '',
      ' ',
    ]) {
      if (text === '[]') expect(() => planRemoval(text)).toThrow(InstallError);
      else expect(planRemoval(text)).toMatchObject({ text, changed: false, found: false });
    }
    expect(planRemoval(null)).toMatchObject({ text: null, changed: false });
  });
});

describe('what Claude Code takes, odd as it looks', () => {
  it.each([
    ['hooks as null', '{"hooks": null}'],
    ['hooks as null, over several lines', '{\n  "model": "opus",\n  "hooks": null\n}\n'],
    ['an event as null', '{"hooks": {"SessionStart": null}}'],
    [
      'several events as null',
      '{\n  "hooks": {\n    "SessionStart": null,\n    "Stop":   null,\n    "PreToolUse": null\n  }\n}\n',
    ],
    ['a group without hooks', '{"hooks": {"Stop": [{}]}}'],
    ['a group with hooks as object', '{"hooks": {"Stop": [{"hooks": {}}]}}'],
    ['a handler without a group', '{"hooks": {"Stop": [{"type": "command", "command": "x"}, "y", null, 3]}}'],
    ['a foreign handler of no type', '{"hooks": {"Stop": [{"hooks": [{"command": "x"}, null]}]}}'],
    ['another event as a string', '{"hooks": {"PostToolUse": "x"}}'],
  ])('%s: is kept, and comes back byte for byte', (_, text) => {
    const plan = planInstall(text, block);
    const events = (JSON.parse(plan.text ?? '').hooks ?? {}) as Record<string, unknown>;
    for (const [event, groups] of Object.entries(block.hooks))
      expect([event, (events[event] as unknown[]).at(-1)]).toEqual([event, groups[0]]);
    // What does not hold our entry has its old value, and what does has it before ours.
    for (const [event, value] of Object.entries(JSON.parse(text).hooks ?? {}))
      if (Array.isArray(value)) expect((events[event] as unknown[]).slice(0, -1)).toEqual(value);
    expect(planInstall(plan.text, block)).toMatchObject({ changed: false });
    expect(planRemoval(plan.text, plan.before).text).toBe(text);
  });

  it('remembers what was null when it is installed again', () => {
    const text = '{"hooks": {"SessionStart": null, "Stop": null}}';
    const first = planInstall(text, block);
    const second = planInstall(first.text, settingsBlock('/elsewhere/flowloom'));
    const before = mergeBefore(first.before, second);
    expect(planRemoval(second.text, before).text).toBe(text);
  });

  it('an entry of ours in a group that Claude Code passes over is put where it counts', () => {
    const handler = block.hooks.Stop[0]!.hooks[0];
    const text = JSON.stringify({ hooks: { Stop: [{ matcher: null, hooks: [handler] }] } });
    const { Stop } = JSON.parse(planInstall(text, block).text ?? '').hooks;
    expect(Stop).toEqual([{ matcher: null, hooks: [] }, block.hooks.Stop[0]]);
  });
});

describe('refusals', () => {
  it.each([
    ['broken JSON', '{"a": }', 'not-json'],
    ['half a file', '{\n  "a": 1,\n', 'not-json'],
    ['a comment', '{\n  // mine\n  "a": 1\n}', 'relaxed-json'],
    ['a trailing comma', '{\n  "a": 1,\n}', 'relaxed-json'],
    ['an array', '[]', 'root-not-object'],
    ['null', 'null', 'root-not-object'],
    ['a string', '"hooks"', 'root-not-object'],
    ['hooks as array', '{"hooks": []}', 'hooks-not-object'],
    ['an event as object', '{"hooks": {"Stop": {}}}', 'event-not-array'],
    ['hooks twice', '{"hooks": {}, "hooks": {}}', 'duplicate-key'],
    ['hooks twice, spelled differently', '{"hooks": {}, "\\u0068ooks": {}}', 'duplicate-key'],
    ['an event twice', '{"hooks": {"Stop": [], "Stop": []}}', 'duplicate-key'],
    ['hooks twice in a group', '{"hooks": {"Stop": [{"hooks": [], "hooks": []}]}}', 'duplicate-key'],
    ['absurd nesting', `${'['.repeat(5e4)}${']'.repeat(5e4)}`, undefined],
    ['absurd nesting below a key', `{"a":${'['.repeat(5e4)}${']'.repeat(5e4)}}`, undefined],
  ])('%s', (_, text, code) => {
    const error = problemOf(() => planInstall(text, block, '/p/settings.json'));
    if (code) expect(error.code).toBe(code);
    expect(error.message).toMatch(/^\/p\/settings\.json.*\. /);
  });

  it('says which line is wrong', () => {
    expect(problemOf(() => planInstall('{\n  "a": 1\n  "b": 2\n}', block)).message).toContain('line 3');
    expect(problemOf(() => planInstall('{\n  "a": 1, // one\n  "b": 2\n}', block)).message).toContain(
      'line 2',
    );
  });
});

function problemOf(action: () => unknown): InstallError {
  try {
    action();
  } catch (error) {
    expect(error).toBeInstanceOf(InstallError);
    return error as InstallError;
  }
  throw new Error('expected a refusal');
}
