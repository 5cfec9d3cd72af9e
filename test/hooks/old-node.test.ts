/** A Node that is older than the hooks: the first lines have to be readable for it, and nobody is disturbed. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { transformSync } from 'esbuild';
import { describe, expect, test } from 'vitest';
import { hookNames, hooksFolder } from '../support/built.ts';
import { scratch, write } from '../support/scratch.ts';

const textOf = (name: string): string => readFileSync(join(hooksFolder, `${name}.cjs`), 'utf8');

describe.each(hookNames)('%s', (name) => {
  test('is written in the language of 2015', () => {
    // What Node 6 knows though esbuild does not count on it.
    const supported = { destructuring: true, 'for-of': true };
    const plain = transformSync(textOf(name), { target: 'node6', supported });
    expect(plain.code).toBe(transformSync(textOf(name), { target: 'esnext' }).code);
    expect(textOf(name)).not.toMatch(/"node:/);
  });

  test('leaves with 0 under an old number, and tells the person once', () => {
    const claims = write(
      join(scratch('old-node'), 'claims.cjs'),
      `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '14.21.3' } });
       Object.defineProperty(process, 'version', { value: 'v14.21.3' });`,
    );
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      ['--require', claims, join(hooksFolder, `${name}.cjs`)],
      { input: '{}', encoding: 'utf8', env: {} },
    );
    expect([status, stderr]).toEqual([0, '']);
    if (name !== 'session-start') return expect(stdout).toBe('');
    const { systemMessage } = JSON.parse(stdout);
    expect(systemMessage).toContain('20.19');
    expect(systemMessage).toContain('v14.21.3');
  });
});

/** Programs of old versions, separated by a colon: for example `npm install --prefix /tmp/n14 node@14`. */
const oldNodes = (process.env.FLOWLOOM_OLD_NODES ?? '').split(':').filter(Boolean);

test.skipIf(oldNodes.length === 0)('real ones leave with 0', () => {
  for (const node of oldNodes)
    for (const name of hookNames) {
      const ran = spawnSync(node, [join(hooksFolder, `${name}.cjs`)], {
        input: '{}',
        encoding: 'utf8',
        env: {},
      });
      expect([node, name, ran.status, ran.stderr]).toEqual([node, name, 0, '']);
      if (name === 'session-start') expect(JSON.parse(ran.stdout)).toHaveProperty('systemMessage');
      else expect(ran.stdout).toBe('');
    }
});
