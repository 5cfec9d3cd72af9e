/** The document's table of faults is the one that `npm run faults -- --write` makes. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { scratch, write } from '../support/scratch.ts';
import { read, root, sourcesIn } from './sources.ts';

const shape =
  /<!-- faults: written by npm run faults -->\n\n\d{4}-\d\d-\d\d, Node [\d.]+, [^\n]+ \d+ cores; [^\n]+\.\n\n\| suite \| operation \| faults \| tried \| lost \|\n\|---\|---\|---\|---:\|---:\|\n((?:\| [^|\n]+ \| [^|\n]+ \| [^|\n]+ \| \d+ \| \d+ \|\n)+)\| all \| \| \| (\d+) \| (\d+) \|\n\n<!-- \/faults -->/;

test('the generator writes that shape', () => {
  const folder = scratch('tally');
  write(
    join(folder, 'system calls of hooks.json'),
    JSON.stringify([
      { operation: 'join', fault: 'KILL', tried: 3, lost: 0 },
      { operation: 'join', fault: 'EIO', tried: 4, lost: 1 },
    ]),
  );
  const { stdout, status } = spawnSync(
    process.execPath,
    [join(root, 'test', 'faults', 'report.mjs'), '--from', folder],
    { encoding: 'utf8' },
  );
  expect(status).toBe(0);
  expect(stdout).toMatch(shape);
  expect(stdout).toContain('| system calls of hooks | join | EIO, KILL | 7 | 1 |');
});

test('the document has it, the sums are those of the lines, and nothing was lost', () => {
  const [, lines = '', tried, lost] = read('docs/reliability.md').match(shape) ?? [];
  const rows = lines
    .trim()
    .split('\n')
    .map((line) => line.split('|').map((cell) => cell.trim()));
  expect(rows.length).toBeGreaterThan(10);
  expect(rows.reduce((sum, row) => sum + Number(row[4]), 0)).toBe(Number(tried));
  expect(Number(lost)).toBe(0);
  for (const suite of ['system calls of hooks', 'system calls of install', 'fs functions of hooks', 'soak'])
    expect(rows.map((row) => row[1])).toContain(suite);
});

/** The campaigns give errors that are alike in turn, not all of them at each step. */
describe('errors of looking that the campaigns take for alike are', () => {
  const sources = ['src', 'install', 'hooks'].flatMap(sourcesIn);
  const naming = (pattern: RegExp): string[] => sources.filter((file) => pattern.test(read(file)));

  test('EACCES and EPERM, for everybody who looks', () => {
    expect(naming(/'EACCES'|'EPERM'|EACCES:|EPERM:/)).toEqual([
      // Of writing, of a signal, and words.
      'src/io/atomic-write.ts',
      'src/io/passing.ts',
      'src/io/processes.ts',
      'src/io/read-capped.ts',
      'src/messages/install.ts',
      'src/stores/git/repository.ts',
    ]);
  });

  test('and EIO, but for who asks where a directory belongs and which process is which', () => {
    expect(naming(/\b(?:mayPass|isRefusal)\b/)).toEqual([
      'src/io/passing.ts',
      'src/io/processes.ts',
      // Both alike.
      'src/io/safe-read.ts',
      'src/io/scope.ts',
    ]);
    expect(naming(/'EIO'/)).toEqual(['src/io/passing.ts', 'src/io/processes.ts']);
  });
});
