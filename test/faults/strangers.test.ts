/** Another user of the machine makes places before the hooks do, or finds some that anybody may write to. */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Finding } from '../../src/doctor/doctor.ts';
import { locateScope } from '../../src/io/scope.ts';
import { jsonOf, type } from '../cli/command.ts';
import { missing } from '../support/missing.ts';
import { birth } from '../support/records.ts';
import { write } from '../support/scratch.ts';
import { births, idOf, logLines } from '../support/state.ts';
import { asNobody, give } from '../support/unprivileged.ts';
import { type Fire, type SessionUnderTest, type World, world } from '../support/world.ts';

const isRoot = process.getuid?.() === 0;
const stranger = 60_001;
const nobody = 65_534;

/** Everything below is the stranger's. */
const belongToStranger = (...paths: string[]): void => {
  for (const path of paths) execFileSync('chown', ['-hR', `${stranger}:${stranger}`, path]);
};

/** Records of a member that claims the highest number there could be. */
function plant(place: string, name: string): void {
  const text = JSON.stringify(birth('stranger'));
  write(join(place, 'seq', name), text);
  for (const part of ['', 'seq']) chmodSync(join(place, part), 0o777);
  chmodSync(join(place, 'seq', name), 0o644);
}

const far = ['9007199254740991.json', '9007199254740990.json', '1000000000000000.json'];

describe.skipIf(!isRoot || !asNobody)(
  "the user's part of the temporary directory was made by a stranger",
  () => {
    const unprivileged = (uid: number): { w: World; fire: Fire; place: string } => {
      const w = world({ git: false });
      const { key } = locateScope(w.root);
      // Where sessions without a home keep their state.
      chmodSync(w.temporary, 0o1777);
      if (uid !== 0) give(w.base);
      const fire: Fire = uid === 0 ? {} : { through: asNobody! };
      return { w, fire, place: join(w.temporary, `flowloom-${uid}`, key) };
    };

    // One that is gone is not made again.
    const homeless = { HOME: '/nonexistent/home', XDG_STATE_HOME: undefined };

    test.each([
      ['an unprivileged user', nobody],
      ['root', 0],
    ])('%s passes over it, whatever numbers are in it, and says why', async (_who, uid) => {
      const { w, fire, place } = unprivileged(uid);
      for (const name of far) plant(place, name);
      belongToStranger(join(w.temporary, `flowloom-${uid}`));
      const one = w.session({ env: homeless });
      const { notice, code } = await one.start('startup', fire);
      expect([code, notice]).toEqual([0, expect.stringMatching(/no place|alone/)]);
      // With a home the numbers go on from what is believed.
      const two = w.session();
      expect((await two.start('startup', fire)).context).toMatch(/^You are master \(epoch 1\)/);
      expect((await two.prompt('x', fire)).context).toMatch(/^You are master \(epoch 1\)/);
      const status = await type(w, ['status', '--json'], { through: fire.through });
      expect(jsonOf<{ members: unknown[]; epoch: number }>(status)).toMatchObject({ epoch: 1 });
      expect((await type(w, ['log'], { through: fire.through })).code).toBe(0);
      expect((await type(w, ['prune'], { through: fire.through })).code).toBe(0);
      expect(readdirSync(join(place, 'seq')).sort()).toEqual([...far].sort());
      const doctor = await type(w, ['doctor', '--json'], { through: fire.through, env: homeless });
      const texts = jsonOf<Finding[] | { findings: Finding[] }>(doctor);
      expect(JSON.stringify(texts)).toMatch(/belongs to another user/);
    });

    test.each([
      [
        'a link to a place of the stranger',
        (place: string, w: World) => {
          const theirs = join(w.base, 'theirs');
          plant(theirs, far[0]!);
          belongToStranger(theirs);
          mkdirSync(join(place, '..'), { recursive: true, mode: 0o700 });
          symlinkSync(theirs, place);
        },
      ],
      [
        'only the part of this directory',
        (place: string) => {
          plant(place, far[0]!);
          chownSync(join(place, '..'), nobody, nobody);
        },
      ],
    ])('%s', async (_what, make) => {
      const { w, fire, place } = unprivileged(nobody);
      make(place, w);
      belongToStranger(place);
      chownSync(join(place, '..'), nobody, nobody);
      const fired = await w.session().start('startup', fire);
      expect(fired.context).toMatch(/^You are master \(epoch 1\)/);
      expect((await w.session({ env: homeless }).start('startup', fire)).notice).toMatch(/no place|alone/);
    });
  },
);
if (!isRoot || !asNobody) missing('root, and setpriv');

