/** Foreign text wherever a command, a hook or the server repeats it: a terminal and a client get nothing that nobody sees. */
import { appendFileSync, chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { connect } from '../mcp/clients.ts';
import { invisible } from '../support/hostile.ts';
import { repository, write } from '../support/scratch.ts';
import { type SessionUnderTest, type World, world } from '../support/world.ts';
import { type, typeIn } from './command.ts';

/** A sequence of a terminal, one that conceals, one that changes the direction, and letters of no width. */
const bad = '\u001b[2J\u001b[8m\u202egpj\u200b\u0007\u009b1m\ufeff';
const commands: readonly (readonly string[])[] = [
  ['status'],
  ['status', '--json'],
  ['doctor'],
  ['doctor', '--json'],
  ['log'],
  ['log', '--json'],
  ['trust'],
  ['trust', '--json'],
  ['sync'],
  ['sync', '--json'],
  ['prune', '--dry-run'],
  ['forget', `nobody${bad}`],
  ['handoff', 'show', `nobody${bad}`],
  ['whoami'],
  ['install', '--dry-run'],
  [`nonsense${bad}`],
  ['status', `--nonsense${bad}`],
  ['-C', `nowhere${bad}`, 'status'],
];

/** What each command says there, in colours: without them it prints no sequence at all. */
async function allSay(w: World, cwd = w.root): Promise<void> {
  for (const call of commands) {
    const { stdout, stderr } = await type(w, call, { cwd, env: { FORCE_COLOR: '1' } });
    const said = (stdout + stderr).replace(/\u001b\[(?:[12]|22|3[1-6]|39)m/g, '');
    expect(said, call.join(' ')).not.toMatch(invisible);
    expect(said, call.join(' ')).not.toBe('');
  }
}

async function hooksSay(one: SessionUnderTest): Promise<void> {
  const fired = [
    await one.start(),
    await one.prompt(),
    await one.tools(),
    await one.stop(),
    await one.start('compact'),
  ];
  for (const { code, context, notice } of fired) {
    expect(code).toBe(0);
    expect(context + notice).not.toMatch(invisible);
  }
}

describe('nothing that nobody sees is repeated', () => {
  test('from a configuration', async () => {
    const w = world();
    write(
      join(w.root, '.flowloomrc.json'),
      JSON.stringify({ store: 'git', git: { remote: `origin${bad}` }, [`key${bad}`]: bad, unattended: bad }),
    );
    await hooksSay(w.session());
    await allSay(w);
  });

  test('from a configuration that does not parse', async () => {
    const w = world();
    write(join(w.root, '.flowloomrc.json'), `{ "store": ${bad}`);
    await hooksSay(w.session());
    await allSay(w);
  });

  test('from the settings of the client', async () => {
    const w = world();
    const handler = { type: 'command', command: `node x/flowloom/hooks/stop.cjs ${bad}` };
    write(
      join(w.root, '.claude', 'settings.json'),
      JSON.stringify({
        hooks: { Stop: [{ matcher: bad, hooks: [handler] }], [`On${bad}`]: bad },
        [bad]: bad,
      }),
    );
    await allSay(w);
    write(join(w.root, '.claude', 'settings.json'), `{ "hooks": ${bad}`);
    await allSay(w);
  });

  test('from the name of a directory', async () => {
    const w = world();
    const cwd = join(w.base, 'sh\u001b[8mop\u202e\u200b');
    mkdirSync(cwd);
    repository(cwd);
    write(join(cwd, '.flowloomrc.json'), '{ "store": 7 }');
    await hooksSay(w.session({ cwd }));
    await allSay(w, cwd);
  });

  test('from records and a log that somebody else wrote', async () => {
    const w = world();
    const one = w.session();
    await one.start('startup', { payload: { session_title: `shop ${bad}` } });
    await one.prompt(`build ${bad}`, { payload: { session_title: `shop ${bad}` } });
    await one.stop(`Done ${bad}. Shall I go on ${bad}?`);
    const spoil = (directory: string): void => {
      for (const entry of readdirSync(directory, { withFileTypes: true })) {
        const path = join(directory, entry.name);
        if (entry.isDirectory()) spoil(path);
        else if (entry.name.endsWith('.json'))
          writeFileSync(
            path,
            readFileSync(path, 'utf8').replace(
              /"(branch|name|doing)":\s*"[^"]*"/g,
              (_, key: string) => `"${key}": ${JSON.stringify(`x${bad}`)}`,
            ),
          );
      }
    };
    spoil(w.state);
    const line = { at: `2026-01-01${bad}`, event: `Stop${bad}`, code: bad, message: `it ${bad}\nbroke` };
    appendFileSync(join(w.state, 'log.jsonl'), `${JSON.stringify(line)}\n`);
    await allSay(w);
    for (const call of [['yield'], ['promote', `x${bad}`], ['whoami']]) {
      const { stdout, stderr } = await typeIn(one, call);
      expect(stdout + stderr, call.join(' ')).not.toMatch(invisible);
    }
    await hooksSay(w.session());
  });

  test('from a remote that answers', async () => {
    const w = world();
    const helper = join(w.base, 'bin', 'git-remote-odd');
    write(helper, `#!/bin/sh\nprintf 'fatal: %b\\n' '\\033[2J\\033[8m\\0342\\0200\\0256 no' >&2\nexit 128\n`);
    chmodSync(helper, 0o755);
    const env = { PATH: `${join(w.base, 'bin')}:${process.env.PATH}`, GIT_ALLOW_PROTOCOL: 'odd' };
    write(join(w.root, '.flowloomrc.json'), JSON.stringify({ store: 'git', git: { remote: 'odd::x' } }));
    await type(w, ['trust', '--yes'], { env });
    await w.session({ env }).start();
    const { stdout, stderr } = await type(w, ['sync'], { env });
    expect(stdout + stderr).not.toMatch(invisible);
    expect(stdout + stderr).not.toBe('');
    await allSay(w);
  });

  test('by the tools of the server', async () => {
    const w = world();
    const one = w.session();
    await one.start('startup', { payload: { session_title: `shop ${bad}` } });
    await one.prompt(`build ${bad}`);
    await one.stop(`Done ${bad}.`);
    const client = await connect(w, { era: '2026-07-28' });
    for (const [tool, given] of [
      ['join', { goal: `sell ${bad}` }],
      ['roster', {}],
      ['handoff_write', { goal: `sell ${bad}`, done: bad, next: bad }],
      ['handoff_read', {}],
      ['handoff_read', { id: `x${bad}` }],
      ['whoami', {}],
      ['leave', {}],
    ] as const) {
      const { text, facts } = await client.call(tool, given);
      expect(text, tool).not.toMatch(invisible);
      for (const said of Object.values(facts ?? {}).map((fact) => JSON.stringify(fact)))
        expect(said, tool).not.toMatch(/\\u(?:00[01]|009|20[02])|[\u200b-\u202e\ufeff]/);
    }
  });
});
