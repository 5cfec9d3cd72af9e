/**
 * A record that is there and that the system does not let be read: nobody is told a role that hangs on it, and nobody is silent for
 * a record that nothing hangs on.
 */
import { appendFileSync, chmodSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, onTestFinished, type TestContext, test } from 'vitest';
import type { Finding } from '../../src/doctor/doctor.ts';
import { jsonOf, type } from '../cli/command.ts';
import { filesBelow } from '../support/scratch.ts';
import { idOf, logLines } from '../support/state.ts';
import { writeOwnConfig } from '../support/trust.ts';
import { asNobody, give } from '../support/unprivileged.ts';
import { type Fire, type Fired, type SessionUnderTest, type World, world } from '../support/world.ts';
import { injecting, straceMissing } from './support/strace.ts';

const expectSilent = ({ code, signal, stdout, stderr }: Fired): void =>
  expect([code, signal, stdout, stderr]).toEqual([0, null, '', '']);

/** Three sessions, of which the last one is master. */
async function three(fire: Fire): Promise<{ w: World; all: SessionUnderTest[] }> {
  const w = world();
  if (fire.through) give(w.base);
  const all = [w.session(), w.session(), w.session()];
  for (const one of all) {
    await one.start('startup', fire);
    await one.prompt('a good goal', fire);
  }
  return { w, all };
}

const birthOf = (w: World, seq: number): string => join(w.state, 'seq', `00000000000${seq}.json`);
const presenceOf = (w: World, one: SessionUnderTest): string =>
  join(w.state, 'members', idOf(w.state, one.client.pid), 'presence.json');

describe('for good', () => {
  let fire: Fire;
  beforeEach((context) => {
    if (!asNobody) (context as unknown as TestContext).skip('skipped: needs setpriv or an unprivileged user');
    fire = asNobody!.length ? { through: asNobody! } : {};
  });
  const lock = (path: string): void => {
    chmodSync(path, 0);
    onTestFinished(() => chmodSync(path, 0o600));
  };

  test('the birth of the live master: nobody else is told that it is gone, and doctor names the record', async () => {
    const { w, all } = await three(fire);
    const [first, second, master] = all as [SessionUnderTest, SessionUnderTest, SessionUnderTest];
    lock(birthOf(w, 3));
    expectSilent(await first.prompt('who is master?', fire));
    expectSilent(await second.tools(undefined, fire));
    expectSilent(await master.prompt('and I?', fire));
    // Nobody has taken a new number for it.
    expect(readdirSync(join(w.state, 'seq')).filter((name) => name.endsWith('.json'))).toHaveLength(3);
    expect(logLines(w.state).map(({ message }) => message)).toContainEqual(
      expect.stringMatching(/record of 3 cannot be opened \(EACCES\)/),
    );
    const { findings } = jsonOf<{ findings: Finding[] }>(await type(w, ['doctor', '--json'], fire));
    expect(findings).toContainEqual(
      expect.objectContaining({
        code: 'store-damaged',
        args: expect.objectContaining({ record: birthOf(w, 3) }),
      }),
    );
    const asked = await type(w, ['status'], fire);
    expect([asked.code, asked.stderr + asked.stdout]).toEqual([
      expect.any(Number),
      expect.stringMatching(/EACCES/),
    ]);
    expect(asked.code).not.toBe(0);

    // Whoever joins later is master whatever it hides.
    expect((await w.session().start('startup', fire)).context).toMatch(/^You are master \(epoch 4\)/);
    expect((await first.prompt('and now?', fire)).context).toMatch(/^You are worker \(epoch 4\)/);
    chmodSync(birthOf(w, 3), 0o600);
    expect((await master.prompt('again', fire)).context).toMatch(/^You are worker \(epoch 4\)/);
  });

  test('what is left behind all the same: a handoff', async () => {
    const { w, all } = await three(fire);
    lock(birthOf(w, 3));
    await all[0]!.stop('This is how far I came.', fire);
    await all[0]!.end('other', fire);
    expect(readdirSync(join(w.state, 'handoffs')).join()).toContain('000001-');
  });

  test('the birth of a member that died: the others go on', async () => {
    const { w, all } = await three(fire);
    lock(birthOf(w, 3));
    await all[2]!.client.kill();
    expect((await all[0]!.prompt('who is master?', fire)).context).toMatch(
      /^You are worker \(epoch 2\)[^\n]*2 live sessions/,
    );
    expect((await all[1]!.prompt('who is master?', fire)).context).toMatch(/^You are master \(epoch 2\)/);
    expect((await w.session().start('startup', fire)).context).toMatch(
      /^You are master \(epoch 4\)[^\n]*3 live sessions/,
    );
  });

  test('the presence of the live master: it counts as it lives, until its next hook mends it', async () => {
    const { w, all } = await three(fire);
    lock(presenceOf(w, all[2]!));
    expect((await all[0]!.prompt('who is master?', fire)).context).toMatch(
      /^You are worker \(epoch 3\)[^\n]*3 live sessions/,
    );
    expect(logLines(w.state).map(({ code }) => code)).toContain('record-refused');
    expect((await all[2]!.prompt('I am', fire)).context).toMatch(/^You are master \(epoch 3\)/);
    await all[2]!.client.kill();
    expect((await all[1]!.prompt('who is master?', fire)).context).toMatch(/^You are master \(epoch 2\)/);
  });
});

