/** Something else in place of a record: the hooks of its owner and of everybody else go on, and nobody's other record changes. */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startLongClient } from '../support/clients.ts';
import { contentsBelow, write } from '../support/scratch.ts';
import { idOf, logLines } from '../support/state.ts';
import { asNobody, give } from '../support/unprivileged.ts';
import { type Fire, type Fired, type SessionUnderTest, type World, world } from '../support/world.ts';

type Spoil = (path: string, precious: string) => void;
const afresh =
  (make: Spoil): Spoil =>
  (path, precious) => {
    rmSync(path, { recursive: true, force: true });
    make(path, precious);
  };

const spoils: Readonly<Record<string, Spoil>> = {
  'a FIFO': afresh((path) => execFileSync('mkfifo', [path])),
  'a symbolic link to a file of somebody else': afresh((path, precious) => symlinkSync(precious, path)),
  'a symbolic link to nowhere': afresh((path) => symlinkSync('/nonexistent/x', path)),
  'a directory': afresh((path) => write(join(path, 'theirs.txt'), 'theirs')),
  garbage: afresh((path) => writeFileSync(path, Buffer.from([0xff, 0xfe, 0, 1, 2, 123, 34]))),
  'an empty file': afresh((path) => writeFileSync(path, '')),
  'JSON of another kind': afresh((path) =>
    writeFileSync(
      path,
      '{"version":1,"told":{},"conversation":{"digest":{"commands":[null],"todos":[null],"files":[5]}}}\n',
    ),
  ),
  'a file of 100 MB': afresh((path) => {
    writeFileSync(path, '{');
    truncateSync(path, 100 << 20);
  }),
};

/** Where each kind of record of a member lies. */
const records: Readonly<Record<string, (w: World, id: string) => string>> = {
  'its birth': (w) => join(w.state, 'seq', '000000000002.json'),
  'its presence': (w, id) => join(w.state, 'members', id, 'presence.json'),
  'its notebook': (w, id) => join(w.state, 'members', id, 'notebook.0.json'),
  'the other half of its notebook': (w, id) => join(w.state, 'members', id, 'notebook.1.json'),
  'its handoff': (w) =>
    join(
      w.state,
      'handoffs',
      readdirSync(join(w.state, 'handoffs')).find((name) => name.startsWith('000002'))!,
    ),
  'the log': (w) => join(w.state, 'log.jsonl'),
  'its claims': (w, id) => join(w.state, 'members', id, 'claims'),
  'its whole folder': (w, id) => join(w.state, 'members', id),
  'the folder of births': (w) => join(w.state, 'seq'),
  'the folder of members': (w) => join(w.state, 'members'),
  'the folder of handoffs': (w) => join(w.state, 'handoffs'),
  'the whole state': (w) => w.state,
};
const wholeFolders = new Set([
  'the folder of births',
  'the folder of members',
  'the folder of handoffs',
  'the whole state',
]);

const expectWell = (what: string, { code, signal, stderr, stdout }: Fired): void => {
  expect([what, code, signal, stderr]).toEqual([what, 0, null, '']);
  if (stdout) expect(JSON.parse(stdout)).toBeTypeOf('object');
};

/** Two sessions with all kinds of records; the second one's are going to be spoilt. */
async function haveRecords(w: World, sessions: readonly SessionUnderTest[], fire: Fire = {}): Promise<void> {
  for (const one of sessions) {
    await one.start('startup', fire);
    await one.prompt('a good goal', fire);
    await one.stop('Done.', fire);
  }
  write(
    join(w.state, 'log.jsonl'),
    '{"at":"2026-11-22T08:00:00.000Z","event":"Stop","code":"x","message":"from before"}\n',
  );
  if (fire.through) give(w.base);
}

async function twoSessions(
  fire: Fire = {},
): Promise<{ w: World; other: SessionUnderTest; victim: SessionUnderTest; precious: string }> {
  const w = world({ name: 'faults' });
  if (fire.through) give(w.base);
  const precious = write(join(w.base, 'precious.json'), '{"theirs":true}');
  const [other, victim] = [w.session(), w.session()];
  await haveRecords(w, [other, victim], fire);
  return { w, other, victim, precious };
}

