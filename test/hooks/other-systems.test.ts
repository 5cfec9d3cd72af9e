/** Who is who on systems that this machine is not: each hook is made to believe that it runs there. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type } from '../cli/command.ts';
import type { Client } from '../support/clients.ts';
import { missing } from '../support/missing.ts';
import { write } from '../support/scratch.ts';
import { births, idOf, joinsOf } from '../support/state.ts';
import { type SessionUnderTest, type World, world } from '../support/world.ts';

const preload = join(import.meta.dirname, '..', 'support', 'another-system.cjs');
type Env = Record<string, string | undefined>;

/** The environment of a process on that system, in a world that has a directory of the machine's own. */
function on(platform: 'darwin' | 'win32', w: World, more: Env = {}): Env {
  const machine = join(w.base, 'machine');
  mkdirSync(machine, { recursive: true });
  return {
    NODE_OPTIONS: `--require=${preload}`,
    FAKE_PLATFORM: platform,
    FAKE_HOST: 'desk',
    FAKE_VAR: machine,
    LOCALAPPDATA: machine,
    ...more,
  };
}

const noteOf = (home: string, pid: number): string => join(home, '.claude', 'sessions', `${pid}.json`);

/** What the client notes of itself before its first hook. */
const note = ({ home }: World, pid: number, start: object): string =>
  write(noteOf(home, pid), JSON.stringify({ pid, sessionId: 'a', name: 'Ada', ...start }));

const psWords = (pid: number): string =>
  execFileSync('/bin/ps', ['-o', 'lstart=', '-p', `${pid}`], {
    encoding: 'utf8',
    env: { LC_ALL: 'C', TZ: 'UTC' },
  }).trim();

const statusOf = async (w: World, env: Env): Promise<{ members: { pid: number; role: string }[] }> => {
  const ran = await type(w, ['status', '--json'], { env });
  expect(ran.code, ran.stderr).toBe(0);
  return JSON.parse(ran.stdout);
};

describe('macOS', () => {
  if (!existsSync('/bin/ps')) return missing('/bin/ps');

  test.each(['ETIMEDOUT', 'EPERM', 'ENOENT', 'EAGAIN'])(
    'nobody is dead, and there is one master, while ps fails with %s',
    async (code) => {
      const w = world();
      const env = on('darwin', w);
      const [first, second] = [w.session({ env }), w.session({ env })];
      for (const one of [first, second]) {
        note(w, one.client.pid, { procStart: psWords(one.client.pid) });
        await one.start();
      }
      await first.prompt();
      const failing = { env: { FAKE_PS: code } };
      expect((await first.prompt('again', failing)).context).toMatch(/^You are worker \(epoch 2\)/);
      expect((await second.prompt('again', failing)).context).toMatch(/^You are master \(epoch 2\)/);
      await second.client.kill();
      expect((await first.prompt('more', failing)).context).toMatch(/^You are master \(epoch 1\)/);
      expect(births(w.state)).toHaveLength(2);
    },
  );

  test('whoever has the pid of one that ended is somebody else, by the note where ps may not run', async () => {
    const w = world();
    const env = on('darwin', w, { FAKE_PS: 'EPERM' });
    const [first, second] = [w.session({ env }), w.session({ env })];
    note(w, first.client.pid, { procStart: 'Sat Nov 28 07:00:00 2026' });
    note(w, second.client.pid, { procStart: 'Sat Nov 28 07:00:01 2026' });
    await first.start();
    await second.start();
    note(w, second.client.pid, { procStart: 'Sat Nov 28 07:00:02 2026' });
    expect((await first.prompt()).context).toMatch(/^You are master \(epoch 1\)/);
  });

  test.each([
    ['with the note of the client', true],
    ['without one', false],
  ])('a hook without any ps speaks, and stays who it is: %s', async (_what, noted) => {
    const w = world();
    const one = w.session({ env: on('darwin', w, { FAKE_PS: 'ENOENT', PATH: '/nonexistent' }) });
    if (noted) note(w, one.client.pid, { procStart: psWords(one.client.pid) });
    expect((await one.start()).context).toMatch(/^You are master \(epoch 1\)/);
    expect((await one.prompt()).context).toMatch(/^You are master \(epoch 1\)/);
    expect(joinsOf(w.state, one.client.pid)).toEqual([1]);
  });

  test('a hook that could not find out who it is says nothing, and is nobody else afterwards', async () => {
    const w = world();
    const one = w.session({ env: on('darwin', w) });
    await one.start();
    expect((await one.prompt('x', { env: { FAKE_PS: 'ETIMEDOUT' } })).stdout).toBe('');
    expect((await one.prompt('y')).context).toMatch(/^You are master/);
    expect(joinsOf(w.state, one.client.pid)).toEqual([1]);
  });

  test('the note and ps say the same of who a client is', async () => {
    const w = world();
    const one = w.session({ env: on('darwin', w) });
    await one.start();
    note(w, one.client.pid, { procStart: psWords(one.client.pid).replace(/ (\d) /, '  $1 ') });
    await one.prompt();
    expect(joinsOf(w.state, one.client.pid)).toEqual([1]);
  });

  test('all members of a look cost one process', async () => {
    const w = world();
    const log = join(w.base, 'ps.log');
    const sessions = Array.from({ length: 5 }, () => w.session({ env: on('darwin', w) }));
    for (const one of sessions) {
      note(w, one.client.pid, { procStart: psWords(one.client.pid) });
      await one.start();
    }
    await sessions[0]!.prompt('x', { env: { FAKE_PS_LOG: log } });
    expect(readFileSync(log, 'utf8')).toBe('p');
  });
});