describe('numbers that nobody can have been given', () => {
  test('are passed over by every hook, and doctor and prune live with them', async () => {
    const w = world();
    for (const name of [...far, '9007199254740993.json', '99999999999999999999.json']) plant(w.state, name);
    const note = '99999999999999999999-stranger';
    write(join(w.state, 'handoffs', `${note}.md`), 'x');
    const one = w.session();
    expect((await one.start()).context).toMatch(/^You are master \(epoch 1\)/);
    expect((await type(w, ['handoff', '--json'])).stdout).not.toContain('stranger');
    expect((await w.session().start()).context).toMatch(/^You are master \(epoch 2\)/);
    expect((await one.prompt()).context).toMatch(/^You are worker \(epoch 2\)/);
    expect(births(w.state).map(({ seq }) => seq)).toEqual([1, 2]);
    expect(jsonOf(await type(w, ['status', '--json']))).toMatchObject({ epoch: 2 });
    for (const command of ['doctor', 'prune']) jsonOf(await type(w, [command, '--json']));
    expect(births(w.state).length).toBe(2);
  });

  test('after the very last one there is none, and the hook says so in the log instead of looking on', async () => {
    const w = world();
    plant(w.state, '999999999999999.json');
    const fired = await w.session().start();
    expect([fired.code, fired.stderr]).toEqual([0, '']);
    const log = await type(w, ['log']);
    expect(log.stdout).toMatch(/no join number above 999999999999999/);
  });
});

describe('parts of the state that are links', () => {
  test.each(['seq', 'members', 'handoffs', 'seals'])(
    '%s leads elsewhere: the next place is used',
    async (part) => {
      const w = world();
      const elsewhere = join(w.base, 'elsewhere');
      mkdirSync(elsewhere);
      write(join(elsewhere, 'kept'), 'kept');
      mkdirSync(w.state, { mode: 0o700 });
      symlinkSync(elsewhere, join(w.state, part));
      const one = w.session();
      const started = await one.start();
      expect(started.context).toMatch(/^You are master \(epoch 1\)/);
      expect(started.notice).toMatch(/is a symbolic link/);
      await one.prompt();
      await one.stop();
      await one.end();
      expect(readdirSync(elsewhere)).toEqual(['kept']);
      expect(statSync(elsewhere).mode & 0o777).not.toBe(0o700);
      const doctor = await type(w, ['doctor']);
      expect(doctor.stdout).toMatch(new RegExp(`${part} is a symbolic link`));
    },
  );
});

describe('what is another file by a second name', () => {
  const kept = (w: World): string => write(join(w.base, 'kept'), 'kept\n');
  const seen = (path: string): string => readFileSync(path, 'utf8');

  test.each(['notebook.0.json', 'notebook.1.json', 'presence.json'])(
    '%s is replaced, not written to',
    async (name) => {
      const w = world();
      const one = w.session();
      await one.start();
      await one.prompt();
      const other = kept(w);
      const path = join(w.state, 'members', idOf(w.state, one.client.pid), name);
      rmSync(path, { force: true });
      linkSync(other, path);
      for (let i = 0; i < 3; i++)
        expect((await one.prompt(`prompt ${i}`)).context).toMatch(/^You are master \(epoch 1\)/);
      await one.stop();
      expect(seen(other)).toBe('kept\n');
      expect(births(w.state)).toHaveLength(1);
    },
  );

  test('the log is begun anew', async () => {
    const w = world();
    const one = w.session();
    await one.start();
    const other = kept(w);
    linkSync(other, join(w.state, 'log.jsonl'));
    await one.prompt('x', { stdin: 'no json' });
    expect(seen(other)).toBe('kept\n');
    expect((await type(w, ['log'])).stdout).toMatch(/bad-input/);
  });
});