async function everyHook(one: SessionUnderTest, fire: Fire = {}): Promise<void> {
  expectWell('prompt', await one.prompt('go on', fire));
  expectWell('tools', await one.tools(undefined, fire));
  expectWell('stop', await one.stop('Done again.', fire));
  expectWell('end', await one.end('other', fire));
}

describe('a record of one session', () => {
  // The same two sessions for all: before each test their state is put back as it was.
  const w = world({ name: 'faults', until: afterAll });
  const precious = write(join(w.base, 'precious.json'), '{"theirs":true}');
  const asItWas = join(w.base, 'as-it-was');
  const clients = [startLongClient(), startLongClient()];
  afterAll(() => Promise.all(clients.map((client) => client.kill())));
  const [other, victim] = clients.map((client) => w.session({ client })) as [
    SessionUnderTest,
    SessionUnderTest,
  ];
  let otherId = '';
  let victimId = '';
  beforeAll(async () => {
    await haveRecords(w, [other, victim]);
    [otherId, victimId] = [idOf(w.state, other.client.pid), idOf(w.state, victim.client.pid)];
    cpSync(w.state, asItWas, { recursive: true, preserveTimestamps: true });
  });
  beforeEach(() => {
    for (const place of [w.state, join(w.home, '.local'), w.temporary])
      rmSync(place, { recursive: true, force: true });
    mkdirSync(w.temporary);
    cpSync(asItWas, w.state, { recursive: true, preserveTimestamps: true });
  });

  describe.each(Object.keys(records))('%s', (record) => {
    test.each(Object.keys(spoils))('is %s', async (spoil) => {
      const path = records[record]!(w, victimId);
      const before = contentsBelow(w.state);
      spoils[spoil]!(path, precious);
      const theirs = existsSync(join(path, 'theirs.txt'));

      expectWell('prompt', await victim.prompt('go on'));
      expectWell('stop', await victim.stop('Done again.'));
      const told = await w.session().start();
      expectWell('newcomer', told);
      expectWell('other', await other.prompt());
      expectWell('end', await victim.end('other'));

      expect(readFileSync(precious, 'utf8')).toBe('{"theirs":true}');
      expect(statSync(precious).mode & 0o777).toBe(0o644);
      if (theirs) expect(readFileSync(join(path, 'theirs.txt'), 'utf8')).toBe('theirs');
      expect(existsSync('/nonexistent')).toBe(false);
      // A place that cannot be used is left for another one, and the user hears of it; a role is told in any case.
      expect(told.context).toMatch(/^You are master \(epoch \d+\)/);
      if (wholeFolders.has(record)) return;
      // The others work as before, and what they have not written themselves is as it was.
      const after = contentsBelow(w.state);
      for (const [name, content] of Object.entries(before))
        if (name === 'seq/000000000001.json' || name.startsWith('handoffs/000001'))
          expect([name, after[name]]).toEqual([name, content]);
      expect(after[`members/${otherId}/presence.json`]).toBeDefined();
    });
  });
});

