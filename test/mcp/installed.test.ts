/** `install --mcp`, and a client that does what `.mcp.json` says. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { dirt, jsonOf, trace, type } from '../cli/command.ts';
import { write } from '../support/scratch.ts';
import { world } from '../support/world.ts';
import { connect } from './clients.ts';

test('what was installed runs from the root, without this package and without npx', async () => {
  const w = world();
  const ran = await type(w, ['install', '--mcp']);
  expect([ran.code, ran.stderr]).toEqual([0, '']);
  expect(ran.stdout).toContain(`the MCP server in ${join(w.root, '.mcp.json')}`);
  expect(ran.stdout).toMatch(/^The MCP server answered in \d+ ms\.$/m);

  const { mcpServers } = JSON.parse(readFileSync(join(w.root, '.mcp.json'), 'utf8'));
  expect(Object.keys(mcpServers)).toEqual(['flowloom']);
  const { command, args } = mcpServers.flowloom;
  const connection = await connect(w, { command: [command, ...args] });
  expect((await connection.call('join')).facts).toMatchObject({ role: 'master', seq: 1 });
  await connection.close();

  const gone = await type(w, ['uninstall']);
  expect(gone.stdout).toContain(`the MCP server removed from ${join(w.root, '.mcp.json')}`);
  expect(dirt(w.root)).toBe('');
});

test('a dry run shows the entry and writes nothing', async () => {
  const w = world();
  const ran = await type(w, ['install', '--mcp', '--dry-run']);
  expect(ran.stdout).toContain('".claude/flowloom/mcp.mjs"');
  expect(dirt(w.root)).toBe('');
});

test.each([
  ['broken', '{ "mcpServers": ', /\.mcp\.json, line 1: this\s+is not valid JSON\./],
  ['of another shape', '{ "mcpServers": 7 }', /"mcpServers"\s+is\s+not\s+an\s+object\./],
])('a file that is %s: a sentence, exit code 1, and nothing is written', async (_, text, sentence) => {
  const w = world();
  write(join(w.root, '.mcp.json'), text);
  const ran = await type(w, ['install', '--mcp']);
  expect([ran.code, ran.stdout]).toEqual([1, '']);
  expect(ran.stderr).toMatch(sentence);
  expect(ran.stderr).not.toMatch(trace);
  expect(readFileSync(join(w.root, '.mcp.json'), 'utf8')).toBe(text);
  expect(existsSync(join(w.root, '.claude'))).toBe(false);
});

test.each(['local', 'user'])('scope %s is refused with what to do instead', async (scope) => {
  const w = world();
  const ran = await type(w, ['install', '--mcp', '--scope', scope, '--json']);
  expect(ran.code).toBe(1);
  expect(jsonOf(ran)).toMatchObject({ error: { code: 'server-scope' } });
  expect(ran.stderr.replaceAll('\n', ' ')).toContain(`claude mcp add --scope ${scope} flowloom --`);
});
