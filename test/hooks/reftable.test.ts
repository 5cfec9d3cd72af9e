/** A repository that keeps its refs in tables: its HEAD is a placeholder, and only git knows the branch. */
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { program } from '../support/program.ts';
import { write } from '../support/scratch.ts';
import { presenceOf } from '../support/state.ts';
import { type World, world } from '../support/world.ts';

function tabled(): World {
  const w = world();
  write(join(w.root, '.git', 'HEAD'), 'ref: refs/heads/.invalid\n');
  return w;
}

/** A git of these days, asked for the state of such a repository. */
function newerGit(w: World): string {
  const bin = join(w.base, 'bin');
  program(join(bin, 'git'), `printf '# branch.oid %040d\\0# branch.head topic\\0' 7`);
  return `${bin}:${process.env.PATH}`;
}

describe('the branch', () => {
  test('is what git says at a start, and nothing at a prompt, which does not ask', async () => {
    const w = tabled();
    const one = w.session({ env: { PATH: newerGit(w) } });
    await one.start();
    expect(presenceOf(w.state, one.client.pid).branch).toBe('topic');
    const told = await w.session({ env: one.env }).start();
    expect(told.context).toContain('branch "topic"');
    await one.prompt();
    expect(presenceOf(w.state, one.client.pid).branch).toBe('');
  });

  test('is never the placeholder, also where git does not know such repositories', async () => {
    const w = tabled();
    const one = w.session();
    for (const fired of [await one.start(), await one.prompt(), await one.stop(), await w.session().start()])
      expect(fired.stdout).not.toContain('.invalid');
    expect(presenceOf(w.state, one.client.pid).branch).toBe('');
  });
});
