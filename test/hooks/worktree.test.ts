/** A session that goes elsewhere: the payload says where it is, while CLAUDE_PROJECT_DIR stays where it was started. */
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseHandoff } from '../../src/core/handoff.ts';
import { git, repository, write } from '../support/scratch.ts';
import { notebookOf, notes, presenceOf } from '../support/state.ts';
import { bashCall, type SessionUnderTest, type World, world } from '../support/world.ts';

/** A session that was started at the top of the repository, and a worktree inside of it, as EnterWorktree makes it. */
function inWorktree(): { w: World; one: SessionUnderTest; inner: string } {
  const w = world();
  const inner = join(w.root, '.claude', 'worktrees', 'inner');
  git(w.root, 'worktree', 'add', '-q', '-b', 'worktree-inner', inner);
  const one = w.session({ env: { CLAUDE_PROJECT_DIR: w.root } });
  return { w, one, inner };
}

const placeOf = ({ state }: World, { client }: SessionUnderTest) => {
  const { cwd, worktree, branch } = presenceOf(state, client.pid);
  return { cwd, worktree, branch };
};

const onlyNote = ({ state }: World) => {
  const [[id, text]] = Object.entries(notes(state)) as [[string, string]];
  return parseHandoff(text, id)!;
};

describe('in another worktree of the same repository', () => {
  test('the others are told that branch and that place, and git facts are of there', async () => {
    const { w, one, inner } = inWorktree();
    await one.start();
    await one.prompt('go to a worktree');
    expect(placeOf(w, one)).toEqual({ cwd: w.root, worktree: w.root, branch: 'main' });
    one.cwd = inner;
    await one.tools([bashCall('npm test', '1 passed')]);
    expect(placeOf(w, one)).toEqual({ cwd: inner, worktree: inner, branch: 'worktree-inner' });
    write(join(inner, 'painted.txt'), 'red');
    write(join(w.root, 'of-somebody-else.txt'), 'blue');

    await one.stop('Half done.');
    expect(onlyNote(w).head).toMatchObject({ branch: 'worktree-inner', worktree: inner });
    const { context } = await w.session().start();
    expect(context).toMatch(/worker, branch "worktree-inner", in "\S*inner"/);
    expect(context).toContain('painted.txt');
    expect(context).not.toContain('of-somebody-else.txt');

    await one.end();
    const { head, body } = onlyNote(w);
    expect(head).toMatchObject({ label: 'complete', branch: 'worktree-inner', worktree: inner });
    expect(body).toContain('painted.txt');
    expect(body).not.toContain('of-somebody-else.txt');
  });

  test('also when only its end says where it is, and when it was killed there', async () => {
    const { w, one, inner } = inWorktree();
    await one.start();
    await one.prompt('go to a worktree');
    one.cwd = inner;
    await one.end();
    expect(onlyNote(w).head).toMatchObject({ branch: 'worktree-inner', worktree: inner });

    const two = w.session({ env: { CLAUDE_PROJECT_DIR: w.root } });
    await two.start();
    await two.prompt('go there too');
    two.cwd = join(inner, 'src');
    mkdirSync(two.cwd);
    await two.stop('There.');
    await two.client.kill();
    const { context } = await w.session().start();
    expect(context).toMatch(/reconstructed after it ended/);
    expect(context).toContain('branch: worktree-inner');
  });

  test('and back again', async () => {
    const { w, one, inner } = inWorktree();
    await one.start();
    one.cwd = inner;
    await one.stop();
    one.cwd = w.root;
    await one.stop();
    expect(placeOf(w, one)).toEqual({ cwd: w.root, worktree: w.root, branch: 'main' });
  });
});

describe('elsewhere', () => {
  test('a subdirectory is in the same worktree', async () => {
    const { w, one } = inWorktree();
    await one.start();
    one.cwd = join(w.root, 'src', 'deep');
    mkdirSync(one.cwd, { recursive: true });
    await one.stop();
    expect(placeOf(w, one)).toEqual({ cwd: one.cwd, worktree: w.root, branch: 'main' });
  });

  test('nothing is taken of another repository, of a plain directory, or of one inside', async () => {
    const { w, one } = inWorktree();
    await one.start();
    const nested = join(w.root, 'vendor', 'lib');
    for (const other of [join(w.base, 'other'), nested]) {
      mkdirSync(other, { recursive: true });
      repository(other);
      git(other, 'checkout', '-q', '-b', 'foreign');
      one.cwd = other;
      await one.stop();
      expect(placeOf(w, one)).toEqual({ cwd: other, worktree: w.root, branch: 'main' });
    }
    one.cwd = w.base;
    await one.stop();
    expect(placeOf(w, one)).toEqual({ cwd: w.base, worktree: w.root, branch: 'main' });
  });

  test('a directory that is gone is as good as what is left of it', async () => {
    const { w, one, inner } = inWorktree();
    await one.start();
    one.cwd = join(inner, 'gone');
    await one.stop();
    expect(placeOf(w, one)).toMatchObject({ worktree: inner, branch: 'worktree-inner' });
    rmSync(inner, { recursive: true });
    expect((await one.stop()).code).toBe(0);
    expect(placeOf(w, one)).toMatchObject({ worktree: w.root, branch: 'main' });
    one.cwd = join(w.base, 'never', 'there');
    expect((await one.prompt('where am I')).context).toMatch(/^You are master/);
    expect(placeOf(w, one)).toMatchObject({ worktree: w.root, branch: 'main' });
  });
});

test('a transcript that moved is read on from where it was', async () => {
  const { w, one, inner } = inWorktree();
  const call = (id: string, command: string) => ({
    type: 'assistant',
    message: { content: [{ type: 'tool_use', id, name: 'Bash', input: { command } }] },
  });
  const lines = Array.from({ length: 20 }, (_, n) => call(`t${n}`, `npm test ${n}`));
  await one.start();
  await one.prompt('test it');
  const before = one.writeTranscript(lines);
  await one.stop();
  const moved = join(dirname(dirname(before)), 'inner', `${one.id}.jsonl`);
  mkdirSync(dirname(moved), { recursive: true });
  renameSync(before, moved);
  writeFileSync(moved, `${JSON.stringify(call('new', 'npm run build'))}\n`, { flag: 'a' });
  one.transcript = moved;
  one.cwd = inner;
  await one.stop();
  const { digest } = notebookOf(w.state, one.client.pid).conversation;
  expect(digest.commands.map(({ command }) => command)).toEqual([
    ...Array.from({ length: 11 }, (_, n) => `npm test ${n + 9}`),
    'npm run build',
  ]);
});
