/** The package as somebody installs it: packed, installed without a registry, its hooks fired from the settings as written. */
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startClient } from '../support/clients.ts';
import { filesBelow, git, repository, scratch, write } from '../support/scratch.ts';
import { recorded } from '../support/world.ts';

const root = join(import.meta.dirname, '..', '..');
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

interface Ran {
  status: number | null;
  stdout: string;
  stderr: string;
}

/** Offline, and with nothing of the user's own settings. */
const environment = (home: string, more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv => ({
  PATH: process.env.PATH,
  HOME: home,
  TMPDIR: home,
  GIT_CONFIG_NOSYSTEM: '1',
  npm_config_cache: join(home, '.npm'),
  npm_config_userconfig: join(home, '.npmrc'),
  npm_config_offline: 'true',
  npm_config_audit: 'false',
  npm_config_fund: 'false',
  npm_config_update_notifier: 'false',
  ...more,
});

function run(cwd: string, env: NodeJS.ProcessEnv, program: string, ...args: string[]): Ran {
  const { status, stdout, stderr } = spawnSync(program, args, { cwd, env, encoding: 'utf8' });
  return { status, stdout, stderr };
}

let base: string;
let tarball: string;
/** The unpacked tarball. */
let unpacked: string;

beforeAll(() => {
  base = realpathSync(mkdtempSync(join(tmpdir(), 'flowloom-package-')));
  const packed = run(
    root,
    environment(base),
    'npm',
    'pack',
    '--json',
    '--ignore-scripts',
    '--pack-destination',
    base,
  );
  expect(packed.status, packed.stderr).toBe(0);
  tarball = join(base, readdirSync(base).find((name) => name.endsWith('.tgz'))!);
  expect(run(base, environment(base), 'tar', '-xzf', tarball).status).toBe(0);
  unpacked = join(base, 'package');
});
afterAll(() => rmSync(base, { recursive: true, force: true, maxRetries: 5 }));

describe('the tarball', () => {
  test('holds what it should and nothing else', () => {
    const files = filesBelow(unpacked);
    const expected = ['CHANGELOG.md', 'LICENSE', 'README.md', 'package.json', 'settings.template.json'];
    expect(files.filter((file) => !file.startsWith('dist/'))).toEqual(expected);
    const hooks = readdirSync(join(root, 'hooks')).map(
      (name) => `dist/hooks/${name.replace(/\.ts$/, '.cjs')}`,
    );
    const dist = files.filter((file) => file.startsWith('dist/'));
    expect(dist).toEqual(
      expect.arrayContaining([
        'dist/THIRD-PARTY-LICENSES.txt',
        'dist/cli.mjs',
        'dist/command.mjs',
        'dist/mcp.mjs',
        ...hooks,
      ]),
    );
    const allowed =
      /^dist\/(?:(?:cli|command|mcp)\.mjs|THIRD-PARTY-LICENSES\.txt|hooks\/(?:gate\.sh|(?:(?:lazy|body)\/)?[a-z-]+\.cjs))$/;
    expect(dist.filter((file) => !allowed.test(file))).toEqual([]);
  });

  test('names no path of the machine that built it', () => {
    const found = filesBelow(unpacked).filter((file) =>
      readFileSync(join(unpacked, file), 'utf8').includes(root),
    );
    expect(found).toEqual([]);
  });

  test('depends on nothing: everything is bundled', () => {
    for (const kind of [
      'dependencies',
      'peerDependencies',
      'optionalDependencies',
      'bundledDependencies',
      'bundleDependencies',
    ])
      expect(manifest[kind] ?? {}).toEqual({});
    for (const script of ['preinstall', 'install', 'postinstall', 'prepare'])
      expect(manifest.scripts).not.toHaveProperty(script);
  });

  test('names the licence of every package that is in it', () => {
    const meta: Record<string, { inputs: string[] }> = JSON.parse(
      readFileSync(join(root, 'dist', 'meta.json'), 'utf8'),
    );
    const bundled = new Set(
      Object.values(meta).flatMap(({ inputs }) =>
        inputs.flatMap((input) => input.match(/.*node_modules\/((?:@[^/]+\/)?[^/]+)\//)?.[1] ?? []),
      ),
    );
    expect(bundled.size).toBeGreaterThan(5);
    // No package, but the beginnings of tokens are from its rules.
    bundled.add('gitleaks');
    const notices = readFileSync(join(unpacked, 'dist', 'THIRD-PARTY-LICENSES.txt'), 'utf8');
    const named = notices.split(/^-{72}$/m).map((notice) => notice.trim());
    for (const name of bundled) {
      const notice = named.find((text) => text.startsWith(`${name} `));
      expect(notice, name).toMatch(/^\S+ \d+\.\d+\.\d+\S*\n\n\S/);
      expect(notice, name).toMatch(/licen[cs]e|permission to use/i);
    }
    expect(named.map((notice) => notice.split(' ')[0]).filter((name) => !bundled.has(name!))).toEqual([]);
  });

  test('is as publint wants it', async () => {
    const { messages } = await publint({ pkgDir: unpacked, pack: false, level: 'suggestion', strict: true });
    expect(messages.map((message) => formatMessage(message, manifest, { color: false }))).toEqual([]);
  });
});

interface Handler {
  type: string;
  command: string;
  args: string[];
}

describe('installed in a project', () => {
  function project() {
    const directory = scratch('package-project');
    const home = join(directory, 'home');
    mkdirSync(home);
    const shop = repository(join(directory, 'shop'));
    write(join(shop, '.gitignore'), 'node_modules/\n');
    write(join(shop, 'package.json'), '{ "name": "shop", "version": "1.0.0", "private": true }\n');
    const env = environment(home);
    const installed = run(
      shop,
      env,
      'npm',
      'install',
      '--offline',
      '--no-audit',
      '--no-fund',
      '--ignore-scripts',
      '--save-dev',
      tarball,
    );
    expect(installed.status, installed.stderr).toBe(0);
    git(shop, 'add', '--all');
    git(shop, 'commit', '-q', '-m', 'Add flowloom-hooks');
    const command = (...args: string[]): Ran => run(shop, env, 'npx', '--no', 'flowloom-hooks', ...args);
    return { shop, home, env, command };
  }

  test('brings nothing along', () => {
    const { shop } = project();
    expect(readdirSync(join(shop, 'node_modules')).filter((name) => !name.startsWith('.'))).toEqual([
      'flowloom-hooks',
    ]);
  });

  test('install, a team of two, doctor, uninstall', () => {
    const { shop, env, command } = project();
    const installed = command('install');
    expect(installed.status, installed.stdout + installed.stderr).toBe(0);
    expect(installed.stdout).toContain('all 6 hooks ran');
    git(shop, 'add', '--all');
    git(shop, 'commit', '-q', '-m', 'Add hooks');

    const { hooks } = JSON.parse(readFileSync(join(shop, '.claude', 'settings.json'), 'utf8')) as {
      hooks: Record<string, { matcher?: string; hooks: Handler[] }[]>;
    };
    /** As the client does: exec form, its one variable replaced, the payload on stdin. */
    const fire = (event: string, client: { pid: number }, fields: object = {}): string =>
      hooks[event]!.flatMap((group) => group.hooks)
        .map(({ type, command: program, args }) => {
          expect(type).toBe('command');
          const ran = spawnSync(
            program,
            args.map((arg) => arg.replaceAll('$' + '{CLAUDE_PROJECT_DIR}', shop)),
            {
              cwd: shop,
              encoding: 'utf8',
              env: { ...env, CLAUDE_PROJECT_DIR: shop, CLAUDE_PID: String(client.pid), CLAUDECODE: '1' },
              input: JSON.stringify({
                session_id: `session-${client.pid}`,
                transcript_path: '',
                cwd: shop,
                hook_event_name: event,
                ...fields,
              }),
            },
          );
          expect([event, ran.status, ran.stderr]).toEqual([event, 0, '']);
          return ran.stdout;
        })
        .join('');

    const [one, two] = [startClient(), startClient()];
    expect(fire('SessionStart', one, { source: 'startup' })).toContain('You are master (epoch 1)');
    expect(fire('UserPromptSubmit', one, { prompt: 'open the shop', prompt_id: 'p1' })).toContain(
      'You are master',
    );
    fire('PostToolBatch', one, { tool_calls: recorded('PostToolBatch').tool_calls });
    fire('PostCompact', one, { compact_summary: 'It was about the shop.' });
    fire('Stop', one, { last_assistant_message: 'The shop is open.' });
    expect(fire('SessionStart', two, { source: 'startup' })).toContain('open the shop');
    expect(fire('UserPromptSubmit', one, { prompt: 'go on', prompt_id: 'p2' })).toContain(
      'You are worker (epoch 2)',
    );
    fire('SessionEnd', two, { reason: 'other' });
    expect(fire('UserPromptSubmit', one, { prompt: 'go on', prompt_id: 'p3' })).toContain(
      'You are master (epoch 1)',
    );

    const status = JSON.parse(command('status', '--json').stdout);
    expect(status.members.map(({ pid }: { pid: number }) => pid)).toEqual([one.pid]);
    const doctor = command('doctor');
    expect(doctor.status, doctor.stdout + doctor.stderr).toBe(0);
    expect(git(shop, 'status', '--porcelain')).toBe('');

    const removed = command('uninstall');
    expect(removed.status, removed.stderr).toBe(0);
    expect(existsSync(join(shop, '.claude'))).toBe(false);
    git(shop, 'add', '--all');
    git(shop, 'commit', '-q', '-m', 'Take the hooks out');
    expect(git(shop, 'diff', '--name-only', 'HEAD~2')).toBe('');
  });

  test('install and uninstall leave git as it was', () => {
    const { shop, command } = project();
    const before = filesBelow(shop).filter((file) => !file.startsWith('.git/'));
    expect(command('install').status).toBe(0);
    expect(git(shop, 'status', '--porcelain')).not.toBe('');
    expect(command('uninstall').status).toBe(0);
    expect(git(shop, 'status', '--porcelain', '--ignored')).toBe('!! node_modules/');
    expect(filesBelow(shop).filter((file) => !file.startsWith('.git/'))).toEqual(before);
  });

  test('what a repository has to carry is less than 1,300 kB', () => {
    const { shop, command } = project();
    expect(command('install').status).toBe(0);
    const folder = join(shop, '.claude', 'flowloom');
    const bytes = filesBelow(folder).reduce((sum, file) => sum + statSync(join(folder, file)).size, 0);
    console.info(`installed: ${filesBelow(folder).length} files, ${Math.round(bytes / 1000)} kB`);
    expect(bytes).toBeLessThan(1_300_000);
  });

  test('the hooks go on without node_modules and without the package', () => {
    const { shop, env, command } = project();
    expect(command('install').status).toBe(0);
    rmSync(join(shop, 'node_modules'), { recursive: true });
    const client = startClient();
    const ran = spawnSync('node', [join(shop, '.claude', 'flowloom', 'hooks', 'session-start.cjs')], {
      cwd: shop,
      encoding: 'utf8',
      env: { ...env, CLAUDE_PROJECT_DIR: shop, CLAUDE_PID: String(client.pid) },
      input: JSON.stringify({ session_id: 'x', cwd: shop, source: 'startup' }),
    });
    expect([ran.status, ran.stderr]).toEqual([0, '']);
    expect(ran.stdout).toContain('You are master (epoch 1)');
  });
});

test('a folder that was unpacked by hand is enough', () => {
  const home = scratch('package-copy');
  const shop = repository(join(home, 'shop'));
  const ran = run(shop, environment(home), 'node', join(unpacked, manifest.bin['flowloom-hooks']), 'install');
  expect(ran.status, ran.stdout + ran.stderr).toBe(0);
  expect(existsSync(join(shop, '.claude', 'settings.json'))).toBe(true);
});
