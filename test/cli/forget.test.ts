/** Sessions of which nobody sees that they ended: those of a killed container. When they are over, and `forget`. */
import { utimesSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { fileStore } from '../../src/stores/file-store.ts';
import { pidNamespace, pidNamespaceNeeds } from '../support/pid-namespace.ts';
import { birth, presence } from '../support/records.ts';
import { births } from '../support/state.ts';
import { SessionUnderTest, type World, world } from '../support/world.ts';
import { controls, jsonOf, type } from './command.ts';

interface Status {
  master: string | null;
  members: { id: string; name: string; seq: number; liveness: string }[];
}
const status = async (w: World): Promise<Status> => jsonOf<Status>(await type(w, ['status', '--json']));
const names = async (w: World): Promise<string[]> => (await status(w)).members.map(({ name }) => name);

/** A member on another machine that beat so many hours ago. */
async function far(w: World, id: string, hoursAgo = 0, told = {}): Promise<number> {
  const store = fileStore(w.state);
  await store.ready();
  const at = new Date(Date.now() - hoursAgo * 3_600_000);
  const seq = await store.join(birth(id, { host: 'elsewhere', joinedAt: at.toISOString() }), 0);
  await store.announce(id, presence({ name: id, ...told }));
  utimesSync(join(w.state, 'members', id, 'presence.json'), at, at);
  return seq;
}

describe('a member that nobody here can see', () => {
  test('is over for a newcomer when its last beat is older than the lease, and is back when it beats', async () => {
    const w = world();
    await far(w, 'killed', 9);
    await far(w, 'idle', 7);
    const one = w.session();
    const told = await one.start();
    expect(told.context).toContain('2 live sessions');
    expect(told.context).toContain('"idle"');
    expect(told.context).not.toContain('"killed"');
    expect((await one.prompt()).context).toMatch(/^You are master \(epoch 3\); 2 live sessions/);
    await fileStore(w.state).renew('killed');
    expect((await one.prompt()).context).toMatch(/^You are master \(epoch 3\); 3 live sessions/);
    expect(await names(w)).toContain('killed');
  });

  test('whose clock is ahead is no younger than now, and is over after a lease', async () => {
    const w = world();
    await far(w, 'ahead', -24 * 365);
    expect(await names(w)).toEqual(['ahead']);
    const { stdout } = await type(w, ['status']);
    expect(stdout).toMatch(/active just now/);
  });
});

describe('forget', () => {
  test.each([['name'], ['number'], ['id']])('by its %s: it is gone, and others are told', async (by) => {
    const w = world();
    const one = w.session();
    await one.start();
    await one.prompt();
    const seq = await far(w, 'container');
    expect((await one.prompt()).context).toMatch(/^You are worker \(epoch 2\)/);
    const wanted = by === 'number' ? String(seq) : 'container';
    const ran = await type(w, ['forget', wanted]);
    expect([ran.code, ran.stderr]).toEqual([0, '']);
    expect(ran.stdout).toMatch(/^"container" \(number 2\) is forgotten\./);
    expect(await names(w)).not.toContain('container');
    expect((await one.prompt()).context).toMatch(/^You are master \(epoch 1\); 1 live session/);
    // Numbers go on above it.
    const two = w.session();
    expect((await two.start()).context).toMatch(/^You are master \(epoch 3\)/);
    expect((await type(w, ['forget', 'container', '--json'])).code).toBe(0);
    expect(births(w.state).map((join) => join.seq)).toEqual([1, 3]);
    expect((await type(w, ['forget', 'container'])).code).toBe(1);
  });

  test('one that lives is refused with a sentence', async () => {
    const w = world();
    const one = w.session();
    await one.start('startup', { payload: { session_title: 'api' } });
    const ran = await type(w, ['forget', 'api']);
    expect([ran.code, ran.stdout]).toEqual([1, '']);
    expect(ran.stderr).toMatch(/^"api" is alive: its process \d+ runs on this machine\./);
    expect(await names(w)).toEqual(['api']);
  });

  test('one that is not there: names those that are', async () => {
    const w = world();
    await far(w, 'm', 0, { name: 'a\u202eb' });
    for (const wanted of ['nobody', '99', '', '../1', '\u001b[2J']) {
      const ran = await type(w, ['forget', '--', wanted]);
      expect([ran.code, ran.stdout]).toEqual([1, '']);
      expect(ran.stderr).toMatch(/^No session here is called/);
      expect(ran.stderr).toContain('1  "ab"');
      expect(ran.stderr).not.toMatch(controls);
    }
  });

  test('two of one name: by number', async () => {
    const w = world();
    await far(w, 'm1', 0, { name: 'same' });
    await far(w, 'm2', 0, { name: 'same' });
    expect((await type(w, ['forget', 'same'])).stderr).toMatch(/^More than one/);
    expect(jsonOf(await type(w, ['forget', '1', '--json']))).toEqual({ id: 'm1', seqs: [1] });
    expect(await names(w)).toEqual(['same']);
  });

  test('one that was promoted goes with all its numbers', async () => {
    const w = world();
    await far(w, 'container');
    await far(w, 'container');
    await far(w, 'other');
    expect(jsonOf(await type(w, ['forget', 'container', '--json']))).toEqual({
      id: 'container',
      seqs: [1, 2],
    });
    expect(births(w.state).map(({ seq }) => seq)).toEqual([3]);
  });
});

describe.runIf(pidNamespaceNeeds === '')('a container that is killed', () => {
  test('leaves members that are forgotten by hand, and one that lives after all joins again', async () => {
    const w = world();
    const container = await pidNamespace();
    const inside = { ...w, ground: container } as World;
    const [killed, alive] = [
      new SessionUnderTest(inside, { client: await container.startClient() }),
      new SessionUnderTest(inside, { client: await container.startClient() }),
    ];
    await killed.start('startup', { payload: { session_title: 'killed' } });
    await alive.start('startup', { payload: { session_title: 'alive' } });
    const outside = w.session();
    expect((await outside.start()).context).toContain('3 live sessions');
    for (const name of ['killed', 'alive']) expect((await type(w, ['forget', name])).code).toBe(0);
    expect((await outside.prompt()).context).toContain('1 live session;');
    expect((await alive.prompt('still here', { payload: { session_title: 'alive' } })).context).toMatch(
      /You are master \(epoch 4\).*2 live sessions/,
    );
    expect(await names(w)).toContain('alive');
    await container.end();
    expect((await type(w, ['forget', 'alive'])).code).toBe(0);
    expect((await outside.prompt()).context).toMatch(/^You are master \(epoch 3\); 1 live session/);
  });
});
