/** The promises of the plan, for settings nobody thought of. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InstallError } from '../../install/error.ts';
import { mergeBefore, planInstall, planRemoval } from '../../install/plan.ts';
import { isOurs, projectScriptsDir, settingsBlock, wiredHooks } from '../../src/claude/settings.ts';

const block = settingsBlock(projectScriptsDir);
const events = wiredHooks.map((hook) => hook.event);
const runs = { numRuns: 150 };

/** White space as authors and formatters leave it; every gap between two tokens gets one. */
const gap = fc.constantFrom(
  '',
  '',
  '',
  ' ',
  '  ',
  '\t',
  '\n',
  '\n  ',
  '\n    ',
  '\n\t\t',
  '\r\n',
  '\r\n  ',
  '\r',
  '\n\n',
);

/** JSON text of a value with its own white space in every gap. */
function written(value: unknown, gaps: () => string): string {
  if (Array.isArray(value))
    return `[${list(
      value.map((one) => written(one, gaps)),
      gaps,
    )}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value).map(
    ([key, one]) => `${JSON.stringify(key)}${gaps()}:${gaps()}${written(one, gaps)}`,
  );
  return `{${list(members, gaps)}}`;
}

function list(items: string[], gaps: () => string): string {
  return items.length === 0 ? gaps() : items.map((item) => `${gaps()}${item}${gaps()}`).join(',');
}

const anyText = (value: fc.Arbitrary<unknown>): fc.Arbitrary<string> =>
  fc
    .record({
      value,
      mark: fc.constantFrom('', '', '\uFEFF'),
      layout: fc.oneof(
        fc.constantFrom('', '\t', '  ', '    ').map((unit) => ({ unit })),
        fc.infiniteStream(gap).map((stream) => ({ stream })),
      ),
      eol: fc.constantFrom('\n', '\r\n'),
      around: fc.tuple(gap, gap),
    })
    .map(({ value, mark, layout, eol, around }) => {
      const body =
        'unit' in layout
          ? JSON.stringify(value, null, layout.unit).replaceAll('\n', eol)
          : written(value, () => layout.stream.next().value);
      return mark + around[0] + body + around[1];
    });

const handler = fc.oneof(
  fc.record({ type: fc.constant('command'), command: fc.constantFrom('node', './x.sh', 'echo "a b"') }),
  fc.record({
    type: fc.constant('command'),
    command: fc.constant('node'),
    args: fc.constant(['tools/hooks/stop.cjs']),
  }),
  fc.jsonValue({ maxDepth: 1 }),
);
const group = fc.record(
  { matcher: fc.constantFrom('Bash', '', 'startup|resume'), hooks: fc.array(handler, { maxLength: 3 }) },
  { requiredKeys: ['hooks'] },
);
const hooks = fc.dictionary(
  fc.oneof(fc.constantFrom(...events), fc.constantFrom('PreToolUse', 'Notification')),
  fc.array(group, { maxLength: 3 }),
  { maxKeys: 5 },
);
const settings = fc
  .record({
    other: fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 4 }),
    hooks,
    at: fc.nat(4),
  })
  .chain(({ other, hooks: ofUser, at }) => {
    const { hooks: _, ...rest } = other;
    const entries = Object.entries(rest);
    const withHooks = Object.fromEntries([...entries.slice(0, at), ['hooks', ofUser], ...entries.slice(at)]);
    return fc.constantFrom<object>(rest, withHooks, withHooks, { hooks: {} }, {});
  });
const settingsText = anyText(settings);

const parsed = (text: string) => JSON.parse(text.replace(/^\uFEFF/, ''));

describe('for every settings file', { timeout: 60_000 }, () => {
  it('install and uninstall restore it byte for byte', () => {
    fc.assert(
      fc.property(settingsText, (text) => {
        const { text: installed, before } = planInstall(text, block);
        expect(planRemoval(installed, before).text).toBe(text);
      }),
      runs,
    );
  });

  it('install twice is install once', () => {
    fc.assert(
      fc.property(settingsText, (text) => {
        const { text: once } = planInstall(text, block);
        expect(planInstall(once, block)).toMatchObject({
          text: once,
          changed: false,
          events: [],
          before: {},
        });
      }),
      runs,
    );
  });

  it('install adds exactly one entry per event, behind those of the user, and changes no other value', () => {
    fc.assert(
      fc.property(settingsText, (text) => {
        const original = parsed(text);
        const result = parsed(planInstall(text, block).text ?? '');
        const expected = { ...original, hooks: { ...original.hooks } };
        for (const event of events)
          expected.hooks[event] = [...(original.hooks?.[event] ?? []), ...block.hooks[event]];
        expect(result).toEqual(expected);
        expect(Object.keys(result).filter((key) => key !== 'hooks')).toEqual(
          Object.keys(original).filter((key) => key !== 'hooks'),
        );
      }),
      runs,
    );
  });

  it('an upgrade in between changes nothing about that', () => {
    const older = settingsBlock('C:\\old\\flowloom.local');
    fc.assert(
      fc.property(settingsText, (text) => {
        const first = planInstall(text, older);
        const second = planInstall(first.text, block);
        expect(parsed(second.text ?? '')).toEqual(parsed(planInstall(text, block).text ?? ''));
        expect(planRemoval(second.text, mergeBefore(first.before, second)).text).toBe(text);
      }),
      runs,
    );
  });

  it('removal without a memory leaves strict JSON with the hooks of the user only', () => {
    fc.assert(
      fc.property(settingsText, (text) => {
        const rest = parsed(planRemoval(planInstall(text, block).text).text ?? '');
        const original = parsed(text);
        for (const event of Object.keys({ ...original.hooks, ...rest.hooks })) {
          expect(rest.hooks?.[event] ?? []).toEqual(original.hooks?.[event] ?? []);
        }
      }),
      runs,
    );
  });
});

describe('for every JSON and every text', { timeout: 60_000 }, () => {
  const ours = fc.constantFrom(...Object.values(block.hooks).map(([one]) => one?.hooks[0]));
  const wild = fc.oneof(
    fc.jsonValue({ maxDepth: 2 }),
    fc.record({ hooks: fc.jsonValue({ maxDepth: 2 }) }),
    fc.record({ hooks: fc.dictionary(fc.constantFrom(...events, 'X'), fc.jsonValue({ maxDepth: 2 })) }),
    fc.record({
      hooks: fc.dictionary(
        fc.constantFrom(...events, 'X'),
        fc.array(fc.record({ hooks: fc.array(fc.oneof(ours, handler)) })),
      ),
    }),
  );
  const text = fc.oneof(
    anyText(wild),
    fc.string(),
    fc.string({ unit: fc.constantFrom(...'{}[]",: \n/*hooks') }),
  );

  it.each([
    ['install', (input: string) => planInstall(input, block)],
    ['removal', (input: string) => planRemoval(input)],
  ])('%s gives strict JSON, or refuses with the typed error', (_, plan) => {
    fc.assert(
      fc.property(text, (input) => {
        try {
          const result = plan(input);
          if (result.text?.trim()) parsed(result.text);
          else expect(result.text).toBe(input);
        } catch (error) {
          expect(error).toBeInstanceOf(InstallError);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('removal leaves none of our entries', () => {
    fc.assert(
      fc.property(anyText(wild), (input) => {
        const value = parsed(input);
        fc.pre(typeof value === 'object' && value !== null && !Array.isArray(value));
        const rest = parsed(planRemoval(input).text ?? '{}');
        for (const groups of Object.values(rest.hooks ?? {}).filter(Array.isArray)) {
          for (const one of groups) if (Array.isArray(one?.hooks)) expect(one.hooks.some(isOurs)).toBe(false);
        }
      }),
      runs,
    );
  });
});
