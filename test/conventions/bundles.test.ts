/** What a hook loads and weighs: each is a Node start that somebody waits for, and a file that a repository carries. */
import { readdirSync, statSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { bundles, hooksFolder } from '../support/built.ts';
import { filesBelow } from '../support/scratch.ts';

const packagesIn = (inputs: readonly string[]): string[] => [
  ...new Set(inputs.flatMap((input) => input.match(/.*node_modules\/((?:@[^/]+\/)?[^/]+)\//)?.[1] ?? [])),
];
const hot = Object.entries(bundles).filter(([file]) => /^dist\/hooks\/(?:body\/)?[a-z-]+\.cjs$/.test(file));

describe('what is loaded at every hook', () => {
  test('is known', () => {
    const entries = readdirSync(hooksFolder).filter((name) => name.endsWith('.cjs'));
    expect(entries.length).toBeGreaterThan(0);
    for (const name of entries) expect(hot.map(([file]) => file)).toContain(`dist/hooks/${name}`);
  });

  test.each(hot)('%s holds no package but tiny-invariant, and nothing of the commands', (_, { inputs }) => {
    expect(packagesIn(inputs).filter((name) => name !== 'tiny-invariant')).toEqual([]);
    expect(inputs.filter((input) => /^(?:src\/(?:cli|doctor)|install)\//.test(input))).toEqual([]);
    expect(
      inputs.filter((input) => /^src\/messages\/(?!model\.ts|old-node\.ts|own-command\.ts)/.test(input)),
    ).toEqual([]);
  });

  test.each(hot)('%s names none of the heavy packages and starts no process by itself', (_, { imports }) => {
    const heavy = ['execa', 'cosmiconfig', 'nanoid', 'commander', 'jsonc-parser', 'picocolors'];
    for (const name of [...heavy, '@modelcontextprotocol/server']) expect(imports).not.toContain(name);
    for (const name of ['node:child_process', 'node:crypto', 'node:http', 'node:net', 'node:worker_threads'])
      expect(imports).not.toContain(name);
  });

  test.each(hot)('%s is smaller than 80 kB', (file) => {
    expect(statSync(join(hooksFolder, file.replace(/^dist\/hooks\//, ''))).size).toBeLessThan(80_000);
  });
});

test('all hooks together are smaller than 800 kB', () => {
  const files = filesBelow(hooksFolder);
  const bytes = files.reduce((sum, file) => sum + statSync(join(hooksFolder, file)).size, 0);
  expect(bytes).toBeLessThan(800_000);
});

describe('the MCP server', () => {
  test('is a file that stands alone', () => {
    const { imports } = bundles['dist/mcp.mjs']!;
    expect(imports.filter((name) => !isBuiltin(name) && name !== 'typescript')).toEqual([]);
  });

  test('is in no other file', () => {
    const others = Object.entries(bundles).filter(([file]) => file !== 'dist/mcp.mjs');
    const holding = others.filter(([, { inputs }]) =>
      inputs.some((input) => /@modelcontextprotocol|^src\/mcp\//.test(input)),
    );
    expect(holding.map(([file]) => file)).toEqual([]);
  });

  test('is smaller than 760 kB', () => {
    expect(bundles['dist/mcp.mjs']!.bytes).toBeLessThan(760_000);
  });
});
