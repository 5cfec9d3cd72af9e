/** What somebody who can push may put into the remote, and how little that does. */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { renderHandoff } from '../../src/core/handoff.ts';
import type { Birth, Presence } from '../../src/core/member.ts';
import { readNotes } from '../../src/flows/notes.ts';
import { thisDomain } from '../../src/io/processes.ts';
import { birth, handoff, presence } from '../support/records.ts';
import { filesBelow, git } from '../support/scratch.ts';
import { elsewhere, fleet, livingProcess, type Machine, runCommand, settle } from './machines.ts';

const emptyTree = '4b825dc642cb6eb9a060e54bf8d69288fbee4904';
const far = 999_999_999_999_999;

interface Forged {
  readonly clone?: string;
  readonly tree?: string;
  readonly parent?: string;
}

/** A commit as the store makes them, or nearly. */
function forge(
  remote: string,
  text: string,
  { clone = 'cevil', tree = emptyTree, parent }: Forged = {},
): string {
  const who = `<${clone}@flowloom.invalid> 1764300000 +0000`;
  const head = [`tree ${tree}`, ...(parent ? [`parent ${parent}`] : [])];
  const input = `${head.join('\n')}\nauthor flowloom ${who}\ncommitter x ${who}\n\nforged\n\n${text}`;
  // As git itself makes the empty tree: it need not be there.
  return execFileSync('git', ['-C', remote, 'hash-object', '-t', 'commit', '-w', '--literally', '--stdin'], {
    input,
    encoding: 'utf8',
  }).trim();
}
const put = (remote: string, name: string, oid: string): void =>
  void git(remote, 'update-ref', `refs/flowloom/${name}`, oid);
const seqName = (seq: number): string => `seq/${String(seq).padStart(12, '0')}`;
function putBirth(remote: string, seq: number, id: string, more: Partial<Birth> = {}, how?: Forged): void {
  put(
    remote,
    seqName(seq),
    forge(remote, JSON.stringify(birth(id, { joinedAt: new Date().toISOString(), ...more })), how),
  );
}
function putPresence(remote: string, id: string, more: Partial<Presence> = {}, how?: Forged): void {
  put(remote, `members/${id}`, forge(remote, JSON.stringify(presence({ name: id, ...more })), how));
}
const emptyTreeIn = (remote: string): string =>
  execFileSync('git', ['-C', remote, 'hash-object', '-t', 'tree', '-w', '--stdin'], { input: '' }).toString();

function hostile() {
  const made = fleet();
  emptyTreeIn(made.remote);
  return made;
}
const cloneOf = (machine: Machine): string =>
  /clone = (\S+)/.exec(readFileSync(join(machine.coord, 'config'), 'utf8'))![1]!;
const alive = async (machine: Machine) =>
  (await machine.roster()).members.map(({ birth, liveness }) => [birth.id, liveness]);
const sizeOf = (machine: Machine): number =>
  filesBelow(machine.coord).reduce((sum, file) => sum + readFileSync(join(machine.coord, file)).length, 0);

