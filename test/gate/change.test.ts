/** Whatever changes is told by Node: the gate may be wrong only towards starting it. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { observerOf } from '../../src/compose.ts';
import { blankSight } from '../../src/core/notebook.ts';
import { promote, yieldMastership } from '../../src/flows/rejoin.ts';
import { survey } from '../../src/flows/survey.ts';
import { thisDomain } from '../../src/io/processes.ts';
import { fileStore } from '../../src/stores/file-store.ts';
import { gateArguments } from '../support/built.ts';
import { missing } from '../support/missing.ts';
import { idOf } from '../support/state.ts';
import { type SessionUnderTest, type World, world } from '../support/world.ts';
import { isByGate, pair, readyFile, readyText, settle, shells, through } from './kit.ts';

type Pair = Awaited<ReturnType<typeof pair>>;

async function memberOf(place: World, session: SessionUnderTest) {
  const { roster } = await survey(fileStore(place.state), observerOf(thisDomain(), 8), blankSight);
  return roster.members.find(({ birth }) => birth.process.pid === session.client.pid)!;
}

const beatOf = (place: World, session: SessionUnderTest): string =>
  join(place.state, 'members', idOf(place.state, session.client.pid), 'beat');

/** A child that ended and that nobody has asked after. */
async function zombie(): Promise<number> {
  const parent = spawn('sh', ['-c', 'sleep 1000 & echo $!; exec sleep 1000'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  onTestFinished(() => void parent.kill('SIGKILL'));
  const [line] = (await once(parent.stdout!, 'data')) as [Buffer];
  return Number(String(line));
}

const changes: readonly [what: string, change: (pair: Pair) => Promise<unknown>, told: RegExp][] = [
  ['a session joins', ({ place }) => place.session().start(), /joined last and is master now/],
  ['the master leaves', ({ master }) => master.end(), /has ended, so this session is master now/],
  ['the master is killed', ({ master }) => master.client.kill(), /has ended, so this session is master now/],
  [
    'this session is promoted',
    async ({ place, worker }) => promote(fileStore(place.state), await memberOf(place, worker), new Date()),
    /this session is master now/,
  ],
  [
    'the master stands back',
    async ({ place, master }) =>
      yieldMastership(fileStore(place.state), await memberOf(place, master), new Date()),
    /no longer stands for master, so this session is master now/,
  ],
  [
    'the master is renamed',
    ({ master }) => master.start('compact', { payload: { session_title: 'till' } }),
    /master: "till"/,
  ],
];

const oddities: readonly [
  what: string,
  make: (pair: Pair, file: string) => unknown,
  env?: (place: World) => Record<string, string | undefined>,
][] = [
  ['there is no answer', (_, file) => rmSync(file)],
  ['the answer is empty', (_, file) => writeFileSync(file, '')],
  ['the answer leads nowhere', (_, file) => instead(file, () => symlinkSync('/nowhere', file))],
  ['the answer cannot be parsed', (_, file) => writeFileSync(file, "ready_format='1\nif (")],
  ['the answer ends with an error', (_, file) => writeFileSync(file, 'exit 2\n')],
  ['the answer is of a later format', (_, file) => writeFileSync(file, "ready_format='3'\n")],
  ['the answer lost a part', (_, file) => writeFileSync(file, readFileSync(file, 'utf8').slice(0, 200))],
  ['the answer lost its processes', (_, file) => edit(file, /ready_near=.*/, '')],
  ['the answer lost those of the crowd', (_, file) => edit(file, /ready_far=.*/, '')],
  ['the answer is of another process', (_, file) => edit(file, /ready_pid='\d+'/, "ready_pid='1'")],
  ['the answer is older than a process', (_, file) => utimesSync(file, 1, 1)],
  ['there is no beat', ({ place, worker }) => rmSync(beatOf(place, worker))],
  ['the seal is gone', ({ place }) => rmSync(join(place.state, 'seals'), { recursive: true })],
  ['there is no home', () => {}, () => ({ HOME: undefined, XDG_CACHE_HOME: undefined })],
  ['the client does not name its process', () => {}, () => ({ CLAUDE_PID: undefined })],
  ['the client does not name its session', () => {}, () => ({ CLAUDE_CODE_SESSION_ID: undefined })],
  ['the session has a name that leads elsewhere', () => {}, () => ({ CLAUDE_CODE_SESSION_ID: '../ready/x' })],
  ['the place moved', () => {}, ({ base }) => ({ FLOWLOOM_STATE_DIR: join(base, 'elsewhere') })],
  ['the session is in another project', () => {}, ({ home }) => ({ CLAUDE_PROJECT_DIR: home })],
  [
    'the repository is none any more',
    ({ place }) => renameSync(join(place.root, '.git'), join(place.base, 'git')),
  ],
  ['the answer is a directory', (_, file) => instead(file, () => mkdirSync(file))],
];

function instead(file: string, make: () => void): void {
  rmSync(file);
  make();
}

function edit(file: string, from: RegExp, to: string): void {
  const text = readFileSync(file, 'utf8');
  expect(text).toMatch(from);
  writeFileSync(file, text.replace(from, to));
}

describe.each(shells)('in $name', ({ name, shell, isHere }) => {
  if (!isHere) return missing(name);

  test.each(changes)('%s: Node tells it', async (_, change, told) => {
    const made = await pair(shell);
    await settle(made.worker, shell);
    await change(made);
    const batch = await made.worker.tools(undefined, through(shell));
    expect(isByGate(batch)).toBe(false);
    const prompt = await made.worker.prompt('go on', through(shell));
    expect(`${batch.context}\n${prompt.context}`).toMatch(told);
  });

  test('Node answers whatever is odd, with stdin whole', async () => {
    const made = await pair(shell);
    const large = 'add more '.repeat(40_000);
    for (const [what, make, env] of oddities) {
      await settle(made.worker, shell);
      make(made, readyFile(made.worker));
      const fired = await made.worker.prompt(large, through(shell, { env: env?.(made.place) }));
      expect([what, fired.code, fired.code ? fired.stderr : isByGate(fired)]).toEqual([what, 0, false]);
      expect([what, fired.context.slice(0, 8)]).toEqual([what, 'You are ']);
    }
    rmdirSync(readyFile(made.worker));
  });

  test('the master is called by another name, which no hook of its own tells', async () => {
    const { place, master, worker } = await pair(shell);
    const note = join(place.home, '.claude', 'sessions', `${master.client.pid}.json`);
    const callIt = (name: string): void => {
      mkdirSync(dirname(note), { recursive: true });
      writeFileSync(note, JSON.stringify({ pid: master.client.pid, name, status: 'idle' }));
    };
    callIt('till "1" ✓');
    await master.prompt('go on');
    expect((await settle(worker, shell)).context).toContain(`master: "till '1' ✓"`);
    const goes = () => rmSync(note);
    const isNone = () => [goes(), mkdirSync(note)];
    for (const change of [() => callIt('counter'), goes, isNone]) {
      change();
      expect(isByGate(await worker.prompt('go on', through(shell)))).toBe(false);
      rmSync(note, { recursive: true, force: true });
      callIt('counter');
      await worker.prompt('go on', through(shell));
      expect((await settle(worker, shell)).context).toContain('master: "counter"');
    }
    // What else the client notes changes nothing.
    writeFileSync(note, JSON.stringify({ pid: master.client.pid, status: 'busy', name: 'counter', at: 1 }));
    expect(isByGate(await worker.prompt('go on', through(shell)))).toBe(true);
  });

  test('a member that became a zombie is gone', async () => {
    const place = world();
    const worker = place.session();
    await worker.start();
    await worker.prompt('go on', through(shell));
    const pid = await zombie();
    const other = place.session({ client: { pid, kill: async () => void process.kill(pid, 'SIGKILL') } });
    await other.start();
    await worker.prompt('go on', through(shell));
    expect((await settle(worker, shell)).context).toContain('2 live sessions');
    await other.client.kill();
    // A signal takes its time.
    await vi.waitFor(() => expect(readFileSync(`/proc/${pid}/stat`, 'utf8')).toMatch(/\) Z /), 10_000);
    const fired = await worker.prompt('go on', through(shell));
    expect(isByGate(fired)).toBe(false);
    expect(fired.context).toMatch(/1 live session;.*\nChanged: /);
  });

  test('in a crowd nobody dies unseen, and of the master it is known exactly', {
    timeout: 60_000,
  }, async () => {
    const place = world();
    const pid = await zombie();
    const elder = place.session({ client: { pid, kill: async () => void process.kill(pid, 'SIGKILL') } });
    const others = Array.from({ length: 35 }, () => place.session());
    for (const session of [elder, ...others]) await session.start();
    const [early, , ...late] = others;
    for (const session of others)
      await yieldMastership(fileStore(place.state), await memberOf(place, session), new Date());
    const worker = late.at(-1)!;
    await worker.prompt('go on', through(shell));
    expect((await settle(worker, shell)).context).toContain('36 live sessions');

    await early!.client.kill();
    const afterWorker = await worker.prompt('go on', through(shell));
    expect(isByGate(afterWorker)).toBe(false);
    expect(afterWorker.context).toMatch(/35 live sessions;.*\nChanged: /);
    await settle(worker, shell);

    // By number alone a zombie is still there.
    await elder.client.kill();
    await vi.waitFor(() => expect(readFileSync(`/proc/${pid}/stat`, 'utf8')).toMatch(/\) Z /), 10_000);
    const afterMaster = await worker.prompt('go on', through(shell));
    expect(isByGate(afterMaster)).toBe(false);
    expect(afterMaster.context).toMatch(/34 live sessions;.*\nChanged: /);
  });

  test('a stop lets the answer be, and the gate sees for itself whether it holds', async () => {
    const { worker, master } = await pair(shell);
    await settle(worker, shell);
    const answer = readyText(worker);
    await worker.stop();
    expect(readyText(worker)).toBe(answer);
    expect(isByGate(await worker.prompt('go on', through(shell)))).toBe(true);
    await master.client.kill();
    await worker.stop();
    const fired = await worker.prompt('go on', through(shell));
    expect(isByGate(fired)).toBe(false);
    expect(fired.context).toMatch(/this session is master now/);
  });

  test('after /clear the first prompt is for Node', async () => {
    const { worker } = await pair(shell);
    await settle(worker, shell);
    const before = readyFile(worker);
    await worker.end('clear');
    worker.renewed();
    await worker.start('clear');
    expect(existsSync(before)).toBe(false);
    expect(isByGate(await worker.prompt('begin anew', through(shell)))).toBe(false);
    await settle(worker, shell);
  });

  test('the same hooks installed twice say it once', async () => {
    const { place, worker } = await pair(shell);
    await settle(worker, shell);
    const file = readyFile(worker);
    const text = readyText(worker);
    const others = join(place.base, 'other', 'hooks');
    mkdirSync(others, { recursive: true });
    const stamp = new Date();
    const claim = (): void => {
      writeFileSync(file, text.replace(/ready_hooks='.*'/, `ready_hooks='${others}'`));
      utimesSync(file, stamp, stamp);
    };
    writeFileSync(join(others, 'gate.sh'), '');
    claim();
    const silent = await worker.prompt('go on', through(shell));
    expect([isByGate(silent), silent.stdout]).toEqual([true, '']);
    rmSync(join(others, 'gate.sh'));
    expect(isByGate(await worker.prompt('go on', through(shell)))).toBe(false);
  });

  test('where the same hooks also run without a gate, Node decides who speaks', async () => {
    const { worker } = await pair(shell);
    await settle(worker, shell);
    await worker.prompt('go on');
    const both = await Promise.all([
      worker.prompt('and now', through(shell)),
      worker.fire('user-prompt-submit', { payload: { prompt: 'and now' } }),
    ]);
    expect(both.map(isByGate)).toEqual([false, false]);
    expect(both.filter(({ stdout }) => stdout !== '')).toHaveLength(1);
  });

  test('FLOWLOOM=off is nobody at all', async () => {
    const { worker } = await pair(shell);
    await settle(worker, shell);
    const fired = await worker.prompt('go on', through(shell, { env: { FLOWLOOM: 'off' } }));
    expect([fired.code, fired.stdout, fired.stderr]).toEqual([0, '', '']);
  });

  test('an installation that lost its gate still has Node', async () => {
    const place = world();
    const session = place.session();
    await session.start();
    const [flag, script, , hook] = gateArguments('user-prompt-submit') as [string, string, string, string];
    const lost = join(place.base, 'lost', 'hooks');
    mkdirSync(lost, { recursive: true });
    writeFileSync(join(lost, `${hook}.cjs`), 'process.stdin.pipe(process.stdout);');
    const run = spawnSync(shell[0]!, [...shell.slice(1), flag, script, join(lost, 'gate.sh'), hook], {
      input: '{"whole":true}',
      env: session.environment(),
      encoding: 'utf8',
    });
    expect([run.status, run.stdout]).toEqual([0, '{"whole":true}']);
  });
});

test('answers are private', async () => {
  const here = shells.find(({ isHere }) => isHere);
  if (!here) return;
  const { worker } = await pair(here.shell);
  const file = readyFile(worker);
  expect([statSync(file).mode & 0o777, statSync(join(file, '..')).mode & 0o777]).toEqual([0o600, 0o700]);
  expect(readdirSync(join(file, '..')).filter((name) => name.endsWith('.tmp'))).toEqual([]);
});