describe('once', () => {
  const missing = straceMissing();
  test.for([
    ['openat', 'EACCES'],
    ['openat', 'EPERM'],
    ['read', 'EPERM'],
    ['statx', 'EACCES'],
  ] as const)('%s of any record, %s: as if nothing had been', async ([call, error], context) => {
    if (missing) return context.skip(`skipped: needs ${missing}`);
    const { w, all } = await three({});
    const paths = [birthOf(w, 1), birthOf(w, 3), presenceOf(w, all[2]!)];
    for (const path of paths) {
      const through = injecting(call, `error=${error}:when=1`, [path]);
      expect((await all[1]!.prompt('who is master?', { through })).context).toMatch(
        /^You are worker \(epoch 3\)[^\n]*3 live sessions/,
      );
    }
  });
});

test('a note of ours in which somebody else wrote is not replaced by one without that', async (context) => {
  const missing = straceMissing();
  if (missing) return context.skip(`skipped: needs ${missing}`);
  const w = world();
  const folder = join(w.base, 'notes');
  mkdirSync(folder);
  writeOwnConfig(w.home, { store: 'basic-memory', basicMemory: { path: folder } });
  const one = w.session();
  await one.start();
  await one.prompt('a good goal');
  await one.stop('Done.');
  const notes = filesBelow(folder).filter((name) => name.endsWith('.md') && !/(?:^|\/)\./.test(name));
  expect(notes.length).toBeGreaterThan(1);
  for (const note of notes) appendFileSync(join(folder, note), '\nAdded by a person.\n');
  const paths = notes.map((note) => join(folder, note));
  const through = injecting('openat', 'error=EACCES', paths);
  const fired = [await one.prompt('another goal', { through }), await one.stop('Done again.', { through })];
  expect(fired.map(({ code }) => code)).toEqual([0, 0]);
  for (const note of notes) expect(readFileSync(join(folder, note), 'utf8')).toContain('Added by a person.');
});

test('a directory of the user that install could not look at is not taken for one that it made', async (context) => {
  const missing = straceMissing();
  if (missing) return context.skip(`skipped: needs ${missing}`);
  const w = world();
  const theirs = join(w.root, '.claude');
  mkdirSync(theirs);
  const through = injecting('?access,?faccessat,?faccessat2', 'error=EACCES', [theirs]);
  await type(w, ['install'], { through });
  expect((await type(w, ['install'])).code).toBe(0);
  expect((await type(w, ['uninstall'])).code).toBe(0);
  expect(existsSync(theirs)).toBe(true);
});
