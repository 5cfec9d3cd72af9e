/** The numbers in docs/hooks-or-mcp.md are those of this build, as far as they do not depend on the machine. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

const root = join(import.meta.dirname, '..', '..');
const [, table = ''] = readFileSync(join(root, 'docs', 'hooks-or-mcp.md'), 'utf8').split(
  /<!-- (?:measured by npm run compare|end of what was measured) -->/,
);
const written = new Map(
  [...table.matchAll(/^\| ([^|]+?) \| ([^|]+?) \| ([^|]+?) \|$/gm)].map(([, what, ...cells]) => [
    what!,
    cells,
  ]),
);

const ran = spawnSync(process.execPath, ['scripts/compare.mjs', '--fixed'], {
  cwd: root,
  encoding: 'utf8',
  env: { PATH: process.env.PATH, HOME: '/nonexistent' },
});
const measured = Object.entries(JSON.parse(ran.stdout) as Record<string, number[]>);

/** Sentences and lines may change a little before somebody measures again. */
const within = 0.1;

describe('docs/hooks-or-mcp.md', () => {
  test('has a row for everything that is measured', () => {
    expect(measured.length).toBeGreaterThan(5);
    expect([...written.keys()]).toEqual(expect.arrayContaining(measured.map(([what]) => what)));
    expect(written.size).toBe(measured.length + 5);
    for (const cells of written.values())
      for (const cell of cells) expect(cell).toMatch(/^\d+(?:\.\d\d ×)?$/);
  });

  test.each(measured)('%s', (what, numbers) => {
    expect(written.get(what)).toHaveLength(numbers.length);
    for (const [at, number] of numbers.entries()) {
      const said = Number(written.get(what)![at]);
      expect(Math.abs(said - number), `${said} is written, ${number} measured`).toBeLessThanOrEqual(
        Math.max(2, number * within),
      );
    }
  });
});
