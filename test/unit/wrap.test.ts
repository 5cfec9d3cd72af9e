import { expect, test } from 'vitest';
import { wrap } from '../../src/messages/wrap.ts';

test('breaks at spaces, and keeps a word that is longer than a line', () => {
  expect(wrap('one two three', 7)).toEqual(['one two', 'three']);
  expect(wrap('see /a/very/long/path now', 8)).toEqual(['see', '/a/very/long/path', 'now']);
  expect(wrap('', 8)).toEqual([]);
});

test.each([
  'node .claude/flowloom/cli.mjs install --posix',
  'node .claude/flowloom.local/cli.mjs install --scope local --no-posix',
  'node ~/.claude/flowloom/cli.mjs uninstall --scope user',
  "node '/my work/cli.mjs' doctor",
  "node /a/cli.mjs -C '/my work' doctor --fix",
  'npx flowloom-hooks doctor --fix',
  'claude mcp add --scope user flowloom -- node /a/cli.mjs mcp',
  '"node a/cli.mjs doctor --fix"',
])('%s stays on one line', (command) => {
  for (let width = 1; width < 120; width++) {
    const lines = wrap(`To change what is installed: ${command} if the project was moved.`, width);
    expect(lines.join(' ')).toBe(`To change what is installed: ${command} if the project was moved.`);
    expect(lines.some((line) => line.includes(command))).toBe(true);
  }
});