describe.each(['darwin', 'win32'] as const)('%s: the network gives the machine another name', (platform) => {
  test('everybody stays who it is', async () => {
    const w = world();
    const [first, second] = [1, 2].map(() => w.session({ env: on(platform, w) })) as [
      SessionUnderTest,
      SessionUnderTest,
    ];
    for (const one of [first, second]) {
      note(w, one.client.pid, { procStart: psWords(one.client.pid) });
      await one.start();
    }
    const moved = { env: { FAKE_HOST: 'desk.vpn.example' } };
    expect((await first.prompt('x', moved)).context).toMatch(/^You are worker \(epoch 2\)/);
    expect((await second.prompt('x', moved)).context).toMatch(/^You are master \(epoch 2\)/);
    expect(births(w.state)).toHaveLength(2);
    const { members } = await statusOf(w, on(platform, w, moved.env));
    expect(members.map(({ pid }) => pid).sort()).toEqual([first.client.pid, second.client.pid].sort());
  });

  test('another machine with the same home is another one', async () => {
    const w = world();
    const env = on(platform, w);
    const [here, there] = [w.session({ env }), w.session({ env })];
    for (const { client } of [here, there]) note(w, client.pid, { procStart: psWords(client.pid) });
    await here.start();
    const other = join(w.base, 'other-machine');
    mkdirSync(other);
    await there.start('startup', { env: { FAKE_VAR: other, LOCALAPPDATA: other } });
    const domains = births(w.state).map(({ birth }) => birth.process.domain.host);
    expect(new Set(domains).size).toBe(2);
    // Its pid means nothing here.
    await there.client.kill();
    expect((await here.prompt()).context).toMatch(/^You are worker/);
  });

  test('where nothing can be kept on the machine its name has to do', async () => {
    const w = world();
    const machine = write(join(w.base, 'no-directory'), '');
    const one = w.session({ env: on(platform, w, { FAKE_VAR: machine, LOCALAPPDATA: machine }) });
    note(w, one.client.pid, { procStart: psWords(one.client.pid) });
    await one.start();
    expect((await one.prompt()).context).toMatch(/^You are master/);
    expect(joinsOf(w.state, one.client.pid)).toEqual([1]);
  });
});

describe('Linux: the network gives the machine another name', () => {
  const renamed = ['unshare', '--uts', 'sh', '-c', 'echo vpn >/proc/sys/kernel/hostname && exec "$@"', 'sh'];
  if (spawnSync(renamed[0]!, [...renamed.slice(1), 'true']).status !== 0)
    return missing('unshare, and the right to name a machine');

  test('everybody stays who it is', async () => {
    const w = world();
    const [first, second] = [w.session(), w.session()];
    await first.start();
    await second.start();
    expect((await first.prompt('x', { through: renamed })).context).toMatch(/^You are worker \(epoch 2\)/);
    expect((await second.prompt('x', { through: renamed })).context).toMatch(/^You are master \(epoch 2\)/);
    expect(births(w.state)).toHaveLength(2);
  });
});