describe('a birth with the hash of this machine', () => {
  test.each<[string, Partial<Birth['process']>]>([
    ['pid 1 and no start time', { pid: 1, start: '' }],
    ['a process that lives here', { pid: livingProcess.pid, start: livingProcess.start }],
  ])('%s is nobody of this machine: it lives as long as its lease', async (_what, process) => {
    const { clone, remote } = hostile();
    const a = clone('a');
    await a.join('alice');
    putBirth(remote, 9, 'evil', { process: { ...livingProcess, ...process, domain: thisDomain() } });
    expect((await a.sync()).outcome).toBe('synced');
    expect(await alive(a)).toEqual([
      ['evil', 'unknown'],
      ['alice', 'alive'],
    ]);
  });

  test('that says it was written here is not believed, and its number is taken', async () => {
    const { clone, remote } = hostile();
    const a = clone('a');
    await a.join('alice');
    const how = { clone: cloneOf(a) };
    putBirth(remote, 9, 'evil', { process: livingProcess }, how);
    putPresence(remote, 'evil', {}, how);
    const report = await a.sync();
    expect(report).toMatchObject({ outcome: 'synced', refused: { count: 2 } });
    expect(report.refused.some.map(({ record }) => record).sort()).toEqual(['members/evil', seqName(9)]);
    expect(await alive(a)).toEqual([['alice', 'alive']]);
    expect(await a.store().presence('evil')).toBeNull();
    expect(await a.join('bob')).toBe(10);
    expect((await a.sync()).outcome).toBe('synced');
    // What is refused once is not fetched again, and is told again.
    expect((await a.sync()).refused.count).toBe(2);
  });

  test('does not take the place of a session that lives here', async () => {
    const { clone, remote } = hostile();
    const a = clone('a');
    await a.join('alice');
    await a.sync();
    putBirth(remote, 1, 'evil', { process: livingProcess });
    putPresence(remote, 'alice', { left: { seq: far, at: '', reason: 'evil' } });
    expect((await a.sync()).outcome).toBe('synced');
    expect((await alive(a)).find(([id]) => id === 'alice')).toEqual(['alice', 'alive']);
    expect((await a.store().presence('alice'))?.presence.left).toBeNull();
  });
});

describe('a birth with the id of another member', () => {
  test('that joined here is refused, whatever it says, and takes a number only', async () => {
    const { clone, remote } = hostile();
    const a = clone('a');
    await a.join('alice');
    await a.sync();
    putBirth(remote, 9, 'alice', {
      candidacy: 'declined',
      process: { ...livingProcess, domain: elsewhere('evil') },
    });
    expect(await a.sync()).toMatchObject({
      outcome: 'synced',
      refused: {
        count: 1,
        some: [{ record: seqName(9), reason: 'it is a join of a session of this clone' }],
      },
    });
    expect(await alive(a)).toEqual([['alice', 'alive']]);
    expect((await a.roster()).master?.birth.id).toBe('alice');
    expect(await a.join('bob')).toBe(10);
  });

  test.each(['__proto__', 'constructor', 'toString'])('%s is no id', async (id) => {
    const { clone, remote } = hostile();
    const a = clone('a');
    await a.join('alice');
    putBirth(remote, 9, id, { process: { ...livingProcess, domain: elsewhere('evil') } });
    putPresence(remote, id);
    expect(await a.sync()).toMatchObject({ outcome: 'synced', refused: { count: 2 } });
    expect(await alive(a)).toEqual([['alice', 'alive']]);
  });
});

describe('a birth with the time', () => {
  const evil = { ...livingProcess, domain: elsewhere('evil') };

  test.each(['9999-12-31T23:59:59.999Z', '+275760-09-13T00:00:00.000Z'])(
    '%s lives no longer than a lease after it was taken over',
    async (joinedAt) => {
      const { clone, remote } = hostile();
      const a = clone('a');
      await a.join('alice', { candidacy: 'fallback' });
      putBirth(remote, 9, 'evil', { joinedAt, process: evil });
      expect((await a.sync()).outcome).toBe('synced');
      expect(await alive(a)).toContainEqual(['evil', 'unknown']);
      const nineHoursAgo = Date.now() / 1000 - 9 * 3600;
      utimesSync(join(a.coord, 'refs', 'flowloom', seqName(9)), nineHoursAgo, nineHoursAgo);
      expect(await alive(a)).toEqual([['alice', 'alive']]);
    },
  );

  test.each(['yesterday', '', 'NaN'])('"%s" is no birth', async (joinedAt) => {
    const { clone, remote } = hostile();
    const a = clone('a');
    await a.join('alice');
    putBirth(remote, 9, 'evil', { joinedAt, process: evil });
    expect(await a.sync()).toMatchObject({ outcome: 'synced', refused: { count: 1 } });
    expect(await alive(a)).toEqual([['alice', 'alive']]);
    expect((await runCommand(a, ['status', '--json'])).code).toBe(0);
  });
});

