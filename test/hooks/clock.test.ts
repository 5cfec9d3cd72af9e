/** A clock that was wrong once is no trouble for ever. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { filesBelow } from '../support/scratch.ts';
import { world } from '../support/world.ts';

test('what was written with a clock a year ahead is not what every later session gets', async () => {
  const w = world();
  const wrong = w.session();
  await wrong.start();
  await wrong.prompt('the work of next year');
  await wrong.end();
  await wrong.client.kill();
  const [note] = filesBelow(w.state).filter((file) => file.endsWith('.md'));
  const path = join(w.state, note!);
  const nextYear = new Date(Date.now() + 365 * 86_400_000).toISOString();
  writeFileSync(path, readFileSync(path, 'utf8').replace(/^modified: .*$/m, `modified: "${nextYear}"`));

  const next = w.session();
  const told = (await next.start()).context;
  expect(told).toContain('the work of next year');
  expect(told).toMatch(/written just now/);
  await next.prompt('the work of today');
  await next.end();
  await next.client.kill();
  const last = (await w.session().start()).context;
  expect(last).toContain('Handoff from the previous master');
  expect(last).toContain('the work of today');
  expect(last).not.toContain('the work of next year');
});