describe('Windows', () => {
  const aFileTime = '134087731200000000';
  const begin = async (w: World, env: Env, start: object = { procStart: aFileTime }, client?: Client) => {
    const one = w.session({ env, ...(client ? { client } : {}) });
    note(w, one.client.pid, start);
    await one.start();
    return one;
  };

  test.each(['procStart', 'procStartFt'])(
    'a new client with the pid of one that ended is somebody else, by its %s',
    async (field) => {
      const w = world();
      const env = on('win32', w);
      const first = await begin(w, env, { [field]: aFileTime });
      await first.prompt('the goal of the old one');
      const known = idOf(w.state, first.client.pid);
      await begin(w, env, { [field]: '134087731200000001' }, first.client);
      expect(idOf(w.state, first.client.pid)).not.toBe(known);
      expect((await statusOf(w, env)).members).toHaveLength(1);
    },
  );

  test('one whose note is gone is gone, whoever has its pid now', async () => {
    const w = world();
    const env = on('win32', w);
    const first = await begin(w, env);
    const second = await begin(w, env);
    expect((await first.prompt()).context).toMatch(/^You are worker/);
    rmSync(noteOf(w.home, second.client.pid));
    expect((await first.prompt('now')).context).toMatch(/^You are master \(epoch 1\)/);
  });

  test('a note that is just being written kills nobody, and makes nobody somebody else', async () => {
    const w = world();
    const env = on('win32', w);
    const first = await begin(w, env);
    const second = await begin(w, env);
    write(noteOf(w.home, second.client.pid), '{"pid":');
    expect((await first.prompt()).context).toMatch(/^You are worker \(epoch 2\)/);
    expect((await second.prompt()).stdout).toBe('');
    note(w, second.client.pid, { procStart: aFileTime });
    expect((await second.prompt()).context).toMatch(/^You are master \(epoch 2\)/);
    expect(births(w.state)).toHaveLength(2);
  });

  test('clients without notes live while there is such a process, and not beyond a boot', async () => {
    const w = world();
    const env = on('win32', w);
    const [first, second] = [w.session({ env }), w.session({ env })];
    await first.start();
    await second.start();
    expect((await first.prompt()).context).toMatch(/^You are worker \(epoch 2\)/);
    const presence = join(w.state, 'members', idOf(w.state, second.client.pid), 'presence.json');
    const yesterday = Date.now() / 1000 - 86_400;
    utimesSync(presence, yesterday, yesterday);
    expect((await first.prompt('x', { env: { FAKE_UPTIME: '172800' } })).context).toMatch(/^You are worker/);
    expect((await first.prompt('x', { env: { FAKE_UPTIME: '3600' } })).context).toMatch(
      /^You are master \(epoch 1\)/,
    );
  });

  test('one that a note names outlives the clock: it was seen last before the boot, and is the very same', async () => {
    const w = world();
    const env = on('win32', w);
    const first = await begin(w, env);
    const second = await begin(w, env);
    const presence = join(w.state, 'members', idOf(w.state, second.client.pid), 'presence.json');
    const yesterday = Date.now() / 1000 - 86_400;
    utimesSync(presence, yesterday, yesterday);
    expect((await first.prompt('x', { env: { FAKE_UPTIME: '3600' } })).context).toMatch(/^You are worker/);
  });

  test('the command that asks is no member, whatever had its pid', async () => {
    const w = world();
    const env = on('win32', w);
    await begin(w, env);
    const [record] = readdirSync(join(w.state, 'seq'));
    const text = readFileSync(join(w.state, 'seq', record!), 'utf8');
    const pid = births(w.state)[0]!.birth.process.pid;
    // What is executed here keeps its pid.
    const asTheDead = `sed -i "s/\\"pid\\":${pid}/\\"pid\\":$$/" "$0"; exec "$@"`;
    const { start } = births(w.state)[0]!.birth.process;
    for (const said of [text, text.replace(`"start":"${start}"`, '"start":""')]) {
      write(join(w.state, 'seq', record!), said);
      const ran = await type(w, ['status', '--json'], {
        env,
        through: ['sh', '-c', asTheDead, join(w.state, 'seq', record!)],
      });
      expect(JSON.parse(ran.stdout).members).toEqual([]);
    }
  });

  test('clients with another directory for their notes are not judged by these', async () => {
    const w = world();
    const env = on('win32', w);
    const first = await begin(w, env);
    const config = join(w.base, 'another-account');
    const second = w.session({ env: { ...env, CLAUDE_CONFIG_DIR: config } });
    const { pid } = second.client;
    write(join(config, 'sessions', `${pid}.json`), JSON.stringify({ pid, procStart: aFileTime }));
    await second.start();
    expect((await first.prompt()).context).toMatch(/^You are worker \(epoch 2\)/);
    expect((await second.prompt()).context).toMatch(/^You are master \(epoch 2\)/);
    expect(births(w.state)).toHaveLength(2);
  });
});
