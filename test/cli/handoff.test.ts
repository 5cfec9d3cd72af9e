/** `handoff`: what sessions left behind. */
import { appendFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { renderHandoff } from '../../src/core/handoff.ts';
import { fileStore } from '../../src/stores/file-store.ts';
import { invisible } from '../support/hostile.ts';
import { handoff } from '../support/records.ts';
import { contentsBelow, write } from '../support/scratch.ts';
import { notes } from '../support/state.ts';
import { type World, world } from '../support/world.ts';
import { controls, jsonOf, trace, type } from './command.ts';

interface Head {
  id: string;
  label: string;
  role: string;
  epoch: number;
  place: string;
  goal: string;
}

const list = async (w: World): Promise<Head[]> => jsonOf<Head[]>(await type(w, ['handoff', '--json']));

/** A session that has done one turn. */
async function worked(w: World, prompt = 'add a hello file') {
  const session = w.session();
  await session.start();
  await session.prompt(prompt);
  await session.stop('The file is there. Shall I commit it?');
  return session;
}

/** What a terminal obeys or nobody sees, as the note of a stranger may hold it. */
const hidden = {
  clipboard: '\u001b]52;c;cm0gLXJmIC8=\u0007',
  'clipboard in eight bits': '\u009d52;c;cm0gLXJmIC8=\u009c',
  title: '\u001b]0;owned\u001b\\',
  screen: '\u001b[2J\u001b[H\u009b2J',
  'line printed over': 'rm -rf /\rls',
  backspace: 'rm\u0008\u0008ls',
  direction: '\u202egpj.exe\u202c',
  'zero width': 'pass\u200bword\ufeff',
  tags: '\u{e0068}\u{e0069}',
};

test.each(Object.entries(hidden))(
  'a foreign note cannot hide anything from a person or a terminal: %s',
  async (_, text) => {
    const w = world();
    await worked(w);
    const [head] = await list(w);
    appendFileSync(head!.place, `\nhere ${text} there\n`);
    for (const call of [
      ['handoff'],
      ['handoff', 'show'],
      ['handoff', 'show', '--json'],
      ['handoff', '--json'],
      ['status'],
      ['log'],
    ]) {
      const { stdout, stderr } = await type(w, call);
      expect(stdout + stderr, call.join(' ')).not.toMatch(invisible);
    }
    const shown = await type(w, ['handoff', 'show']);
    expect(shown.stdout).toMatch(/here .*there|here .*\n.*there/);
    // For a program nothing is lost: the escapes say what stood there.
    const { body } = await jsonOf<{ body: string }>(await type(w, ['handoff', 'show', '--json']));
    expect(body).toContain(text);
  },
);

describe('handoff', () => {
  test('without any: says so and exits 0', async () => {
    const w = world();
    const ran = await type(w, ['handoff']);
    expect([ran.code, ran.stderr]).toEqual([0, '']);
    expect(ran.stdout).toMatch(/^No handoffs yet/);
    expect(await list(w)).toEqual([]);
  });

  test('lists them newest first, each with its label, within 80 columns', async () => {
    const w = world();
    const first = await worked(w, 'the first thing');
    await first.end();
    await worked(w, `the second thing ${'and more '.repeat(40)}`);
    const heads = await list(w);
    expect(heads.map(({ label, epoch, role }) => [label, epoch, role])).toEqual([
      ['checkpoint', 2, 'master'],
      ['complete', 1, 'master'],
    ]);
    for (const { id, place } of heads) expect(place).toBe(join(w.state, 'handoffs', `${id}.md`));
    const { stdout, lines, code } = await type(w, ['handoff']);
    expect(code).toBe(0);
    expect(stdout.indexOf(heads[0]!.id)).toBeLessThan(stdout.indexOf(heads[1]!.id));
    expect(stdout).toContain('"the first thing"');
    expect(lines.filter((line) => line.length > 80)).toEqual([]);
    expect(stdout).not.toMatch(controls);
  });

  test('a reconstruction hides its checkpoint; both can still be shown', async () => {
    const w = world();
    const dead = await worked(w);
    await dead.client.kill();
    await w.session().start();
    const written = Object.keys(notes(w.state)).sort();
    expect(written).toHaveLength(2);
    const [checkpoint, reconstructed] = written as [string, string];
    expect(reconstructed).toBe(`${checkpoint}.reconstructed`);
    expect((await list(w)).map(({ id, label }) => [id, label])).toEqual([[reconstructed, 'reconstructed']]);
    expect((await type(w, ['handoff'])).stdout).not.toMatch(new RegExp(`${checkpoint} `));
    for (const id of written)
      expect(jsonOf(await type(w, ['handoff', 'show', id, '--json']))).toMatchObject({ id });
    expect((await type(w, ['status'])).stdout).toMatch(/^handoffs {2}1 /m);
  });

  test('show without an id is the newest; by id it is that one', async () => {
    const w = world();
    const first = await worked(w, 'the first thing');
    await first.end();
    await worked(w, 'the second thing');
    const [newest, oldest] = (await list(w)) as [Head, Head];
    const shown = await type(w, ['handoff', 'show']);
    expect([shown.code, shown.stderr]).toEqual([0, '']);
    expect(shown.stdout).toContain('the second thing');
    expect((await type(w, ['handoff', 'show', newest.id])).stdout).toBe(shown.stdout);
    expect((await type(w, ['handoff', 'show', oldest.id])).stdout).toContain('the first thing');
    const json = jsonOf<Head & { body: string }>(await type(w, ['handoff', 'show', oldest.id, '--json']));
    expect(json).toMatchObject({ ...oldest, body: expect.stringContaining('the first thing') });
    expect(await type(w, ['handoff', '--json', 'show', oldest.id])).toMatchObject({
      stdout: `${JSON.stringify(json, null, 2)}\n`,
    });
  });

  test('a checkpoint is shown with what git says now; a complete one as it was written', async () => {
    const w = world();
    const session = await worked(w);
    write(join(w.root, 'later.txt'), 'x');
    const open = (await type(w, ['handoff', 'show'])).stdout;
    expect(open).toContain('## Git (as this is read)');
    expect(open).not.toMatch(/^## Git$/m);
    expect(open).toContain('later.txt');
    await session.end();
    write(join(w.root, 'after-the-end.txt'), 'x');
    const [id] = Object.keys(notes(w.state));
    const closed = await type(w, ['handoff', 'show', id!]);
    expect(closed.stdout).toBe(notes(w.state)[id!]);
    expect(closed.stdout).toContain('later.txt');
    expect(closed.stdout).not.toContain('after-the-end.txt');
  });

  test('a checkpoint whose work tree is gone is shown as it was written', async () => {
    const w = world();
    const store = fileStore(w.state);
    const gone = handoff({ worktree: join(w.base, 'gone') });
    await store.putHandoff('000007-23351544', renderHandoff(gone, '000007-23351544', 6000));
    const ran = await type(w, ['handoff', 'show']);
    expect([ran.code, ran.stderr]).toEqual([0, '']);
    expect(ran.stdout).toBe(notes(w.state)['000007-23351544']);
  });

  test('showing changes nothing', async () => {
    const w = world();
    await worked(w);
    const before = contentsBelow(w.base);
    await type(w, ['handoff']);
    await type(w, ['handoff', 'show']);
    await type(w, ['handoff', 'show', '--json']);
    const after = contentsBelow(w.base);
    // git may refresh its index when it is asked.
    delete before['shop/.git/index'];
    delete after['shop/.git/index'];
    expect(after).toEqual(before);
  });

  test('an unknown id, and one that leads elsewhere, is a sentence and exit 1', async () => {
    const w = world();
    const session = await worked(w);
    await session.end();
    const note = Object.values(notes(w.state))[0]!;
    write(join(w.state, 'x.md'), note);
    write(join(w.root, 'x.md'), note);
    const ids = [
      '000099-00000000',
      'x',
      '',
      '../../x',
      '../x',
      '../seq/000000000001',
      '..',
      '/etc/passwd',
      '000001-00000000/../../x',
      '000001-%2e%2e',
      '-',
      '\u001b[2J',
    ];
    for (const [at, id] of ids.entries()) {
      const ran = await type(w, ['handoff', 'show', ...(at % 2 ? ['--json'] : []), '--', id]);
      expect([id, ran.code]).toEqual([id, 1]);
      expect(ran.stdout).not.toContain('add a hello file');
      expect(ran.stderr).toMatch(/^There is no handoff/);
      expect(ran.stderr).not.toMatch(trace);
      expect([id, ran.stderr.match(controls)]).toEqual([id, null]);
    }
  });

  test('show without an id where there is none', async () => {
    const w = world();
    const ran = await type(w, ['handoff', 'show']);
    expect([ran.code, ran.stdout]).toEqual([1, '']);
    expect(ran.stderr).toMatch(/^(?:There is no handoff|No handoffs)/);
    // A word that nobody typed helps nobody.
    expect(ran.stderr).not.toContain('"latest"');
  });

  test('a note that cannot be read is left out, and is unknown', async () => {
    const w = world();
    const session = await worked(w);
    await session.end();
    write(join(w.state, 'handoffs', '000009-broken.md'), 'no frontmatter');
    write(join(w.state, 'handoffs', '000010-folder.md', 'x'), '');
    expect(await list(w)).toHaveLength(1);
    for (const id of ['000009-broken', '000010-folder'])
      expect((await type(w, ['handoff', 'show', id])).code).toBe(1);
    rmSync(join(w.state, 'handoffs'), { recursive: true });
    expect(await list(w)).toEqual([]);
  });

  test('a note that others wrote moves no terminal in the list', async () => {
    const w = world();
    const evil = '\u001b[2J\u202egone';
    const text = renderHandoff(handoff(), '000007-23351544', 6000)
      .replace(/^name: .*$/m, `name: ${JSON.stringify(evil)}`)
      .replace(/^goal: .*$/m, `goal: ${JSON.stringify(evil)}`)
      .replace(/^modified: .*$/m, `modified: ${JSON.stringify(evil)}`)
      .replace(/^branch: .*$/m, `branch: ${JSON.stringify(evil)}`);
    await fileStore(w.state).putHandoff('000007-23351544', text);
    const ran = await type(w, ['handoff']);
    expect(ran.code).toBe(0);
    expect(ran.stdout).toContain('000007-23351544');
    expect(ran.stdout).not.toMatch(controls);
  });
});