describe('a directory of a member that leads elsewhere', () => {
  test.each([
    ['its own', ''],
    ['the one of its claims', 'claims'],
  ])('%s: nothing is read, written or swept there', async (_what, below) => {
    const w = world();
    const [one, other] = [w.session(), w.session()];
    for (const each of [one, other]) {
      await each.start();
      await each.prompt();
    }
    const elsewhere = join(w.base, 'elsewhere');
    const old = write(join(elsewhere, 'precious.0123456789a'), 'kept');
    utimesSync(old, 0, 0);
    const path = join(w.state, 'members', idOf(w.state, one.client.pid), below);
    rmSync(path, { recursive: true, force: true });
    symlinkSync(elsewhere, path);
    expect((await other.prompt('y')).context).toMatch(/^You are master \(epoch 2\)/);
    for (let i = 0; i < 15; i++) {
      const fired = await one.prompt(`prompt ${i}`);
      expect([fired.code, fired.context.slice(0, 24)]).toEqual([0, 'You are worker (epoch 2)']);
    }
    await one.stop();
    expect(readdirSync(elsewhere)).toEqual(['precious.0123456789a']);
    expect(births(w.state).map(({ seq }) => seq)).toEqual([1, 2]);
  });
});

describe.skipIf(!isRoot || !asNobody)('root and a user at work on one clone', () => {
  const both = (): { w: World; user: SessionUnderTest; root: SessionUnderTest; as: Fire } => {
    const w = world();
    const home = join(w.base, 'home-of-root');
    mkdirSync(home, { mode: 0o700 });
    give(w.root);
    give(w.home);
    give(w.temporary);
    chmodSync(w.base, 0o755);
    return { w, user: w.session(), root: w.session({ env: { HOME: home } }), as: { through: asNobody! } };
  };
  const ownersBelow = (directory: string): number[] => [
    ...new Set(
      [
        directory,
        ...readdirSync(directory, { recursive: true }).map((name) => join(directory, String(name))),
      ].map((path) => lstatSync(path).uid),
    ),
  ];

  test.each(['the user first', 'root first'])(
    'both see each other, %s, and the user can write everywhere',
    async (order) => {
      const { w, user, root, as } = both();
      const turns: [SessionUnderTest, Fire][] = [
        [user, as],
        [root, {}],
      ];
      if (order === 'root first') turns.reverse();
      const [[first, asFirst], [second, asSecond]] = turns as [
        [SessionUnderTest, Fire],
        [SessionUnderTest, Fire],
      ];
      expect((await first.start('startup', asFirst)).context).toMatch(/^You are master \(epoch 1\)/);
      expect((await second.start('startup', asSecond)).context).toMatch(
        /^You are master \(epoch 2\).*2 live/,
      );
      expect((await first.prompt('x', asFirst)).context).toMatch(/^You are worker \(epoch 2\)/);
      expect((await second.prompt('x', asSecond)).context).toMatch(/^You are master \(epoch 2\)/);
      for (const [one, fire] of turns) {
        await one.tools(undefined, fire);
        await one.stop('Done.', fire);
        expect((await one.prompt('y', fire)).context).toMatch(/\(epoch 2\)/);
      }
      expect(ownersBelow(w.state)).toEqual([nobody]);
      const codes = logLines(w.base).map(({ code }) => code);
      expect(codes).toEqual([]);
      expect((await user.end('other', as)).code).toBe(0);
      expect((await root.prompt('z')).context).toMatch(/^You are master/);
    },
  );

  test('a birth that stayed with root is refused, not absent, while its session lives', async () => {
    const { w, user, root, as } = both();
    await user.start('startup', as);
    await root.start();
    chownSync(join(w.state, 'seq', '000000000002.json'), 0, 0);
    const fired = await user.prompt('x', as);
    expect([fired.code, fired.context]).toEqual([0, '']);
    expect((await root.prompt('x')).context).toMatch(/^You are master \(epoch 2\)/);
    await root.client.kill();
    expect((await user.prompt('y', as)).context).toMatch(/^You are master \(epoch 1\)/);
  });

  test('a place that stayed with root is passed over, and the user hears of it once', async () => {
    const { w, user, as } = both();
    mkdirSync(w.state, { mode: 0o700 });
    const started = await user.start('startup', as);
    expect(started.context).toMatch(/^You are master/);
    expect(started.notice).toMatch(/belongs to another user/);
    expect((await user.prompt('x', as)).notice).toBe('');
    expect(logLines(w.base).filter(({ code }) => code !== 'degraded')).toEqual([]);
  });
});
