/** What a remote can do to a sync, and what a sync tells a remote. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { startOf } from '../../src/io/processes.ts';
import { isSyncing } from '../../src/stores/git/sync-lock.ts';
import { syncFacts } from '../../src/stores/git/sync-report.ts';
import { commandPath } from '../cli/command.ts';
import { hooksFolder } from '../support/built.ts';
import { startLongClient } from '../support/clients.ts';
import { program, programPath } from '../support/program.ts';
import { birth, presence } from '../support/records.ts';
import { git, write } from '../support/scratch.ts';
import {
  elsewhere,
  fleet,
  held,
  livingProcess,
  type Machine,
  quiet,
  runCommand,
  settle,
} from './machines.ts';

const seqRef = (seq: number): string => `refs/flowloom/seq/${String(seq).padStart(12, '0')}`;
const ids = async (machine: Machine): Promise<string[]> =>
  (await machine.roster()).members.map(({ birth }) => birth.id);

describe('a remote that does not work', () => {
  test('is unreachable: the sync says so, everything goes on here, and is sent once it is back', async () => {
    const { clone, remote } = fleet();
    const a = clone('a');
    await a.join('alice');
    expect((await a.sync()).outcome).toBe('synced');
    const viewAt = syncFacts(a.place)!.viewAt;
    renameSync(remote, `${remote}.away`);
    const bob = await a.join('bob');
    const report = await a.sync();
    expect(report.outcome).toBe('unreachable');
    expect(report.message).toMatch(/remote\.git/);
    expect(syncFacts(a.place)).toEqual(report);
    expect(report.viewAt).toBe(viewAt);
    expect((await a.roster()).master?.seq).toBe(bob);
    renameSync(`${remote}.away`, remote);
    expect(await a.sync()).toMatchObject({ outcome: 'synced', sent: 2 });
  });

  test('hangs: git and whatever it started are killed at the limit', async () => {
    const { base, clone } = fleet();
    const a = clone('a');
    await a.join('alice');
    const pids = join(base, 'pids');
    // Its child ignores what a polite kill sends, and holds the output open.
    program(join(base, 'bin', 'git-remote-hang'), `trap '' TERM; sleep 1000 & echo "$$ $!" > ${pids}; wait`);
    git(a.root, 'remote', 'set-url', 'origin', 'hang::x');
    a.env.PATH = `${join(base, 'bin')}:${process.env.PATH}`;
    const report = await a.sync(1500);
    expect(report).toMatchObject({ outcome: 'slow', sent: 0 });
    const started = readFileSync(pids, 'utf8').trim().split(' ').map(Number);
    expect(started).toHaveLength(2);
    for (const pid of started) await expect.poll(() => startOf(pid)).toBeNull();
    expect(isSyncing(a.place, 60_000)).toBe(false);
  });

  describe('is reached by the ssh that the user configured', () => {
    const inHome = ({ env }: Machine): string => join(env.HOME!, '.gitconfig');
    test.each<[string, (machine: Machine, value: string) => void]>([
      ['in the repository', ({ root }, value) => void git(root, 'config', 'core.sshCommand', value)],
      [
        'for all repositories',
        (machine, value) => void git('/', 'config', '-f', inHome(machine), 'core.sshCommand', value),
      ],
      [
        'for those in a directory',
        (machine, value) => {
          const file = join(machine.env.HOME!, 'work.gitconfig');
          git('/', 'config', '-f', file, 'core.sshCommand', value);
          git('/', 'config', '-f', inHome(machine), `includeIf.gitdir:${machine.root}/.git.path`, file);
        },
      ],
      [
        'for all, and another in the repository',
        (machine, value) => {
          git('/', 'config', '-f', inHome(machine), 'core.sshCommand', 'false');
          git(machine.root, 'config', 'core.sshCommand', value);
        },
      ],
      [
        'in the environment',
        (machine, value) => {
          git('/', 'config', '-f', inHome(machine), 'core.sshCommand', 'false');
          machine.env.GIT_SSH_COMMAND = value;
        },
      ],
    ])('%s', async (_where, configure) => {
      const { base, clone } = fleet();
      const a = clone('a');
      git(a.root, 'remote', 'set-url', 'origin', 'shop@host.invalid:shop.git');
      await a.join('alice');
      const said = join(base, 'said');
      configure(a, `${program(join(base, 'own', 'ssh'), `echo "$*" > ${said}; exit 255`)} -i key`);
      program(join(base, 'bin', 'ssh'), 'exit 255');
      a.env.PATH = `${join(base, 'bin')}:${process.env.PATH}`;
      expect((await a.sync()).outcome).toBe('unreachable');
      expect(readFileSync(said, 'utf8')).toMatch(/^-i key -o BatchMode=yes/);
    });
  });

  test('over ssh is not asked for a password and may be tried for a moment only', async () => {
    const { base, clone } = fleet();
    const a = clone('a');
    await a.join('alice');
    const said = join(base, 'said');
    program(join(base, 'bin', 'ssh'), `echo "$*" > ${said}; exit 255`);
    git(a.root, 'remote', 'set-url', 'origin', 'dev@shop.example:shop.git');
    a.env.PATH = `${join(base, 'bin')}:${process.env.PATH}`;
    expect((await a.sync()).outcome).toBe('unreachable');
    expect(readFileSync(said, 'utf8')).toMatch(/-o BatchMode=yes -o ConnectTimeout=5.*dev@shop\.example/);
  });

  test('a secret in its address is not in what is kept', async () => {
    const { clone } = fleet();
    const a = clone('a');
    await a.join('alice');
    git(a.root, 'remote', 'set-url', 'origin', 'http://dev:hunter2secret@127.0.0.1:9/shop.git');
    const report = await a.sync();
    expect(report.outcome).toBe('unreachable');
    expect(readFileSync(join(a.place, 'sync.json'), 'utf8')).not.toContain('hunter2secret');
  });

  test.each<[string, (remote: string) => void]>([
    [
      'by a hook of its own',
      (remote) => void program(join(remote, 'hooks', 'pre-receive'), 'echo only branches here >&2; exit 1'),
    ],
    [
      'because it hides such refs',
      (remote) => void git(remote, 'config', 'receive.hideRefs', 'refs/flowloom'),
    ],
  ])('refuses the refs %s: said, and what others have is read all the same', async (_what, refuse) => {
    const { clone, remote } = fleet();
    const [a, b] = [clone('a'), clone('b')];
    await b.join('bob');
    await b.sync();
    refuse(remote);
    await a.join('alice');
    const report = await a.sync();
    expect(report.outcome).toBe('refused');
    expect(report.message).toMatch(/declined|hidden/);
    expect((await ids(a)).sort()).toEqual(['alice', 'bob']);
    const { code, stderr } = await runCommand(a, ['sync']);
    expect(code).toBe(1);
    expect(stderr).toMatch(/origin does not take these records/);
  });

  test.each([
    ['is not configured', { git: { remote: '' } }, /No remote is configured/],
    ['is not known to the repository', { git: { remote: 'nowhere' } }, /no remote called nowhere/],
    ['is not for this store', { store: 'file', git: { remote: 'origin' } }, /file store has no remote/],
  ])('%s: said, and no failure', async (_what, config, said) => {
    const { clone } = fleet();
    const a = clone('a');
    a.configure(config);
    const { code, stdout } = await runCommand(a, ['sync']);
    expect([code, stdout]).toEqual([0, expect.stringMatching(said)]);
    expect((await a.command()).report.outcome).toBe('no-remote');
  });
});

describe('a remote that loses what it had', () => {
  test('gets it again, and numbers do not go backwards', async () => {
    const { clone, remote } = fleet();
    const [a, b] = [clone('a'), clone('b')];
    for (const id of ['a1', 'a2', 'a3']) await a.join(id);
    await settle([a, b]);
    const before = await b.numbers();
    // Reset: a new repository in its place.
    rmSync(remote, { recursive: true });
    git('/', 'init', '-q', '--bare', remote);
    expect(await b.sync()).toMatchObject({ outcome: 'synced' });
    const next = await b.join('b1');
    expect(next).toBe(4);
    await settle([a, b]);
    expect(await a.numbers()).toEqual({ ...before, 4: 'b1' });
    expect(await b.numbers()).toEqual({ ...before, 4: 'b1' });
    expect((await a.roster()).master?.birth.id).toBe('b1');
    // A clone that comes now and has seen nothing begins above them.
    const c = clone('c');
    await c.sync();
    expect(await c.join('c1')).toBe(5);
  });

  test('and gave a number a second time: one order all the same', async () => {
    const { clone, remote } = fleet();
    const [a, b, c] = [clone('a'), clone('b'), clone('c')];
    await a.join('a1');
    await a.join('a2');
    await settle([a, b]);
    for (const ref of git(remote, 'for-each-ref', '--format=%(refname)', 'refs/flowloom').split('\n'))
      git(remote, 'update-ref', '-d', ref);
    await c.join('c1');
    await c.join('c2');
    await c.sync();
    await settle([a, b, c]);
    await settle([c, b, a]);
    const order = await a.numbers();
    expect(await b.numbers()).toEqual(order);
    expect(await c.numbers()).toEqual(order);
    expect([...Object.values(order)].sort()).toEqual(['a1', 'a2', 'c1', 'c2']);
    for (const one of [a, b, c]) expect((await one.roster()).epoch).toBe(Number(Object.keys(order).at(-1)));
  });

  test('holds things that are none of ours: ignored, and their numbers are taken', async () => {
    const { clone, remote } = fleet();
    const a = clone('a');
    await a.join('alice');
    const blob = git(remote, 'rev-parse', 'main:README.md');
    const commit = git(remote, 'rev-parse', 'main');
    for (const ref of [
      'seq/evil',
      'seq/0000000000000000000000000009',
      'other/x',
      'members/x.y-z',
      'handoffs/mine',
    ])
      git(remote, 'update-ref', `refs/flowloom/${ref}`, commit);
    git(remote, 'update-ref', seqRef(1), blob);
    git(remote, 'update-ref', seqRef(7), commit);
    const report = await a.sync();
    expect(report).toMatchObject({ outcome: 'synced', renumbered: [{ member: 'alice', from: 1, to: 8 }] });
    expect((await a.store().numbers()).above).toEqual([1, 7, 8]);
    expect(await ids(a)).toEqual(['alice']);
    expect(await a.store().handoffs()).toEqual([]);
    expect((await a.sync()).outcome).toBe('synced');
  });
});

describe('a number that is taken while it is being sent', () => {
  /** Somebody else pushes first: whoever looks sees no number, and finds one at the push. */
  const overtaken = (machine: Machine, by: Machine, base: string): void => {
    const real = programPath('git');
    const once = join(base, 'overtaken');
    const push = `'${real}' --git-dir '${by.coord}' push -q '${join(base, 'remote.git')}' ${seqRef(1)}:${seqRef(1)}`;
    program(
      join(base, 'bin', 'git'),
      `[ "$1" = push ] && [ ! -e '${once}' ] && : > '${once}' && env -u GIT_DIR ${push}\nexec '${real}' "$@"`,
    );
    machine.env.PATH = `${join(base, 'bin')}:${process.env.PATH}`;
  };
  const numbersOn = (remote: string): string[] =>
    git(remote, 'for-each-ref', '--format=%(refname)', 'refs/flowloom/seq').split('\n');

  test('of those that came after it none is left there', async () => {
    const { base, clone, remote } = fleet();
    const [a, b] = [clone('a'), clone('b')];
    await b.join('bob');
    for (const id of ['a1', 'a2', 'a3']) await a.join(id);
    overtaken(a, b, base);
    const report = await a.sync();
    expect(report).toMatchObject({ outcome: 'synced', message: '' });
    expect(report.renumbered.map(({ member }) => member)).toEqual(['a1', 'a2', 'a3']);
    await b.sync();
    const order = Object.values(await b.numbers());
    expect(order).toEqual(['bob', 'a1', 'a2', 'a3']);
    expect(numbersOn(remote)).toHaveLength(4);
  });

  test('the order is right, too, on a remote that cannot take all or none', async () => {
    const { base, clone, remote } = fleet();
    git(remote, 'config', 'receive.advertiseAtomic', 'false');
    const [a, b] = [clone('a'), clone('b')];
    await b.join('bob');
    for (const id of ['a1', 'a2', 'a3']) await a.join(id);
    overtaken(a, b, base);
    expect(await a.sync()).toMatchObject({ outcome: 'synced', message: '' });
    await b.sync();
    for (const one of [a, b]) {
      const { members } = await one.roster();
      expect(members.map(({ birth }) => birth.id).reverse()).toEqual(['bob', 'a1', 'a2', 'a3']);
    }
    // It took two of the old ones, whose members have later ones now.
    expect(numbersOn(remote)).toHaveLength(6);
  });
});

