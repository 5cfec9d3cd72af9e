/** What is printed as a command is one that works where it is read, without a registry. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { buildSync } from 'esbuild';
import { describe, expect, test } from 'vitest';
import { repository, scratch, write } from '../support/scratch.ts';
import { commandPath } from './command.ts';

/** A shell in a directory, with nothing but Node and git. */
const shell = (cwd: string, home: string, script: string) => {
  const { PATH } = process.env;
  const { status, stdout, stderr } = spawnSync('/bin/sh', ['-c', script], {
    cwd,
    env: { PATH, HOME: home, GIT_CONFIG_NOSYSTEM: '1', npm_config_offline: 'true' },
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
};

const printed = (text: string, after: RegExp): string =>
  new RegExp(`${after.source}(node .+)`).exec(text)![1]!;

/** A repository that wants another package manager, as `npx` then refuses to run there. */
function place(name = 'shop') {
  const home = scratch('own-command');
  const shop = repository(join(home, name));
  const devEngines = { packageManager: { name: 'pnpm', onFail: 'error' } };
  write(join(shop, 'package.json'), JSON.stringify({ name: 'shop', devEngines }));
  return { home, shop };
}

test.each(['shop', "it's a shop"])('install prints a command that works in %s', (name) => {
  const { home, shop } = place(name);
  const ran = shell(shop, home, `node '${commandPath}' install`);
  expect(ran.status, ran.stdout + ran.stderr).toBe(0);
  const again = printed(ran.stdout, /Who is there: /);
  expect(again).toBe('node .claude/flowloom/cli.mjs status');
  expect(shell(shop, home, again)).toMatchObject({ status: 0, stderr: '' });
  expect(ran.stdout).not.toContain('npx');
});

test('a command for elsewhere says where', () => {
  const { home, shop } = place();
  const other = join(home, 'other');
  mkdirSync(other);
  const ran = shell(other, home, `node '${commandPath}' -C ../shop install`);
  const again = printed(ran.stdout, /Who is there: /);
  const status = shell(other, home, again);
  expect(status.status, status.stderr).toBe(0);
  expect(status.stdout).toContain(shop);
});

test('the command goes by its own path, quoted where a shell needs it', () => {
  const { home, shop } = place();
  const copy = join(home, "my 'own' copy");
  cpSync(dirname(commandPath), copy, { recursive: true });
  const status = shell(shop, home, `node "${join(copy, 'cli.mjs')}" status`);
  const doctor = printed(status.stdout, /Nothing happens\? /);
  expect(shell(shop, home, doctor).stdout).toContain('settings');
});

test('the installed command needs nothing else: version, renewal, another scope', () => {
  const { home, shop } = place();
  const copy = join(home, 'copy');
  cpSync(dirname(commandPath), copy, { recursive: true });
  expect(shell(shop, home, `node ${copy}/cli.mjs install`).status).toBe(0);
  rmSync(copy, { recursive: true });
  const own = 'node .claude/flowloom/cli.mjs';
  expect(shell(shop, home, `${own} --version`).stdout).toMatch(/^\d+\.\d+\.\d+/);
  expect(shell(shop, home, `${own} install`).stdout).toContain('already installed');
  const local = shell(shop, home, `${own} install --scope local`);
  expect(local.status, local.stdout + local.stderr).toBe(0);
  write(join(shop, 'flowloom.config.json'), '{ "store": "file" }');
  expect(shell(shop, home, `${own} doctor`).stdout).toContain('settings');
  const mcp = shell(shop, home, `${own} mcp`);
  expect(mcp).toMatchObject({ status: 1, stderr: expect.stringContaining('without the MCP server') });
  expect(shell(shop, home, `${own} install --mcp`)).toMatchObject({
    status: 1,
    stderr: expect.stringContaining('without the MCP server'),
  });
  expect(shell(shop, home, `${own} uninstall`).status).toBe(0);
});

describe('a program of ours names the command beside it', () => {
  const { outputFiles } = buildSync({
    stdin: {
      contents: "import { command } from './src/messages/own-command.ts'; console.log(command('handoff'));",
      resolveDir: join(import.meta.dirname, '..', '..'),
      loader: 'ts',
    },
    bundle: true,
    platform: 'node',
    format: 'cjs',
    write: false,
  });
  const program = outputFiles[0]!.text;

  test.each([
    [
      'a hook of the project',
      'shop/.claude/flowloom/hooks/stop.cjs',
      'shop',
      'node .claude/flowloom/cli.mjs handoff',
    ],
    [
      'a hook of the user',
      '.claude/flowloom/hooks/stop.cjs',
      'shop',
      'node ~/.claude/flowloom/cli.mjs handoff',
    ],
    ['the server', 'shop/.claude/flowloom/mcp.mjs', 'shop', 'node .claude/flowloom/cli.mjs handoff'],
    [
      'what a hook starts',
      'shop/.claude/flowloom/hooks/lazy/git-sync.cjs',
      'shop',
      'node .claude/flowloom/cli.mjs handoff',
    ],
    [
      'a link of npm',
      'shop/node_modules/.bin/flowloom-hooks',
      'shop',
      'node node_modules/.bin/flowloom-hooks handoff',
    ],
  ])('%s', (_, path, cwd, expected) => {
    const home = scratch('own-command');
    mkdirSync(join(home, cwd), { recursive: true });
    const source = path.endsWith('.mjs') || path.endsWith('hooks') ? 'program.cjs' : path;
    write(join(home, source), program);
    // Node takes `.mjs` for another kind of module, so it is found under that name by a link.
    const run = join(home, path);
    mkdirSync(dirname(run), { recursive: true });
    if (source !== path && !path.endsWith('.mjs')) symlinkSync(join(home, source), run);
    const started = path.endsWith('.mjs')
      ? ['-e', 'require(process.argv[2])', run, join(home, source)]
      : path.endsWith('hooks')
        ? [run]
        : ['-e', 'require(process.argv[1])', run];
    const ran = spawnSync(process.execPath, started, {
      cwd: join(home, cwd),
      env: { HOME: home },
      encoding: 'utf8',
    });
    expect([ran.stdout.trim(), ran.stderr]).toEqual([expected, '']);
  });
});
