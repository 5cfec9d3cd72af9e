/**
 * The documentation says only what works.
 *
 * A block marked `sh` is run line by line in a scratch repository, with `npx flowloom-hooks` standing for the command of this
 * build; after `install`, sessions have been there. `git clone` clones this repository, and a package of this name is installed
 * from a tarball. Blocks that set up or test the whole repository are checked to name scripts that exist, and run only with
 * FLOWLOOM_README_FULL=1. A block marked `text` is not run.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { commandPath } from '../cli/command.ts';
import { program, programPath } from '../support/program.ts';
import { git, scratch } from '../support/scratch.ts';
import { type World, world } from '../support/world.ts';
import { read, root, sourcesIn } from './sources.ts';

const full = process.env.FLOWLOOM_README_FULL === '1';
if (full) vi.setConfig({ testTimeout: 3_600_000 });

const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };

/** README.md, and whatever lies in docs/. */
const documents = [
  'README.md',
  ...(existsSync(join(root, 'docs')) ? readdirSync(join(root, 'docs')) : [])
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
].filter((file) => existsSync(join(root, file)));

interface Block {
  readonly file: string;
  readonly line: number;
  readonly language: string;
  readonly commands: readonly string[];
}

/** The commands of a block; one that goes on over several lines is one. */
function commandsIn(text: string): string[] {
  const commands: string[] = [];
  let open = '';
  let until = '';
  for (const raw of text.split('\n')) {
    const line = open ? raw : raw.replace(/^\$ /, '');
    if (!open && /^\s*(?:#.*)?$/.test(line)) continue;
    open += open ? `\n${line}` : line;
    if (until ? raw.trim() !== until : /\\$/.test(line)) continue;
    const document = until ? undefined : line.match(/<<-?\s*'?(\w+)'?/)?.[1];
    if (document) {
      until = document;
      continue;
    }
    commands.push(open);
    open = '';
    until = '';
  }
  return open ? [...commands, open] : commands;
}

function blocksIn(file: string): Block[] {
  const text = read(file);
  return [...text.matchAll(/^```([^\n]*)\n([\s\S]*?)^```$/gm)].map((match) => ({
    file,
    line: text.slice(0, match.index).split('\n').length,
    language: match[1]!.trim(),
    commands: commandsIn(match[2]!),
  }));
}

const blocks = documents.flatMap(blocksIn);
const runnable = blocks.filter(({ language }) => language === 'sh');

/** What sets up or tests the whole repository. */
const isWhole = ({ commands }: Block): boolean =>
  commands.some((line) => /\bnpm (?:ci|test|run|t)\b/.test(line));

/** The scripts that these commands run, as far as package.json has to know them. */
const scriptsIn = (text: string): string[] => [
  ...[...text.matchAll(/\bnpm run (?:-{1,2}[\w-]+ )*([\w:-]+)/g)].map(([, name]) => name!),
  ...(/\bnpm (?:t|test)\b/.test(text) ? ['test'] : []),
];

test('there is documentation with commands to run', () => {
  expect(documents).toContain('README.md');
  expect(runnable.flatMap(({ commands }) => commands).length).toBeGreaterThan(3);
});

test('every block says what it is', () => {
  expect(blocks.filter(({ language }) => language === '').map(({ file, line }) => `${file}:${line}`)).toEqual(
    [],
  );
});

test('commands are read as a shell would', () => {
  expect(commandsIn('# why\n$ a b\n\nc \\\n  d\ncat <<EOF\n# x\nEOF\ne\n')).toEqual([
    'a b',
    'c \\\n  d',
    'cat <<EOF\n# x\nEOF',
    'e',
  ]);
});

test('every script that is named is there', () => {
  const named = ['README.md', 'CONTRIBUTING.md', 'ARCHITECTURE.md', ...documents]
    .filter((file) => existsSync(join(root, file)))
    .flatMap((file) => scriptsIn(read(file)).map((name) => [file, name] as const));
  expect(named.length).toBeGreaterThan(0);
  expect(named.filter(([, name]) => !(name in scripts))).toEqual([]);
  const nested = Object.values(scripts).flatMap(scriptsIn);
  expect(nested.filter((name) => !(name in scripts))).toEqual([]);
  const files = Object.values(scripts).flatMap((script) => script.match(/[\w./-]+\.(?:mjs|ts)\b/g) ?? []);
  // What the build makes is not there before it.
  expect(files.filter((file) => !file.startsWith('dist/') && !existsSync(join(root, file)))).toEqual([]);
});

/** What every command of ours knows, asked of itself. */
function optionsOf(words: readonly string[]): string {
  const { status, stdout } = spawnSync(process.execPath, [commandPath, ...words, '--help'], {
    encoding: 'utf8',
  });
  return status === 0 ? stdout : '';
}

test('every command and option that is named anywhere is one', () => {
  const sources = [
    ...documents,
    ...['CONTRIBUTING.md', 'ARCHITECTURE.md', 'CHANGELOG.md'].filter((file) => existsSync(join(root, file))),
    ...sourcesIn('src/messages'),
    ...sourcesIn('src/cli'),
  ];
  const commands = [...optionsOf([]).matchAll(/^ {2}([a-z]+) /gm)].map(([, name]) => name!);
  expect(commands).toContain('status');
  const help = new Map<string, string>();
  const wrong: string[] = [];
  for (const file of sources) {
    // In a document a command stands in backticks, in a source a backtick may begin any sentence.
    const before = file.endsWith('.md')
      ? '(?:npx |`)flowloom-hooks'
      : "npx flowloom-hooks|(?<!\\.)\\b(?:run|command)\\(['`]";
    const mentions = read(file).matchAll(
      new RegExp(
        `(?:${before})\\s*([a-z]+\\b(?![-.:/])(?: show\\b)?)((?: -{1,2}[A-Za-z][\\w-]*(?: (?:project|local|user|master|worker)\\b)?)*)`,
        'g',
      ),
    );
    for (const [, words, options] of mentions) {
      const [name = ''] = words!.split(' ');
      if (!commands.includes(name)) {
        wrong.push(`${file}: ${words}`);
        continue;
      }
      if (!help.has(words!)) help.set(words!, `${optionsOf(words!.split(' '))}\n${optionsOf([])}`);
      for (const option of options!.match(/-{1,2}[A-Za-z][\w-]*/g) ?? [])
        if (!help.get(words!)!.includes(option)) wrong.push(`${file}: ${words} ${option}`);
    }
  }
  expect(help.size).toBeGreaterThan(5);
  expect(wrong).toEqual([]);
});

test('every command is in the README', () => {
  const commands = [...optionsOf([]).matchAll(/^ {2}([a-z]+) /gm)].map(([, name]) => name!);
  const text = read('README.md');
  const missing = commands.filter(
    (name) => name !== 'help' && !new RegExp(`flowloom-hooks ${name}\\b|\`${name}\\b`).test(text),
  );
  expect(missing).toEqual([]);
});

/** A machine on which the package is there, and the client too. */
interface Shell {
  readonly w: World;
  /** Runs one command where the one before left off; its exit code and what it printed. */
  run(command: string): { status: number | null; output: string };
}

/** What npm needs to reach whatever this machine gets its packages from. */
const forNpm = (): NodeJS.ProcessEnv => ({
  npm_config_userconfig: join(homedir(), '.npmrc'),
  ...Object.fromEntries(
    Object.entries(process.env).filter(([name]) =>
      /^(?:https?_proxy|no_proxy|NODE_EXTRA_CA_CERTS)$/i.test(name),
    ),
  ),
});

function shellIn(w: World): Shell {
  const bin = join(w.base, 'bin');
  const ours = `exec "${process.execPath}" "${commandPath}" "$@"`;
  program(join(bin, 'flowloom-hooks'), ours);
  program(
    join(bin, 'npx'),
    `while [ "$1" = -y ] || [ "$1" = --yes ] || [ "$1" = --no ]; do shift; done
case "$1" in
  flowloom-hooks | flowloom-hooks@* | github:*/flowloom-hooks) shift; ${ours} ;;
  *) exec "${programPath('npx')}" "$@" ;;
esac`,
  );
  // The real client is never started from here.
  program(join(bin, 'claude'), 'echo "2.1.330 (Claude Code)"');
  const env: NodeJS.ProcessEnv = {
    PATH: [bin, dirname(process.execPath), process.env.PATH].join(delimiter),
    HOME: w.home,
    TMPDIR: w.temporary,
    LANG: 'C.UTF-8',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_AUTHOR_NAME: 'Ada',
    GIT_AUTHOR_EMAIL: 'ada@example.com',
    GIT_COMMITTER_NAME: 'Ada',
    GIT_COMMITTER_EMAIL: 'ada@example.com',
    ...(full ? forNpm() : { npm_config_offline: 'true' }),
    npm_config_audit: 'false',
    npm_config_fund: 'false',
    npm_config_update_notifier: 'false',
  };
  const state = join(w.base, 'shell-state');
  let directory = w.root;
  return {
    w,
    run(command) {
      // What a line sets and where it goes holds for the next one.
      const script = `[ ! -f "$STATE.env" ] || . "$STATE.env"\n${command}\ncode=$?\npwd > "$STATE.cwd"; export -p > "$STATE.env"; exit $code`;
      const ran = spawnSync('/bin/sh', ['-c', script], {
        cwd: directory,
        env: { ...env, STATE: state },
        encoding: 'utf8',
        input: '',
      });
      if (existsSync(`${state}.cwd`)) directory = readFileSync(`${state}.cwd`, 'utf8').trim();
      return { status: ran.status, output: ran.stdout + ran.stderr };
    },
  };
}

let tarball: string | undefined;
function packed(): string {
  if (tarball) return tarball;
  const folder = join(dirname(dirname(commandPath)), 'packed');
  mkdirSync(folder);
  const ran = spawnSync('npm', ['pack', '--ignore-scripts', '--pack-destination', folder], {
    cwd: root,
    encoding: 'utf8',
  });
  expect(ran.status, ran.stderr).toBe(0);
  tarball = join(folder, readdirSync(folder)[0]!);
  return tarball;
}

/** The line as it is run here: this repository instead of its address, this build instead of a download. */
function runHere(command: string, elsewhere: string): string {
  return command
    .replace(/^git clone (?:-{1,2}\S+ )*\S+/, `git clone --quiet "${root}"`)
    .replace(
      /(\bnpm (?:i|install|add)\b.*?)\s(?:github:\S*|git\+\S*)?flowloom-hooks(?:@\S+|\.git)?(?=\s|$)/,
      (_, before) => `${before} --ignore-scripts "${packed()}"`,
    )
    .replace(/(?:\/|~\/)path\/to\/[\w./-]+/g, `"${elsewhere}"`);
}

/** Two sessions, the first of which has done a turn. They are called what the documents call them. */
async function sessionsCome(w: World, document: string): Promise<void> {
  const names = [...read(document).matchAll(/flowloom-hooks promote ([a-z][\w-]*)/g)].map(
    ([, name]) => name!,
  );
  for (const name of [names[0] ?? 'api', 'web']) {
    const titled = { payload: { session_title: name } };
    const one = w.session();
    await one.start('startup', titled);
    await one.prompt('add a hello file', titled);
    await one.tools(undefined, titled);
    await one.compacted('It was about hello.', titled);
    await one.stop('The file is there.', titled);
  }
}

describe.each(documents.filter((file) => runnable.some((block) => block.file === file)))('%s', (document) => {
  test('its commands work, in the order in which they stand there', async () => {
    const w = world();
    const { run } = shellIn(w);
    const elsewhere = join(w.base, 'elsewhere');
    git(w.base, 'clone', '-q', w.root, elsewhere);
    let ran = 0;
    for (const block of runnable.filter(({ file }) => file === document)) {
      const at = `${document}:${block.line}`;
      if (isWhole(block)) {
        const named = scriptsIn(block.commands.join('\n'));
        expect([at, named.filter((name) => !(name in scripts))]).toEqual([at, []]);
        if (!full) continue;
        // In a fresh clone, as a reader would; what is not committed yet is not in it.
        const clone = join(scratch('readme-clone'), 'flowloom-hooks');
        if (!block.commands.some((line) => line.startsWith('git clone'))) {
          git(w.base, 'clone', '-q', root, clone);
          // Packages are set up anew there: a link to those of somebody else would be followed and emptied.
          expect(lstatSync(join(clone, 'node_modules'), { throwIfNoEntry: false })).toBeUndefined();
          run(`cd "${clone}"`);
        }
      }
      for (const command of block.commands) {
        const { status, output } = run(runHere(command, elsewhere));
        expect(status, `${at}: ${command}\n${output}`).toBe(0);
        ran++;
        if (/flowloom-hooks install\b(?!.*--dry-run)/.test(command)) await sessionsCome(w, document);
      }
      if (isWhole(block)) run(`cd "${w.root}"`);
    }
    expect(ran + Number(!full)).toBeGreaterThan(0);
  });
});

test('the quick start ends in an installation that works, wherever it is called', () => {
  const last = (scripts.quickstart ?? '').split('&&').at(-1)!.trim();
  expect(last).toMatch(/^node dist\/cli\.mjs install -C$/);
  const w = world();
  const [, , ...args] = last.split(' ');
  const ran = spawnSync(process.execPath, [commandPath, ...args, w.root], {
    cwd: w.base,
    env: { PATH: process.env.PATH, HOME: w.home, TMPDIR: w.temporary },
    encoding: 'utf8',
  });
  expect(ran.status, ran.stdout + ran.stderr).toBe(0);
  expect(existsSync(join(w.root, '.claude', 'settings.json'))).toBe(true);
});