test('the very last number on a remote keeps nobody from joining', async () => {
  const { clone, remote } = fleet();
  const a = clone('a');
  const commit = git(remote, 'rev-parse', 'main');
  for (const name of ['999999999999999', '9007199254740991', '9999999999999999'])
    git(remote, 'update-ref', `refs/flowloom/seq/${name}`, commit);
  await a.sync();
  expect(await a.join('alice')).toBe(1);
  expect((await a.roster()).master?.birth.id).toBe('alice');
  await a.sync();
  expect(await a.join('again')).toBe(2);
});

describe('what others are told', () => {
  const secrets = {
    cwd: '/home/dev/secret-cwd',
    worktree: '/home/dev/secret-worktree',
    transcript: '/home/dev/secret-transcript.jsonl',
    doing: 'secret-prompt',
    sessionId: 'secret-session',
  };

  test('is facts: no path, no prompt, no handoff, no name of the machine', async () => {
    const { clone, remote } = fleet();
    const [a, b] = [clone('a'), clone('b')];
    await a.join('alice', { host: 'secret-host' }, { ...secrets, branch: 'feature/x' });
    await a.store().putHandoff('000001-abc', 'secret-note\n');
    await settle([a, b]);
    const all = held(remote);
    expect(all).toContain('alice');
    expect(all).not.toMatch(/secret|\/home/);
    expect((await b.store().presence('alice'))?.presence).toMatchObject({
      name: 'alice',
      branch: 'feature/x',
      cwd: '',
    });
    expect(await b.store().handoffs()).toEqual([]);
    // Here everything is as it was.
    expect((await a.store().presence('alice'))?.presence).toMatchObject(secrets);
    expect((await a.store().birth(1))?.host).toBe('secret-host');
  });

  test('is handoffs, too, where that is wanted; and no more once it is not', async () => {
    const { clone, remote } = fleet();
    const [a, b] = [clone('a'), clone('b')];
    a.configure({ git: { remote: 'origin', share: 'handoffs' } });
    await a.join('alice');
    await a.store().putHandoff('000001-abc', 'note\n');
    await settle([a, b]);
    // Who does not share handoffs takes none either.
    expect(await b.store().handoffs()).toEqual([]);
    b.configure({ git: { remote: 'origin', share: 'handoffs' } });
    await settle([a, b]);
    expect(await b.store().handoff('000001-abc')).toBe('note\n');
    await a.store().putHandoff('000001-abc', 'newer\n');
    await settle([a, b]);
    expect(await b.store().handoff('000001-abc')).toBe('newer\n');
    // One that was dropped elsewhere stays with its owner.
    await b.store().dropHandoff('000001-abc');
    await settle([a, b]);
    expect(await b.store().handoffs()).toEqual([]);
    expect(await a.store().handoffs()).toEqual(['000001-abc']);

    a.configure({ git: { remote: 'origin', share: 'facts' } });
    await settle([a, b]);
    expect(git(remote, 'for-each-ref', 'refs/flowloom/handoffs')).toBe('');
    expect(await a.store().handoff('000001-abc')).toBe('newer\n');
  });

  test('is that a member left, and that its process ended', async () => {
    const { clone } = fleet();
    const [a, b] = [clone('a'), clone('b')];
    const client = startLongClient();
    onTestFinished(() => client.kill());
    const process_ = { pid: client.pid, start: startOf(client.pid)!, domain: livingProcess.domain };
    await a.join('killed', { process: process_ });
    const left = await a.join('left');
    await settle([a, b]);
    expect((await ids(b)).sort()).toEqual(['killed', 'left']);
    await a.store().announce('left', presence({ left: { seq: left, at: 'x', reason: 'exit' } }));
    await client.kill();
    await settle([a, b]);
    for (const id of ['left', 'killed'])
      expect((await b.store().presence(id))?.presence.left?.reason).toBe(id === 'left' ? 'exit' : 'died');
    expect(await ids(b)).toEqual([]);
    // Its own machine still knows that it went without a word, and what it had to tell.
    expect((await a.store().presence('killed'))?.presence.left).toBeNull();
  });

  test('a sign of life moves the beat elsewhere, and nothing else does', async () => {
    const { clone } = fleet();
    const [a, b] = [clone('a'), clone('b')];
    await a.join('alice', { process: { ...livingProcess, domain: elsewhere('a') } });
    await settle([a, b]);
    const first = (await b.store().presence('alice'))!.beat;
    expect((await b.roster()).members[0]).toMatchObject({ liveness: 'unknown', seq: 1 });
    await b.sync();
    await b.join('bob');
    await settle([a, b]);
    expect((await b.store().presence('alice'))!.beat).toBe(first);
    // Beats alone are sent every ten minutes at most.
    const ref = join(a.coord, 'refs/flowloom/members/alice');
    const later = new Date(Date.now() + 700_000);
    utimesSync(ref, later, later);
    await settle([a, b]);
    expect((await b.store().presence('alice'))!.beat).not.toBe(first);
  });

  test('what was forgotten here goes there, stays away, and the highest number stays', async () => {
    const { clone, remote } = fleet();
    const [a, b] = [clone('a'), clone('b')];
    for (const id of ['x', 'y', 'z']) await a.join(id);
    await settle([a, b]);
    // It is dead for b, which tidies up.
    await a.store().forget({ seqs: [1, 2, 3], members: ['x'] });
    await settle([a, b]);
    expect(git(remote, 'for-each-ref', '--format=%(refname)', 'refs/flowloom/seq')).toBe(seqRef(3));
    await b.store().forget({ seqs: [1, 2], members: ['x'] });
    await settle([a, b]);
    for (const one of [a, b]) expect((await one.store().numbers()).above).toEqual([3]);
    expect(held(remote)).toContain('join 3');
    expect(await clone('c').sync()).toMatchObject({ outcome: 'synced', renumbered: [] });
  });
});