describe('a number far above all others', () => {
  test.each([far, 1_000_011, 2_000_000])('%d neither splits nor blocks', async (number) => {
    const { clone, remote } = hostile();
    const [a, b] = [clone('a'), clone('b')];
    for (let n = 1; n <= 5; n++) await a.join(`a${n}`);
    await settle([a, b]);
    putBirth(remote, number, 'evil');
    const report = await a.sync();
    expect(report.outcome).toBe('synced');
    expect(report.refused).toEqual({
      count: 1,
      some: [{ record: seqName(number), reason: expect.stringMatching(/above all others/) }],
    });
    expect(await a.join('after')).toBe(6);
    await b.join('later');
    await settle([a, b]);
    const order = await a.numbers();
    expect(await b.numbers()).toEqual(order);
    expect((await a.roster()).epoch).toBe((await b.roster()).epoch);
    expect((await a.roster()).epoch).toBeLessThan(20);
    const { stdout } = await runCommand(a, ['sync']);
    expect(stdout).toContain('1 record of the remote was not taken over');
  });

  test('within a step is taken, and whoever comes later believes the same, also after both tidied up', async () => {
    const { clone, remote } = hostile();
    const [a, b] = [clone('a'), clone('b')];
    for (let n = 1; n <= 5; n++) await a.join(`a${n}`);
    await settle([a, b]);
    for (const number of [1_000_005, 2_000_005]) putBirth(remote, number, `evil${number}`);
    await settle([a, b]);
    expect(await a.join('after')).toBe(2_000_006);
    await settle([a, b]);
    for (const one of [a, b]) await one.store().forget({ seqs: (await one.store().numbers()).above });
    await settle([a, b]);
    const c = clone('c');
    await settle([a, b, c]);
    expect((await c.store().numbers()).above.at(-1)).toBe(2_000_006);
    await c.join('newest');
    await settle([a, b, c]);
    for (const one of [a, b, c]) expect((await one.store().numbers()).above.at(-1)).toBe(2_000_007);
    // Somebody removes the steps there: who has them puts them back.
    for (const ref of git(remote, 'for-each-ref', '--format=%(refname)', 'refs/flowloom/seq')
      .split('\n')
      .slice(0, -1))
      git(remote, 'update-ref', '-d', ref);
    await settle([a, b]);
    const d = clone('d');
    await settle([d]);
    expect((await d.store().numbers()).above.at(-1)).toBe(2_000_007);
  });
});

describe('a handoff', () => {
  const evil = (seq: number, more = {}): string =>
    renderHandoff(
      handoff({ member: 'evil', name: 'evil', seq, epoch: seq, ...more }),
      `${String(seq).padStart(6, '0')}-evil`,
      6000,
    );

  test('is not taken over where only facts are shared', async () => {
    const { clone, remote } = hostile();
    const a = clone('a');
    await a.join('alice');
    put(remote, 'handoffs/000009-evil', forge(remote, evil(9)));
    const report = await a.sync();
    expect(report.refused.some).toEqual([
      { record: 'handoffs/000009-evil', reason: 'handoffs are not shared here ("git.share")' },
    ]);
    expect(await a.store().handoffs()).toEqual([]);
    expect(readdirSync(join(a.coord, 'refs/flowloom'))).not.toContain('handoffs');
  });

  test('of somebody who never joined says so, and one of a member says where it came from', async () => {
    const { clone, remote } = hostile();
    const [a, b] = [clone('a'), clone('b')];
    for (const one of [a, b]) one.configure({ git: { remote: 'origin', share: 'handoffs' } });
    const seq = await b.join('bob');
    const honest = handoff({ member: 'bob', name: 'bob', seq, epoch: seq });
    await b.store().putHandoff('000001-bob', renderHandoff(honest, '000001-bob', 6000));
    await settle([b, a]);
    put(remote, 'handoffs/000009-evil', forge(remote, evil(9)));
    // It names a number and a member of another clone.
    put(remote, 'handoffs/000010-evil', forge(remote, evil(seq, { member: 'bob' })));
    await a.sync();
    const notes = await readNotes(a.store(), Date.now());
    expect(notes.map(({ head, origin }) => [head.id, origin])).toEqual(
      expect.arrayContaining([
        ['000001-bob', { clone: cloneOf(b), isProven: true }],
        ['000009-evil', { clone: 'cevil', isProven: false }],
        ['000010-evil', { clone: 'cevil', isProven: false }],
      ]),
    );
    expect(notes).toHaveLength(3);
  });
});

