/** Machines whose clocks are days apart: order comes from numbers, leases from the observer's own clock. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, expect, type TestContext, test } from 'vitest';
import { observerOf } from '../../src/compose.ts';
import { blankSight } from '../../src/core/notebook.ts';
import { survey } from '../../src/flows/survey.ts';
import { bundled } from '../support/other-process.ts';
import { birth, presence } from '../support/records.ts';
import { git } from '../support/scratch.ts';
import { elsewhere, fleet, livingProcess, type Machine, settle } from './machines.ts';

const source = join(import.meta.dirname, '..', '..', 'src');
const acting = bundled(`
  import { gitStore } from ${JSON.stringify(join(source, 'stores', 'git-store.ts'))};
  import { locateScope } from ${JSON.stringify(join(source, 'io', 'scope.ts'))};
  const [root, config, verb, id, birth, presence] = process.argv.slice(2);
  (async () => {
    const scope = locateScope(root);
    const store = gitStore({ place: scope.commonDir + '/flowloom', scope, config: JSON.parse(config), env: process.env });
    if (verb === 'join') {
      const seq = await store.join({ ...JSON.parse(birth), joinedAt: new Date().toISOString() }, 0);
      await store.announce(id, JSON.parse(presence));
      console.log(seq);
    } else {
      await store.renew(id);
      console.log(new Date().toISOString());
    }
  })();
`);

/** What the machine does happens by this clock. */
async function act(machine: Machine, clock: string, verb: 'join' | 'renew', id: string): Promise<string> {
  const born = birth(id, { process: { ...livingProcess, domain: elsewhere(machine.name) } });
  const child = spawn(
    'faketime',
    [
      ...[
        '-f',
        clock,
        process.execPath,
        acting,
        machine.root,
        JSON.stringify(machine.site().config),
        verb,
        id,
      ],
      ...[JSON.stringify(born), JSON.stringify(presence({ name: id }))],
    ],
    { stdio: ['ignore', 'pipe', 'inherit'], env: machine.env },
  );
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  const [code] = (await once(child, 'close')) as [number];
  expect(code).toBe(0);
  return said.trim();
}
const syncBy = async (machine: Machine, clock: string): Promise<string> =>
  (await machine.command({}, ['faketime', '-f', clock])).report.outcome;

/** Whether clocks can be moved here; says so where not. */
function canSkew(context: TestContext): boolean {
  const shown = spawnSync('faketime', ['-f', '+400d', process.execPath, '-p', 'Date.now()'], {
    encoding: 'utf8',
  });
  const moved = Number(shown.stdout) - Date.now() > 300 * 86_400_000;
  if (!moved) context.skip('skipped: needs faketime');
  return moved;
}

describe('clocks that are days apart', () => {
  test('change nothing in the order or in who is master', async (context) => {
    if (!canSkew(context)) return;
    const { clone, remote } = fleet();
    const [early, late, right] = [clone('early'), clone('late'), clone('right')];
    expect(await act(late, '+3d', 'join', 'l1')).toBe('1');
    expect(await syncBy(late, '+3d')).toBe('synced');
    expect(await syncBy(early, '-3d')).toBe('synced');
    expect(await act(early, '-3d', 'join', 'e1')).toBe('2');
    expect(await syncBy(early, '-3d')).toBe('synced');
    await right.sync();
    const joinedAt = new Date().toISOString();
    await right.join('r1', { process: { ...livingProcess, domain: elsewhere('right') }, joinedAt });
    await right.sync();
    expect(await syncBy(late, '+3d')).toBe('synced');
    expect(await syncBy(early, '-3d')).toBe('synced');
    for (const one of [early, late, right]) {
      expect(await one.numbers()).toEqual({ 1: 'l1', 2: 'e1', 3: 'r1' });
      const { master, members } = await one.roster();
      expect(master?.birth.id).toBe('r1');
      expect(members.map(({ liveness }) => liveness)).toEqual(['unknown', 'unknown', 'unknown']);
    }
    // By their dates it would have been another order.
    const byDate = git(
      remote,
      'for-each-ref',
      '--sort=committerdate',
      '--format=%(subject)',
      'refs/flowloom/seq',
    );
    expect(byDate.split('\n').map((subject) => subject.split(' ').at(-1))).toEqual(['e1', 'r1', 'l1']);
  });

  test('joins of both that nobody had seen are put into one order', async (context) => {
    if (!canSkew(context)) return;
    const { clone } = fleet();
    const [early, late] = [clone('early'), clone('late')];
    await act(late, '+3d', 'join', 'l1');
    await act(early, '-3d', 'join', 'e1');
    expect(await syncBy(late, '+3d')).toBe('synced');
    expect(await syncBy(early, '-3d')).toBe('synced');
    await settle([early, late]);
    for (const one of [early, late]) expect(await one.numbers()).toEqual({ 1: 'l1', 2: 'e1' });
  });

  test('a sign of life counts also when its clock was set back, and silence only by the observer’s clock', async (context) => {
    if (!canSkew(context)) return;
    const { clone } = fleet();
    const [a, b] = [clone('a'), clone('b')];
    await act(a, '+3d', 'join', 'a1');
    await settle([a, b]);
    const observer = observerOf(livingProcess.domain, 8);
    const first = await survey(b.store(), observer, blankSight);
    const later = { ...observer, monotonic: observer.monotonic + 9 * 3_600_000 };
    expect((await survey(b.store(), later, first.sight)).roster.members).toEqual([]);
    // It is seen as it was until then: its clock is three days ahead and that makes it no younger.
    const almost = { ...observer, monotonic: observer.monotonic + 7 * 3_600_000 };
    expect((await survey(b.store(), almost, first.sight)).roster.members).toHaveLength(1);
    // Its clock goes back by six days; it lives.
    await act(a, '-3d', 'renew', 'a1');
    await settle([a, b]);
    expect((await survey(b.store(), later, first.sight)).roster.members).toHaveLength(1);
  });
});