describe("the user's repository", () => {
  test('is neither entered nor written to, whatever its configuration wants', async () => {
    const { clone } = fleet();
    const [a, b] = [clone('a'), clone('b')];
    git(a.root, 'tag', '-a', '-m', 'mine', 'v1');
    program(join(a.root, '.git', 'hooks', 'pre-push'), 'exit 1');
    program(join(a.root, '.git', 'hooks', 'reference-transaction'), 'exit 1');
    git(a.root, 'config', 'remote.origin.fetch', '+refs/*:refs/*');
    git(a.root, 'config', 'remote.origin.mirror', 'true');
    git(a.root, 'config', 'push.default', 'nothing');
    git(a.root, 'config', 'core.hooksPath', join(a.root, '.git', 'hooks'));
    git(a.root, 'config', 'push.followTags', 'true');
    write(join(a.root, 'new.txt'), 'x');
    const before = [a.untouched(), b.untouched()];
    await a.join('alice');
    await b.join('bob');
    await settle([a, b]);
    expect((await ids(b)).sort()).toEqual(['alice', 'bob']);
    expect([a.untouched(), b.untouched()]).toEqual(before);
  });

  test('lends its ways to reach the remote: rewritten addresses, a relative path, a program of its own', async () => {
    const { base, clone, remote } = fleet();
    const [a, b, c] = [clone('a'), clone('b'), clone('c')];
    git(a.root, 'remote', 'set-url', 'origin', 'shop:remote.git');
    git(a.root, 'config', `url.${base}/.insteadOf`, 'shop:');
    git(b.root, 'remote', 'set-url', 'origin', '../../remote.git');
    const log = join(base, 'ran');
    git(
      c.root,
      'config',
      'remote.origin.uploadpack',
      program(join(base, 'up'), `echo up >> ${log}; exec git-upload-pack "$@"`),
    );
    git(
      c.root,
      'config',
      'remote.origin.receivepack',
      program(join(base, 'rp'), `echo rp >> ${log}; exec git-receive-pack "$@"`),
    );
    for (const one of [a, b, c]) await one.join(one.name);
    await settle([a, b, c]);
    expect((await ids(c)).sort()).toEqual(['a', 'b', 'c']);
    expect(readFileSync(log, 'utf8')).toMatch(/^up\n(?:.*\n)*rp\n/);
    expect(git(remote, 'for-each-ref', 'refs/flowloom/seq').split('\n')).toHaveLength(3);
  });

  test('in a worktree syncs the same records', async () => {
    const { base, clone } = fleet();
    const a = clone('a');
    await a.join('alice');
    const tree = join(base, 'tree');
    git(a.root, 'worktree', 'add', '-q', '-b', 'side', tree);
    const { code, stdout } = await runCommand({ ...a, root: tree }, ['sync']);
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^Exchanged with origin: 2 records sent/)]);
  });
});

