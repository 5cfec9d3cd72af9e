/** The promises of the plan for `.mcp.json`: it comes back byte for byte, and whatever we would have to guess about is refused. */
import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InstallError } from '../../install/error.ts';
import { holdsServer, planServer, planServerRemoval } from '../../install/server-plan.ts';
import { isOurServer, serverEntry } from '../../src/claude/servers.ts';

const file = '/shop/.mcp.json';
const samples = new URL('./settings/', import.meta.url);

/** Installs, installs again, removes: what is there in between, and that it is the old text after. */
function roundTrip(text: string | null): Record<string, unknown> {
  const plan = planServer(text, file);
  expect(plan.changed).toBe(true);
  expect(plan.found).toBe(false);
  const again = planServer(plan.text, file);
  expect(again).toMatchObject({ text: plan.text, changed: false, found: true });
  expect(holdsServer(plan.text, file)).toBe(true);
  const removal = planServerRemoval(plan.text, plan.before, file);
  expect(removal.text).toBe(text);
  expect(holdsServer(removal.text, file)).toBe(false);
  return JSON.parse(plan.text!.replace(/^\uFEFF/, ''));
}

describe('a round trip', () => {
  it.each([
    ['no file', null],
    ['an empty file', ''],
    ['white space', ' \r\n\t'],
    ['a byte order mark', '\uFEFF'],
    ['an empty object', '{}'],
    ['an empty object on two lines', '{\n}\n'],
    ['no servers', '{ "mcpServers": { } }'],
    ['another server', '{\n\t"mcpServers": {\n\t\t"db": {\n\t\t\t"command": "db"\n\t\t}\n\t}\n}\n'],
    ['minified', '{"mcpServers":{"db":{"command":"db","args":["-x"]}},"other":1}'],
    [
      'carriage returns',
      '\uFEFF{\r\n    "mcpServers": {\r\n        "db": { "command": "db" }\r\n    }\r\n}\r\n',
    ],
    ['another key only', '{\n  "other": []\n}'],
    ['commas first', '{ "a": 1\n, "mcpServers": { "x": {}\n  , "y": {}\n  }\n}\n'],
  ])('%s', (_, text) => {
    expect(roundTrip(text)).toMatchObject({ mcpServers: { flowloom: serverEntry } });
  });

  it.each(readdirSync(samples).filter((name) => name.endsWith('.json')))('%s', (name) => {
    roundTrip(readFileSync(new URL(name, samples), 'utf8'));
  });

  it('of anything that is an object', () => {
    const key = fc.string().filter((name) => name !== 'mcpServers' && name !== '__proto__');
    const name = fc.string().filter((text) => text !== 'flowloom' && text !== '__proto__');
    const value = fc.record(
      {
        mcpServers: fc.dictionary(name, fc.jsonValue(), { maxKeys: 3 }),
        rest: fc.dictionary(key, fc.jsonValue(), { maxKeys: 3 }),
      },
      { requiredKeys: [] },
    );
    const layout = fc.constantFrom(undefined, '  ', '\t');
    const eol = fc.constantFrom('\n', '\r\n');
    fc.assert(
      fc.property(value, layout, eol, ({ mcpServers, rest }, unit, end) => {
        const whole = { ...rest, ...(mcpServers ? { mcpServers } : {}) };
        const text = JSON.stringify(whole, null, unit).replaceAll('\n', end);
        // What the text says, since it knows no -0.
        const before = JSON.parse(text) as typeof whole;
        expect(roundTrip(text)).toEqual({
          ...before,
          mcpServers: { ...before.mcpServers, flowloom: serverEntry },
        });
      }),
      { numRuns: 200 },
    );
  });
});

describe('what is refused', () => {
  it.each([
    ['not-json', '{"mcpServers": {'],
    ['relaxed-json', '{ // mine\n }'],
    ['relaxed-json', '{ "mcpServers": {}, }'],
    ['root-not-object', '[]'],
    ['servers-not-object', '{ "mcpServers": [] }'],
    ['duplicate-key', '{ "mcpServers": {}, "mcpServers": {} }'],
    ['duplicate-key', '{ "mcpServers": { "flowloom": {}, "flowloom": {} } }'],
    ['foreign-server', '{ "mcpServers": { "flowloom": { "command": "loom" } } }'],
    ['foreign-server', '{ "mcpServers": { "flowloom": null } }'],
  ])('%s: %s', (code, text) => {
    const refusal = (() => {
      try {
        return planServer(text, file);
      } catch (error) {
        return error;
      }
    })();
    expect(refusal).toBeInstanceOf(InstallError);
    expect(refusal).toMatchObject({
      code,
      file,
      message: expect.stringMatching(/^\/shop\/\.mcp\.json.*Nothing was changed\.$/),
    });
  });
});

describe('an entry that is there', () => {
  const edited = JSON.stringify({
    mcpServers: { flowloom: { ...serverEntry, env: { FLOWLOOM_DEBUG: '1' } }, db: {} },
  });

  it('keeps what was added by hand', () => {
    expect(planServer(edited, file)).toMatchObject({ changed: false, found: true });
  });

  it('goes all the same, and nothing else', () => {
    expect(planServerRemoval(edited, {}, file).text).toBe('{"mcpServers":{"db":{}}}');
  });

  it('is renewed when its path is an older one', () => {
    const old =
      '{"mcpServers":{"flowloom":{"command":"node","args":["./flowloom/mcp.mjs"],"env":{"A":"1"}}}}';
    expect(JSON.parse(planServer(old, file).text!).mcpServers.flowloom).toEqual({
      ...serverEntry,
      env: { A: '1' },
    });
  });

  it('stays when it is another server of this name', () => {
    const other = '{"mcpServers":{"flowloom":{"command":"loom"}}}';
    expect(planServerRemoval(other, {}, file)).toMatchObject({ text: other, changed: false, found: false });
  });

  it.each([
    [serverEntry, true],
    [{ ...serverEntry, type: 'stdio', env: {} }, true],
    [{ command: 'node', args: ['C:\\shop\\.claude\\flowloom\\mcp.mjs'] }, true],
    [{ command: 'npx', args: serverEntry.args }, false],
    [{ command: 'node', args: ['flowloom/mcp.mjs', '--more'] }, false],
    [{ command: 'node', args: ['notflowloom/mcp.mjs'] }, false],
    [{ command: 'node' }, false],
    ['node', false],
  ])('%j is ours: %s', (entry, ours) => {
    expect(isOurServer(entry)).toBe(ours);
  });
});
