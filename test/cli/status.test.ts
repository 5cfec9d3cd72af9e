/** `status` and `whoami`: who is here, who is master, and which of them is asking. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { fileStore } from '../../src/stores/file-store.ts';
import { birth, presence } from '../support/records.ts';
import { contentsBelow, git, write } from '../support/scratch.ts';
import { idOf } from '../support/state.ts';
import { writeOwnConfig } from '../support/trust.ts';
import { world } from '../support/world.ts';
import { cleanEnv, commandPath, controls, jsonOf, trace, type, typeIn } from './command.ts';

interface Status {
  scope: { root: string; store: string; state: string };
  master: string | null;
  epoch: number;
  members: {
    id: string;
    seq: number;
    role: string;
    liveness: string;
    name: string;
    sessionId: string;
    pid: number;
    host: string;
    cwd: string;
    branch: string;
    attended: boolean;
    joinedAt: string;
    lastSeenAt: string;
  }[];
  degraded: unknown;
}

const iso = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);

describe('status', () => {
  test('with a remote: how old the view of other machines is, and why it is not newer', async () => {
    const w = world();
    writeOwnConfig(w.home, { store: 'git', git: { remote: 'origin' } });
    expect((await type(w, ['status'])).stdout).toContain('remote    origin: never read yet');
    const viewAt = new Date(Date.now() - 5 * 60_000).toISOString();
    const report = { version: 1, at: viewAt, viewAt, outcome: 'unreachable' };
    write(join(w.state, 'sync.json'), JSON.stringify(report));
    expect((await type(w, ['status'])).stdout).toContain(
      'remote    origin: other machines as of 5 min ago; the last sync ended: unreachable',
    );
    expect(jsonOf<{ remote: unknown }>(await type(w, ['status', '--json'])).remote).toEqual({
      name: 'origin',
      readAt: viewAt,
      outcome: 'unreachable',
    });
  });

  test('where nobody has ever been: says so, exits 0, and writes nothing', async () => {
    const w = world();
    const before = contentsBelow(w.base);
    const ran = await type(w, ['status']);
    expect(ran).toMatchObject({ code: 0, stderr: '' });
    expect(ran.lines[0]).toBe('No Claude Code session takes part here at the moment.');
    expect(ran.stdout).toContain(w.root);
    expect(jsonOf<Status>(await type(w, ['status', '--json']))).toEqual({
      scope: { root: w.root, store: 'file', state: w.state },
      master: null,
      epoch: 0,
      members: [],
      degraded: null,
      trust: 'not-needed',
      remote: null,
    });
    expect(contentsBelow(w.base)).toEqual(before);
  });

  test('one session: its facts in words and as JSON', async () => {
    const w = world();
    const one = w.session();
    await one.start('startup', { payload: { session_title: 'api' } });
    await one.prompt('add a hello file', { payload: { session_title: 'api' } });
    const { code, stdout, stderr } = await type(w, ['status']);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^1 session, master api \(epoch 1\)\n/);
    expect(stdout).toContain('"add a hello file"');
    expect(stdout).toContain(`pid ${one.client.pid}`);
    expect(stdout).not.toContain('this session');
    expect(jsonOf<Status>(await type(w, ['status', '--json']))).toEqual({
      scope: { root: w.root, store: 'file', state: w.state },
      master: idOf(w.state, one.client.pid),
      epoch: 1,
      members: [
        {
          id: idOf(w.state, one.client.pid),
          seq: 1,
          role: 'master',
          liveness: 'alive',
          name: 'api',
          sessionId: one.id,
          pid: one.client.pid,
          host: expect.stringMatching(/./),
          cwd: w.root,
          worktree: w.root,
          branch: 'main',
          doing: 'add a hello file',
          attended: true,
          candidacy: 'eligible',
          joinedAt: iso,
          lastSeenAt: iso,
        },
      ],
      degraded: null,
      trust: 'not-needed',
      remote: null,
    });
  });

  test('several: highest number first, one master, workers and those that stand back; the dead are not listed', async () => {
    const w = world();
    const first = w.session();
    await first.start();
    const unattended = w.session({ env: { CLAUDE_CODE_SESSION_ATTENDED: '0' } });
    await unattended.start();
    const declines = w.session({ env: { FLOWLOOM_ROLE: 'worker' } });
    await declines.start();
    const killed = w.session();
    await killed.start();
    const left = w.session();
    await left.start();
    await left.end();
    await killed.client.kill();
    const found = jsonOf<Status>(await type(w, ['status', '--json']));
    expect(found.members.map(({ seq, role, pid, attended }) => [seq, role, pid, attended])).toEqual([
      [3, 'worker', declines.client.pid, true],
      [2, 'worker', unattended.client.pid, false],
      [1, 'master', first.client.pid, true],
    ]);
    expect([found.master, found.epoch]).toEqual([idOf(w.state, first.client.pid), 1]);
    const { stdout } = await type(w, ['status']);
    expect(stdout.match(/^ {2}(master|worker) +\d+/gm)).toEqual([
      '  worker     3',
      '  worker     2',
      '  master     1',
    ]);
    expect(stdout).toMatch(/unattended/);
    expect(stdout).toMatch(/stands back/);
  });

  test('every session in it, and every place in the scope, sees the same', async () => {
    const w = world();
    const side = join(w.base, 'side');
    git(w.root, 'worktree', 'add', '-q', side);
    mkdirSync(join(w.root, 'sub', 'deeper'), { recursive: true });
    await w.session().start();
    const other = w.session({ cwd: side });
    await other.start();
    const seen = await Promise.all(
      [w.root, side, join(w.root, 'sub', 'deeper')].map((cwd) => type(w, ['status', '--json'], { cwd })),
    );
    const [here, ...others] = seen.map(jsonOf<Status>);
    expect(here!.members).toHaveLength(2);
    expect(here!.members[0]!.branch).toBe('side');
    for (const there of others) expect(there).toEqual(here);
    expect(jsonOf<Status>(await type(w, ['status', '--json', '-C', side], { cwd: w.home }))).toEqual(here);
    expect((await typeIn(other, ['status'])).stdout).toMatch(/master +2 .*\(this session\)/);
  });

  test('is plain text within 80 columns, with no colour, when it is not a terminal', async () => {
    const w = world();
    const long = 'a rather long name of a session that goes on and on '.repeat(4);
    git(w.root, 'checkout', '-q', '-b', `feature/${'with-a-long-name-'.repeat(10)}end`);
    const one = w.session();
    await one.start('startup', { payload: { session_title: long } });
    await one.prompt(long.repeat(3), { payload: { session_title: long } });
    for (const env of [{}, { FORCE_COLOR: '3', COLORTERM: 'truecolor', CLICOLOR_FORCE: '1' }]) {
      const { stdout, lines } = await type(w, ['status'], { env });
      expect(stdout).not.toMatch(controls);
      // Only a path stays whole, so that it can be copied.
      expect(lines.filter((line) => line.length > 80 && !/^(scope|state) /.test(line))).toEqual([]);
    }
  });

  test('obeys nothing that others wrote', async () => {
    const w = world();
    const evil = '\u001b[2J\u001b]0;owned\u0007\u202egone\nline';
    const store = fileStore(w.state);
    const client = w.session();
    await client.start();
    const real = jsonOf<Status>(await type(w, ['status', '--json'])).members[0]!;
    await store.announce(
      real.id,
      presence({ name: evil, branch: evil, worktree: evil, doing: evil, cwd: evil, sessionId: evil }),
    );
    write(join(w.root, '.flowloomrc.json'), JSON.stringify({ [evil]: 1, store: evil }));
    const { code, stdout } = await type(w, ['status']);
    expect(code).toBe(0);
    expect(stdout).not.toMatch(controls);
  });

  test('names what is wrong in the configuration', async () => {
    const w = world();
    write(join(w.root, '.flowloomrc.json'), '{ "leaseHours": "soon" }');
    const { code, stdout } = await type(w, ['status']);
    expect(code).toBe(0);
    expect(stdout).toContain('leaseHours');
    expect(stdout).toContain('.flowloomrc.json');
  });

  test('tells when state is not where it belongs', async () => {
    const w = world();
    write(w.state, 'in the way');
    const one = w.session();
    expect((await one.start()).notice).not.toBe('');
    const found = jsonOf<Status>(await type(w, ['status', '--json']));
    expect(found.members.map(({ pid }) => pid)).toEqual([one.client.pid]);
    expect(found.degraded).toEqual({
      from: expect.any(String),
      to: expect.any(String),
      reason: expect.stringMatching(/./),
    });
    expect((await type(w, ['status'])).stdout).toMatch(/^degraded /m);
  });

  test('a session on another machine is there, and not taken for a process of this one', async () => {
    const w = world();
    const store = fileStore(w.state);
    await store.ready();
    const far = birth('far', { host: 'elsewhere', joinedAt: new Date().toISOString() });
    await store.join(far, 0);
    await store.announce('far', presence({ name: 'far away' }));
    const found = jsonOf<Status>(await type(w, ['status', '--json']));
    expect(found.members.map(({ name, liveness, host }) => [name, liveness, host])).toEqual([
      ['far away', 'unknown', 'elsewhere'],
    ]);
    expect((await type(w, ['status'])).stdout).toContain('on "elsewhere"');
  });
});

describe('whoami', () => {
  test('outside any session: a sentence on stderr, exit 1', async () => {
    const w = world();
    await w.session().start();
    for (const args of [['whoami'], ['whoami', '--require', 'master'], ['whoami', '--require', 'worker']]) {
      const ran = await type(w, args);
      expect([ran.code, ran.stdout]).toEqual([1, '']);
      expect(ran.stderr).toMatch(/^This was not typed inside a Claude Code session/);
    }
    const json = await type(w, ['whoami', '--json']);
    expect([json.code, jsonOf(json)]).toEqual([1, null]);
  });

  test('a process that is no member, and one that has left, is outside', async () => {
    const w = world();
    const stranger = w.session();
    expect((await typeIn(stranger, ['whoami'])).code).toBe(1);
    await stranger.start();
    expect((await typeIn(stranger, ['whoami'])).code).toBe(0);
    await stranger.end();
    expect((await typeIn(stranger, ['whoami'])).code).toBe(1);
  });

  test('inside: role, epoch and number', async () => {
    const w = world();
    const worker = w.session();
    await worker.start('startup', { payload: { session_title: 'web' } });
    const master = w.session();
    await master.start();
    const ran = await typeIn(worker, ['whoami']);
    expect([ran.code, ran.stdout, ran.stderr]).toEqual([
      0,
      'web: worker (epoch 2), joined as number 1; 2 live sessions.\n',
      '',
    ]);
    expect(jsonOf(await typeIn(master, ['whoami', '--json']))).toMatchObject({
      id: idOf(w.state, master.client.pid),
      role: 'master',
      seq: 2,
      epoch: 2,
      pid: master.client.pid,
      sessionId: master.id,
    });
  });

  test('--require is an exit code for scripts and git hooks', async () => {
    const w = world();
    const worker = w.session();
    await worker.start();
    const master = w.session();
    await master.start();
    const codes = async (session: typeof worker): Promise<(number | null)[]> => [
      (await typeIn(session, ['whoami', '--require', 'master'])).code,
      (await typeIn(session, ['whoami', '--require', 'worker'])).code,
    ];
    expect(await codes(master)).toEqual([0, 1]);
    expect(await codes(worker)).toEqual([1, 0]);
    const refused = await typeIn(worker, ['whoami', '--require', 'master']);
    expect([refused.stdout, refused.stderr]).toEqual(['', 'This session is worker, not master.\n']);
    const json = await typeIn(worker, ['whoami', '--require', 'master', '--json']);
    expect([json.code, jsonOf(json).role]).toEqual([1, 'worker']);
    const unknown = await typeIn(worker, ['whoami', '--require', 'boss']);
    expect(unknown.code).not.toBe(0);
    expect(unknown.stderr).toMatch(/master, worker/);
  });

  test('is found through the processes above when nothing names the client', async () => {
    const w = world();
    // A client that runs the command when it is told to, with a shell in between.
    const script =
      'read go; /bin/sh -c \'"$0" "$1" whoami --json; exit $?\' "$0" "$1"; code=$?; read go; exit $code';
    const client = spawn('/bin/sh', ['-c', script, process.execPath, commandPath], {
      cwd: w.root,
      env: cleanEnv(w),
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    onTestFinished(() => void client.kill('SIGKILL'));
    let stdout = '';
    client.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    const named = w.session({ env: { CLAUDE_PID: String(client.pid) } });
    await named.start();
    await w.session().start();
    client.stdin.write('go\n');
    client.stdin.end('go\n');
    const [code] = await once(client, 'close');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ pid: client.pid, role: 'worker', seq: 1, epoch: 2 });
  });

  test('a CLAUDE_PID that is none names nobody', async () => {
    const w = world();
    await w.session().start();
    for (const pid of ['', '0', '-1', '1e3', 'x', '99999999999', '4194304']) {
      const ran = await type(w, ['whoami'], { env: { CLAUDE_PID: pid } });
      expect([pid, ran.code, ran.stderr.match(trace)]).toEqual([pid, 1, null]);
    }
  });
});