describe('a sync that was interrupted', () => {
  test('by kill -9 does not keep the next one from its work', async () => {
    const { base, clone } = fleet();
    const a = clone('a');
    await a.join('alice');
    const url = git(a.root, 'remote', 'get-url', 'origin');
    const pids = join(base, 'pids');
    program(join(base, 'bin', 'git-remote-hang'), `echo $$ > ${pids}; exec sleep 1000`);
    git(a.root, 'remote', 'set-url', 'origin', 'hang::x');
    a.env.PATH = `${join(base, 'bin')}:${process.env.PATH}`;
    const child = spawn(process.execPath, [commandPath, '-C', a.root, 'sync'], {
      env: a.env,
      stdio: 'ignore',
    });
    await expect.poll(() => existsSync(pids), { timeout: 20_000 }).toBe(true);
    expect((await a.sync()).outcome).toBe('busy');
    child.kill('SIGKILL');
    await once(child, 'close');
    const helper = Number(readFileSync(pids, 'utf8'));
    if (startOf(helper) !== null) process.kill(helper, 'SIGKILL');
    git(a.root, 'remote', 'set-url', 'origin', url);
    expect(existsSync(join(a.place, 'sync.lock'))).toBe(true);
    expect(await a.sync()).toMatchObject({ outcome: 'synced', sent: 2 });
    expect(existsSync(join(a.place, 'sync.lock'))).toBe(false);
  });

  test.each<[string, string, string]>([
    ['an empty ref', seqRef(2), ''],
    ['a ref to nothing', seqRef(2), `${'1'.repeat(40)}\n`],
    ['an empty presence', 'refs/flowloom/members/bob', ''],
    ['an empty memory of the remote', 'refs/remote/members/alice', ''],
    ['a memory of the remote that names nothing', 'refs/remote/seq/000000000001', `${'1'.repeat(40)}\n`],
  ])('by a power cut that left %s: mended, and the number stays taken', async (_what, ref, content) => {
    const { clone } = fleet();
    const [a, b] = [clone('a'), clone('b')];
    await a.join('alice');
    await a.sync();
    await a.join('bob');
    await a.join('carol');
    writeFileSync(join(a.coord, ref), content);
    expect(await a.sync()).toMatchObject({ outcome: 'synced', message: '' });
    await settle([a, b]);
    expect((await a.store().numbers()).above).toEqual([1, 2, 3]);
    expect(await ids(b)).toEqual(expect.arrayContaining(['carol', 'alice']));
    expect(await b.join('dave')).toBe(4);
  });

  test('a damaged lock, or one of another time, is in nobody’s way', async () => {
    const { clone } = fleet();
    const a = clone('a');
    await a.join('alice');
    for (const text of ['', 'garbage', JSON.stringify({ pid: process.pid, start: 'another' })]) {
      writeFileSync(join(a.place, 'sync.lock'), text);
      expect((await a.sync()).outcome).toBe('synced');
    }
    mkdirSync(join(a.place, 'sync.lock'));
    expect((await a.sync()).outcome).toBe('synced');
    write(join(a.place, 'sync.json'), '{"half');
    expect(syncFacts(a.place)).toBeNull();
    expect((await a.sync()).outcome).toBe('synced');
  });
});

