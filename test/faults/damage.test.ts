/** Records that are gone, moved, foreign or closed to their reader. */
import { chmodSync, existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { expectWell, records, twoSessions } from '../support/member-records.ts';
import { write } from '../support/scratch.ts';
import { idOf, logLines } from '../support/state.ts';
import { asNobody } from '../support/unprivileged.ts';

describe('the owner is still served', () => {
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
    for (const fired of [
      await victim.prompt(),
      await victim.tools(),
      await victim.stop(),
      await victim.end(),
    ])
      expectWell('hook', fired);
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
  const closed = Object.keys(records).filter((record) => record !== 'the folder of members');
  test.for(closed)('%s', async (record, context) => {
    if (!asNobody) return context.skip('skipped: needs setpriv or an unprivileged user');
    const fire = { through: asNobody };
    const { w, victim } = await twoSessions(fire);
    const path = records[record]!(w, idOf(w.state, victim.client.pid));
    chmodSync(path, 0);
    try {
      expectWell('prompt', await victim.prompt('go on', fire));
      expectWell('stop', await victim.stop('Done again.', fire));
      const told = await w.session().start('startup', fire);
      expectWell('newcomer', told);
      expect(told.context).toMatch(/^You are master \(epoch \d+\)/);
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
  write(
    join(w.state, 'seq', '000000000007.json'),
    JSON.stringify({ ...birth, id: 'stranger', process: { ...birth.process, start: '1' } }),
  );
  expect((await victim.prompt()).context).toMatch(/^You are master \(epoch 2\).*2 live sessions/);
  expect((await other.prompt()).context).toMatch(/^You are worker \(epoch 2\).*2 live sessions/);
});
