/** Nothing secret is ever written, and what is written is for this user only. */
import { lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { contentsBelow, git, write } from '../support/scratch.ts';
import { secrets } from '../support/secrets.ts';
import { bashCall, type SessionUnderTest, type World, world, writeCall } from '../support/world.ts';

/** A session that meets the text everywhere a session can meet text. */
async function meets(w: World, text: string, one: SessionUnderTest): Promise<string> {
  one.writeTranscript([
    { type: 'user', origin: { kind: 'human' }, message: { role: 'user', content: `use ${text}` } },
    {
      type: 'assistant',
      message: { role: 'assistant', content: [{ type: 'text', text: `I used ${text}` }] },
    },
    {
      type: 'assistant',
      message: {
        role: 'assistant',
        content: [
          {
            type: 'tool_use',
            id: 'q',
            name: 'AskUserQuestion',
            input: { questions: [{ question: `Is ${text} right?` }] },
          },
        ],
      },
    },
    {
      type: 'assistant',
      message: {
        role: 'assistant',
        content: [{ type: 'tool_use', id: 't', name: 'TaskCreate', input: { subject: `rotate ${text}` } }],
      },
    },
    {
      type: 'assistant',
      message: {
        role: 'assistant',
        content: [{ type: 'tool_use', id: 'b', name: 'Bash', input: { command: `curl ${text} # test` } }],
      },
    },
    {
      type: 'user',
      message: {
        role: 'user',
        content: [{ type: 'tool_result', tool_use_id: 'b', content: `failed\n${text}`, is_error: true }],
      },
    },
  ]);
  write(join(w.root, 'changed'), 'x');
  const payload = { session_title: `about ${text}` };
  const told = [
    await one.start('startup', { payload }),
    await one.prompt(`please use ${text}`, { payload }),
    await one.tools(
      [bashCall(`export X='${text}'; npm test`, `${text}\n${text}`), writeCall(join(w.root, 'hello.txt'))],
      { payload },
    ),
    await one.compacted(`The user gave ${text}`, { payload }),
    await one.stop(`I have stored ${text}. Shall I use ${text}?`, { payload }),
    await one.stop('', { stdin: `{"session_id": "${text}", broken` }),
    await one.end('clear', { payload }),
  ];
  const other = await w.session().start();
  return [...told, other].map(({ stdout }) => stdout).join('\n');
}

test('no secret of any known shape is on disk or told to others, wherever it came from', async () => {
  const w = world();
  const one = w.session();
  const all = secrets.map(({ text }) => text);
  // A few at a time, since everything that is kept is short.
  for (let i = 0; i < all.length; i += 3) {
    const some = all.slice(i, i + 3).join(' ');
    one.renewed();
    const told = await meets(w, some, one);
    const written = {
      ...contentsBelow(w.state),
      ...contentsBelow(join(w.home)),
      ...contentsBelow(w.temporary),
    };
    for (const { name, secret } of secrets.slice(i, i + 3)) {
      for (const [path, content] of Object.entries(written)) {
        if (path.endsWith('.jsonl') && path.includes('.claude')) continue;
        expect(content.includes(secret), `${name} in ${path}`).toBe(false);
      }
      expect(told.includes(secret), `${name} told to another session`).toBe(false);
    }
  }
});

test('a secret in the name of a branch is not written either', async () => {
  const w = world();
  const secret = `ghp_${'aB3dE5'.repeat(6)}`;
  git(w.root, 'checkout', '-q', '-b', `try/${secret}`);
  const one = w.session();
  await one.start();
  await one.prompt('x');
  await one.stop();
  await one.end();
  await w.session().start();
  for (const [path, content] of Object.entries(contentsBelow(w.state)))
    expect(content.includes(secret), path).toBe(false);
});

test('the secrets of the client in the environment are never read', async () => {
  const w = world();
  const secret = 'messaging-token-of-the-client';
  const one = w.session({
    env: { CLAUDE_CODE_MESSAGING_TOKEN: secret, ANTHROPIC_API_KEY: secret, FLOWLOOM_DEBUG: '1' },
  });
  const told = [
    await one.start(),
    await one.prompt(),
    await one.stop(),
    await one.stop('', { stdin: 'broken' }),
    await one.end(),
  ];
  expect(told.map(({ stdout, stderr }) => stdout + stderr).join()).not.toContain(secret);
  expect(JSON.stringify(contentsBelow(w.base))).not.toContain(secret);
});

test('the plain identity of the machine is in no record', async () => {
  const w = world();
  await w.session().start();
  const { readFileSync, existsSync } = await import('node:fs');
  for (const source of ['/etc/machine-id', '/proc/sys/kernel/random/boot_id']) {
    const text = existsSync(source) ? readFileSync(source, 'utf8').trim() : '';
    if (text) expect(JSON.stringify(contentsBelow(w.state))).not.toContain(text);
  }
});

describe.each([0o000, 0o022, 0o077])('with umask %i', (umask) => {
  test('directories are 0700 and files 0600, in every place', async () => {
    const w = world();
    const plain = world({ git: false });
    for (const each of [w, plain]) {
      const one = each.session();
      const through = ['/bin/sh', '-c', `umask ${umask.toString(8).padStart(3, '0')}; exec "$0" "$@"`];
      await one.start('startup', { through });
      await one.prompt('x', { through });
      await one.tools(undefined, { through });
      await one.stop('Done.', { through });
      await one.fire('stop', { stdin: 'broken', through });
      await one.end('other', { through });
    }
    const modes = (directory: string): [string, string][] => [
      [directory, (lstatSync(directory).mode & 0o777).toString(8)],
      ...readdirSync(directory, { withFileTypes: true }).flatMap((entry): [string, string][] => {
        const path = join(directory, entry.name);
        return entry.isDirectory() ? modes(path) : [[path, (lstatSync(path).mode & 0o777).toString(8)]];
      }),
    ];
    const found = [...modes(w.state), ...modes(join(plain.home, '.local', 'state', 'flowloom'))];
    expect(found.length).toBeGreaterThan(15);
    for (const [path, mode] of found)
      expect([path, mode]).toEqual([path, lstatSync(path).isDirectory() ? '700' : '600']);
  });
});