describe('a hook', () => {
  /** Does what a hook does with its store, beside the program that syncs, as an installation has it. */
  async function hook(machine: Machine, base: string, act: string): Promise<void> {
    const { buildSync } = await import('esbuild');
    const folder = join(base, 'lazy');
    const repo = join(import.meta.dirname, '..', '..');
    cpSync(join(hooksFolder, 'lazy'), folder, { recursive: true });
    buildSync({
      stdin: {
        contents: `
          import { gitStore } from './src/stores/git-store.ts';
          import { locateScope } from './src/io/scope.ts';
          const scope = locateScope(process.argv[2]);
          const store = gitStore({ place: scope.commonDir + '/flowloom', scope, config: JSON.parse(process.argv[3]), env: process.env });
          (${act})(store).then(() => process.exit(0));`,
        resolveDir: repo,
        loader: 'ts',
      },
      bundle: true,
      platform: 'node',
      format: 'cjs',
      outfile: join(folder, 'hook.cjs'),
      logLevel: 'error',
    });
    const args = [join(folder, 'hook.cjs'), machine.root, JSON.stringify(machine.site().config)];
    const child = spawn(process.execPath, args, { env: machine.env, stdio: 'inherit' });
    const [code] = (await once(child, 'close')) as [number];
    expect(code).toBe(0);
  }

  test('that joins has it sent by a process that outlives it, and waits for nothing', async () => {
    const { base, clone, remote } = fleet();
    const a = clone('a');
    const born = JSON.stringify(birth('alice', { process: livingProcess }));
    const told = JSON.stringify(presence({ name: 'alice' }));
    await hook(
      a,
      base,
      `async (store) => { await store.announce('alice', ${told}); await store.join(${born}, 0); }`,
    );
    await expect
      .poll(() => git(remote, 'for-each-ref', '--format=%(refname)', 'refs/flowloom'), { timeout: 60_000 })
      .toBe(`refs/flowloom/members/alice\n${seqRef(1)}`);
    await quiet(a.place);
    expect(syncFacts(a.place)?.outcome).toBe('synced');

    // A steady hook soon after starts none: what others write meanwhile is not here yet.
    const b = clone('b');
    await b.join('bob');
    await settle([b]);
    const before = syncFacts(a.place);
    await hook(a, base, `(store) => store.renew('alice')`);
    expect(syncFacts(a.place)).toEqual(before);
    expect(isSyncing(a.place, 60_000)).toBe(false);
    // Later one does.
    utimesSync(join(a.place, 'sync.wanted'), new Date(0), new Date(0));
    await hook(a, base, `(store) => store.renew('alice')`);
    await expect.poll(async () => (await ids(a)).sort(), { timeout: 60_000 }).toEqual(['alice', 'bob']);
    await quiet(a.place);
  });

  test('whose remote hangs is not held up, and leaves nothing that hangs with it', async () => {
    const { base, clone } = fleet();
    const a = clone('a');
    const pids = join(base, 'pids');
    program(join(base, 'bin', 'git-remote-hang'), `echo $$ > ${pids}; exec sleep 1000`);
    git(a.root, 'remote', 'set-url', 'origin', 'hang::x');
    a.env.PATH = `${join(base, 'bin')}:${process.env.PATH}`;
    const born = JSON.stringify(birth('alice', { process: livingProcess }));
    await hook(a, base, `(store) => store.join(${born}, 0)`);
    expect(await a.numbers()).toEqual({ 1: 'alice' });
    // The hook is over; the process that hangs for it is not, until its limit.
    await expect.poll(() => existsSync(pids), { timeout: 60_000 }).toBe(true);
    await expect.poll(() => syncFacts(a.place)?.outcome, { timeout: 60_000 }).toBe('slow');
    await quiet(a.place);
    expect(startOf(Number(readFileSync(pids, 'utf8')))).toBeNull();
  });
});
