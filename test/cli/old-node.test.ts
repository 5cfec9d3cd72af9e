/** The command under a Node that is older than it: a sentence, no stack. */
import { spawnSync } from 'node:child_process';
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { transformSync } from 'esbuild';
import { expect, test } from 'vitest';
import { scratch, write } from '../support/scratch.ts';
import { commandPath } from './command.ts';

test('what is called can be read by it', () => {
  const text = readFileSync(commandPath, 'utf8');
  const plain = transformSync(text, { target: 'node12.20', format: 'esm' });
  expect(plain.code).toBe(transformSync(text, { target: 'esnext', format: 'esm' }).code);
  expect(text, 'imports that are there before it can speak').not.toMatch(/\bimport\b(?!\()/);
});

test.each(['status', 'doctor', 'install'])('%s names the Node and the remedy', (name) => {
  const folder = scratch('old-node');
  const claims = write(
    join(folder, 'claims.cjs'),
    `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '14.21.3' } });
     Object.defineProperty(process, 'version', { value: 'v14.21.3' });`,
  );
  const ran = spawnSync(process.execPath, ['--require', claims, commandPath, name], {
    cwd: folder,
    encoding: 'utf8',
    env: {},
  });
  expect([ran.status, ran.stdout]).toEqual([1, '']);
  expect(ran.stderr).toMatch(
    /^flowloom-hooks does nothing here: it needs Node\.js 20\.19 .* v14\.21\.3 \(.*\n$/,
  );
});

test.each<[string, (file: string) => void]>([
  ['missing', (file) => rmSync(file)],
  ['damaged', (file) => writeFileSync(file, '(((')],
])('a part of the command that is %s: a sentence', (_, spoil) => {
  const folder = scratch('part');
  cpSync(dirname(commandPath), folder, { recursive: true });
  for (const part of ['hooks/lazy/js-yaml.cjs', 'command.mjs']) {
    spoil(join(folder, part));
    const ran = spawnSync(process.execPath, [join(folder, 'cli.mjs'), 'status'], {
      cwd: folder,
      encoding: 'utf8',
      env: {},
    });
    expect([ran.status, ran.stdout]).toEqual([1, '']);
    expect(ran.stderr).toMatch(/^flowloom-hooks does nothing here: a part of the command .*\n$/);
  }
});

/** Programs of old versions, separated by a colon. */
const oldNodes = (process.env.FLOWLOOM_OLD_NODES ?? '').split(':').filter(Boolean);

test.skipIf(oldNodes.length === 0)('real ones say it, too', () => {
  for (const node of oldNodes) {
    const { status, stderr } = spawnSync(node, [commandPath, 'status'], { encoding: 'utf8', env: {} });
    expect([node, status]).toEqual([node, 1]);
    expect(stderr).toMatch(/^flowloom-hooks does nothing here/);
  }
});