describe('more than anybody needs', () => {
  test('of records: the newest are taken, the others are refused and counted', async () => {
    const { clone, remote } = hostile();
    const a = clone('a');
    await a.join('alice');
    const oid = forge(
      remote,
      JSON.stringify(
        birth('evil', {
          process: { ...livingProcess, domain: elsewhere('x') },
          joinedAt: new Date().toISOString(),
        }),
      ),
    );
    const told = forge(remote, JSON.stringify(presence({ name: 'evil' })));
    const lines: string[] = [];
    for (let n = 2; n <= 3001; n++) lines.push(`create refs/flowloom/${seqName(n)} ${oid}`);
    for (let n = 1; n <= 3000; n++) lines.push(`create refs/flowloom/members/evil-${n} ${told}`);
    execFileSync('git', ['-C', remote, 'update-ref', '--stdin'], { input: `${lines.join('\n')}\n` });
    const report = await a.sync();
    expect(report).toMatchObject({ outcome: 'synced', refused: { count: 2000 + 3000 } });
    const { above } = await a.store().numbers();
    expect(above).toHaveLength(1001);
    expect(above.slice(-2)).toEqual([3000, 3001]);
    expect((await a.roster()).members).toHaveLength(2);
    expect((await a.store().memberIds()).length).toBeLessThanOrEqual(1001);
  });

  test.each<[string, (remote: string) => string]>([
    [
      'a record of 75 MiB',
      (remote) => forge(remote, JSON.stringify(presence({ doing: 'x'.repeat(75 << 20) }))),
    ],
    [
      'a record of 40 MiB that cannot be compressed',
      (remote) => forge(remote, JSON.stringify(presence({ doing: randomBytes(20 << 20).toString('hex') }))),
    ],
    [
      'a record with content',
      (remote) =>
        forge(remote, JSON.stringify(presence()), { tree: git(remote, 'rev-parse', 'main^{tree}') }),
    ],
    [
      'a record with a past',
      (remote) => forge(remote, JSON.stringify(presence()), { parent: git(remote, 'rev-parse', 'main') }),
    ],
    [
      'a record of 17 KiB',
      (remote) => forge(remote, JSON.stringify(presence({ doing: 'x'.repeat(17 << 10) }))),
    ],
    ['a blob', (remote) => git(remote, 'rev-parse', 'main:README.md')],
    ['something else', (remote) => forge(remote, '"presence"')],
  ])('%s is not kept, and keeps nothing from coming', async (_what, make) => {
    const { clone, remote } = hostile();
    const [a, b] = [clone('a'), clone('b')];
    await a.join('alice');
    await b.join('bob');
    await b.sync();
    put(remote, 'members/evil', make(remote));
    for (let round = 0; round < 2; round++) {
      const report = await a.sync();
      expect(report).toMatchObject({ outcome: 'synced', refused: { count: 1 } });
      expect(report.refused.some[0]?.record).toBe('members/evil');
    }
    expect((await alive(a)).map(([id]) => id).sort()).toEqual(['alice', 'bob']);
    expect(await a.store().presence('evil')).toBeNull();
    expect(sizeOf(a)).toBeLessThan(200_000);
    expect(git(a.coord, 'fsck', '--no-dangling')).toBe('');
    expect(readdirSync(a.coord).filter((name) => name.startsWith('tmp_'))).toEqual([]);
  });

  test('names that no record has are counted, and shown harmless', async () => {
    const { clone, remote } = hostile();
    const a = clone('a');
    await a.join('alice');
    const oid = forge(remote, '{}');
    for (const name of ['seq/evil', 'x/y', 'members/a\u202eb', 'handoffs/`rm`']) put(remote, name, oid);
    const report = await a.sync();
    expect(report).toMatchObject({ outcome: 'synced', refused: { count: 4 } });
    const { stdout } = await runCommand(a, ['sync']);
    expect(stdout).not.toMatch(/\u202e/);
    expect(existsSync(join(a.coord, 'refs/flowloom/x'))).toBe(false);
  });
});