describe('the owner is still served', () => {
  test.each(['its presence', 'its notebook', 'the other half of its notebook', 'its handoff', 'the log'])(
    'when %s went bad it is still told its role',
    async (record) => {
      for (const spoil of [
        'garbage',
        'an empty file',
        'JSON of another kind',
        'a FIFO',
        'a symbolic link to nowhere',
      ]) {
        const { w, victim, precious } = await twoSessions();
        spoils[spoil]!(records[record]!(w, idOf(w.state, victim.client.pid)), precious);
        expect([spoil, (await victim.prompt()).context]).toEqual([
          spoil,
          expect.stringMatching(/^You are master \(epoch 2\).*2 live sessions/),
        ]);
        expect([spoil, (await victim.prompt()).context]).toEqual([
          spoil,
          expect.stringMatching(/^You are master \(epoch 2\)/),
        ]);
      }
    },
  );

  test('when its birth is gone it joins again, and is not two', async () => {
    const { w, victim } = await twoSessions();
    rmSync(join(w.state, 'seq', '000000000002.json'));
    expect((await victim.prompt()).context).toMatch(/^You are master \(epoch [23]\).*2 live sessions/);
    expect((await w.session().start()).context).toMatch(/3 live sessions/);
  });

  test('when the whole state was deleted under it, it begins anew', async () => {
    const { w, victim, other } = await twoSessions();
    rmSync(w.state, { recursive: true });
    expect((await victim.prompt()).context).toMatch(/^You are master/);
    expect((await other.prompt()).context).toMatch(/^You are master.*2 live sessions/);
    expect((await victim.prompt()).context).toMatch(/^You are worker.*2 live sessions/);
  });

  test('when the repository was moved, it goes on there', async () => {
    const { w, victim } = await twoSessions();
    renameSync(w.root, `${w.root}-moved`);
    victim.cwd = `${w.root}-moved`;
    expect((await victim.prompt()).context).toMatch(/^You are master \(epoch 2\).*2 live sessions/);
  });

  test('foreign files among the records change nothing and stay', async () => {
    const { w, victim } = await twoSessions();
    const litter = [
      'seq/README',
      'seq/000000000009.json.bak',
      'seq/x.tmp',
      'members/README',
      'members/stranger/x',
      'handoffs/notes.md',
      'handoffs/000009-abc.md',
      'notes.txt',
    ];
    for (const name of litter) write(join(w.state, name), 'not ours');
    await everyHook(victim);
    expect((await w.session().start()).context).toMatch(/^You are master \(epoch 3\)/);
    for (const name of litter)
      expect([name, readFileSync(join(w.state, name), 'utf8')]).toEqual([name, 'not ours']);
  });

  test('a note of another kind that looks like a handoff is not shown', async () => {
    const { w, victim, other } = await twoSessions();
    write(
      join(w.state, 'handoffs', '000009-abc.md'),
      '---\ntype: note\nseq: 9\nrole: master\n---\n\n## Goal\n\nevil',
    );
    for (const one of [victim, other]) await one.end();
    const told = (await w.session().start()).context;
    expect(told).not.toContain('evil');
    expect(told).toContain('a good goal');
  });
});

describe('what cannot be read', () => {
  test.for([
    'its birth',
    'its presence',
    'its notebook',
    'its handoff',
    'the log',
    'its claims',
    'its whole folder',
    'the folder of births',
    'the folder of handoffs',
    'the whole state',
  ])('%s', async (record, context) => {
    if (!asNobody) return context.skip('skipped: needs setpriv or an unprivileged user');
    const fire = { through: asNobody };
    const { w, other, victim } = await twoSessions(fire);
    const path = records[record]!(w, idOf(w.state, victim.client.pid));
    chmodSync(path, 0);
    try {
      await everyHook(victim, fire);
      const told = await w.session().start('startup', fire);
      expectWell('newcomer', told);
      expect(told.context + told.notice).not.toBe('');
      expectWell('other', await other.prompt('x', fire));
    } finally {
      if (existsSync(path)) chmodSync(path, 0o700);
    }
  });
});

test('one fault is one line in the log, at each hook that met it', async () => {
  const { w, victim } = await twoSessions();
  const path = records['its claims']!(w, idOf(w.state, victim.client.pid));
  rmSync(path, { recursive: true });
  writeFileSync(path, 'garbage');
  expect(logLines(w.base)).toHaveLength(1);
  await victim.prompt();
  expect(logLines(w.base)).toHaveLength(2);
  expect(logLines(w.base)[1]).toMatchObject({
    event: 'UserPromptSubmit',
    at: expect.stringMatching(/^\d{4}-/),
    message: expect.stringMatching(/claims/),
  });
});

test("a stranger's birth that claims to be this process does not confuse it", async () => {
  const { w, victim, other } = await twoSessions();
  const birth = JSON.parse(readFileSync(join(w.state, 'seq', '000000000002.json'), 'utf8'));
  mkdirSync(join(w.state, 'seq'), { recursive: true });
  write(
    join(w.state, 'seq', '000000000007.json'),
    JSON.stringify({ ...birth, id: 'stranger', process: { ...birth.process, start: '1' } }),
  );
  expect((await victim.prompt()).context).toMatch(/^You are master \(epoch 2\).*2 live sessions/);
  expect((await other.prompt()).context).toMatch(/^You are worker \(epoch 2\).*2 live sessions/);
});
