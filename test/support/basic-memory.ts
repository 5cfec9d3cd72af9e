/** The real basic-memory, installed into a virtual environment, with a home and a project of its own for each world. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { scratch, type Until } from './scratch.ts';

const version = '0.24.1';
const installer = 'uv==0.13.9';
const root = join(import.meta.dirname, '..', '..');
const home = join(root, 'node_modules', '.cache', `basic-memory-${version}`);
const inVenv = (name: string): string => join(home, 'bin', name);

/** Python 3.12 or newer that can make virtual environments: on the PATH, or one of pyenv's. */
export function findPython(): string | null {
  const pyenv = join(process.env.PYENV_ROOT || join(homedir(), '.pyenv'), 'versions');
  const folders = [
    ...(process.env.PATH ?? '').split(delimiter),
    ...(existsSync(pyenv) ? readdirSync(pyenv).map((name) => join(pyenv, name, 'bin')) : []),
  ];
  const names = ['python3.12', 'python3.13', 'python3.14', 'python3'];
  const asks = 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 12))';
  return (
    names
      .flatMap((name) => folders.map((folder) => join(folder, name)))
      .find((path) => existsSync(path) && spawnSync(path, ['-c', asks], { timeout: 20_000 }).status === 0) ??
    null
  );
}

function run(command: string, args: readonly string[], env: NodeJS.ProcessEnv): string {
  const { status, signal, stdout, stderr, error } = spawnSync(command, args, {
    env,
    encoding: 'utf8',
    timeout: 600_000,
    maxBuffer: 64 << 20,
  });
  if (status !== 0)
    throw new Error(
      `${command} ${args.join(' ')} ended with ${status ?? signal ?? error}:\n${stdout}\n${stderr}`,
    );
  return stdout;
}

/** What pip and uv need to reach whatever this machine gets its packages from; they keep no cache in the real home. */
const forPackages = (): NodeJS.ProcessEnv => ({
  HOME: homedir(),
  PIP_NO_CACHE_DIR: '1',
  UV_NO_CACHE: '1',
  ...(process.env.PIP_INDEX_URL ? { UV_DEFAULT_INDEX: process.env.PIP_INDEX_URL } : {}),
  ...Object.fromEntries(
    Object.entries(process.env).filter(([name]) =>
      /^(?:path|https?_proxy|no_proxy|ssl_cert_(?:file|dir)|requests_ca_bundle|(?:pip|uv)_\w+)$/i.test(name),
    ),
  ),
});

/** Installs it once for all runs. What it took is kept until its version changes. */
export function installBasicMemory(python: string): void {
  const done = join(home, 'installed');
  if (existsSync(done)) return;
  rmSync(home, { recursive: true, force: true });
  mkdirSync(join(home, '..'), { recursive: true });
  run(python, ['-m', 'venv', home], forPackages());
  run(inVenv('python'), ['-m', 'pip', 'install', '--quiet', installer], forPackages());
  // It pins a package that asks for a certifi of a certain day or later, which not every index has: any will do for files.
  const override = join(home, 'override.txt');
  writeFileSync(override, 'certifi\n');
  run(
    inVenv('uv'),
    [
      'pip',
      'install',
      '--quiet',
      '--python',
      inVenv('python'),
      '--override',
      override,
      `basic-memory==${version}`,
    ],
    forPackages(),
  );
  writeFileSync(done, '');
}

/** One user of basic-memory, with one project. */
export interface Person {
  readonly env: NodeJS.ProcessEnv;
  readonly project: string;
  /** Runs a command of basic-memory and returns what it printed. */
  basicMemory(...args: string[]): string;
  /** The same for a tool that answers in JSON. */
  tool<T>(...args: string[]): T;
}

/** Somebody who just installed it and made a project; its configuration is the one that it wrote itself. */
export function person(until?: Until): Person {
  const base = scratch('basic-memory', until);
  const project = join(base, 'notes');
  for (const name of ['notes', 'home']) mkdirSync(join(base, name));
  const env: NodeJS.ProcessEnv = {
    PATH: process.env.PATH,
    HOME: join(base, 'home'),
    BASIC_MEMORY_CONFIG_DIR: join(base, 'config'),
    BASIC_MEMORY_AUTO_UPDATE: 'false',
    // It would fetch a model.
    BASIC_MEMORY_SEMANTIC_SEARCH_ENABLED: 'false',
    NO_COLOR: '1',
  };
  const basicMemory = (...args: string[]): string => run(inVenv('basic-memory'), args, env);
  basicMemory('project', 'add', 'shop', project, '--default');
  return { env, project, basicMemory, tool: (...args) => JSON.parse(basicMemory('tool', ...args)) };
}

/** What starts its MCP server. */
export const serverCommand = (): string => inVenv('basic-memory');
