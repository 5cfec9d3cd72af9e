/** Sessions with records of every kind, and where those lie: for tests that spoil them. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { write } from './scratch.ts';
import { give } from './unprivileged.ts';
import { type Fire, type Fired, type SessionUnderTest, type World, world } from './world.ts';

/** Where each kind of record of the second member of `haveRecords` lies. */
export const records: Readonly<Record<string, (w: World, id: string) => string>> = {
  'its birth': (w) => join(w.state, 'seq', '000000000002.json'),
  'its presence': (w, id) => join(w.state, 'members', id, 'presence.json'),
  'its notebook': (w, id) => join(w.state, 'members', id, 'notebook.0.json'),
  'the other half of its notebook': (w, id) => join(w.state, 'members', id, 'notebook.1.json'),
  'its handoff': (w) => {
    const notes = join(w.state, 'handoffs');
    return join(notes, readdirSync(notes).find((name) => name.startsWith('000002'))!);
  },
  'the log': (w) => join(w.state, 'log.jsonl'),
  'its claims': (w, id) => join(w.state, 'members', id, 'claims'),
  'its whole folder': (w, id) => join(w.state, 'members', id),
  'the folder of births': (w) => join(w.state, 'seq'),
  'the folder of members': (w) => join(w.state, 'members'),
  'the folder of handoffs': (w) => join(w.state, 'handoffs'),
  'the whole state': (w) => w.state,
};

export function expectWell(what: string, { code, signal, stderr, stdout }: Fired): void {
  expect([what, code, signal, stderr.slice(0, 300)]).toEqual([what, 0, null, '']);
  if (stdout) expect(JSON.parse(stdout)).toBeTypeOf('object');
}

/** Starts these sessions and makes records of every kind for each. */
export async function haveRecords(
  w: World,
  sessions: readonly SessionUnderTest[],
  fire: Fire = {},
): Promise<void> {
  for (const one of sessions) {
    await one.start('startup', fire);
    await one.prompt('a good goal', fire);
    await one.stop('Done.', fire);
  }
  const before = { at: '2026-11-22T08:00:00.000Z', event: 'Stop', code: 'x', message: 'from before' };
  write(join(w.state, 'log.jsonl'), `${JSON.stringify(before)}\n`);
  if (fire.through) give(w.base);
}

/** Two sessions with records of every kind in a world of their own. */
export async function twoSessions(
  fire: Fire = {},
): Promise<{ w: World; other: SessionUnderTest; victim: SessionUnderTest }> {
  const w = world({ name: 'faults' });
  if (fire.through) give(w.base);
  const [other, victim] = [w.session(), w.session()];
  await haveRecords(w, [other, victim], fire);
  return { w, other, victim };
}
