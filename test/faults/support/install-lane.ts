/** One project in which install and uninstall are disturbed, again and again from the same state. */
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { cleanEnv, commandPath, runProcess, trace } from '../../cli/command.ts';
import { contentsBelow, type Until, write } from '../../support/scratch.ts';
import { type World, world } from '../../support/world.ts';
import type { Call } from './call.ts';
import type { Around, Disturbance, Ended, Lane } from './campaign.ts';
import { digestOf } from './state-digest.ts';

export const installOperations = ['install', 'uninstall'] as const;
export type InstallOperation = (typeof installOperations)[number];

/** Where a directory belongs to is asked of git's files; all else that install reads can be read or cannot. */
export const looksAlike = ({ paths }: Call): boolean => !paths.some((path) => path.includes('/.git'));

type Contents = Readonly<Record<string, string>>;

/** A person's settings, written as a person does. */
const theirs = `{
    "permissions": { "allow": ["Bash(npm test)"] },
  "hooks": {
    "Stop": [ { "hooks": [ { "type": "command", "command": "say done" } ] } ]
  }
}
`;

/** What was left, of all lanes, where doing it once more put everything right. */
const well = new Set<string>();

export class InstallLane implements Lane<InstallOperation> {
  readonly w: World;
  readonly log: string;
  readonly #settings: string;
  #before: Contents = {};
  #installed: Contents = {};

  constructor(until: Until) {
    this.w = world({ name: 'lane', until });
    this.log = join(this.w.base, 'trace.log');
    this.#settings = join(this.w.root, '.claude', 'settings.json');
  }

  async prepare(): Promise<void> {
    write(this.#settings, theirs);
    write(join(this.w.root, '.claude', 'agents', 'reviewer.md'), 'Reads everything twice.\n');
    const keep = (name: string): void =>
      cpSync(join(this.w.root, '.claude'), join(this.w.base, name), { recursive: true });
    keep('before');
    this.#before = contentsBelow(this.w.root);
    const ended = await this.#type('install', {});
    if (ended.code !== 0) throw new Error(`install: ${ended.stderr}`);
    keep('installed');
    cpSync(this.w.home, join(this.w.base, 'home-installed'), { recursive: true });
    this.#installed = contentsBelow(this.w.root);
  }

  restore(operation: InstallOperation): void {
    const here = join(this.w.root, '.claude');
    rmSync(here, { recursive: true, force: true });
    cpSync(join(this.w.base, operation === 'install' ? 'before' : 'installed'), here, { recursive: true });
    for (const place of [this.w.temporary, this.w.home]) {
      rmSync(place, { recursive: true, force: true });
      mkdirSync(place);
    }
    // What hooks that were tried have compiled.
    if (operation === 'uninstall')
      cpSync(join(this.w.base, 'home-installed'), this.w.home, { recursive: true });
    rmSync(this.log, { force: true });
  }

  run(operation: InstallOperation, around: Around): Promise<Ended> {
    return this.#type(operation, around);
  }

  async #type(operation: InstallOperation, { through = [], env }: Around): Promise<Ended> {
    const [program, ...args] = [...through, process.execPath, commandPath, operation];
    const ran = await runProcess([program!, ...args], { cwd: this.w.root, env: cleanEnv(this.w, env) });
    return { ...ran, signal: ran.code === null ? 'SIGKILL' : null };
  }

  ownCalls(calls: readonly Call[]): Call[] {
    const ours = [this.w.root, this.w.home, join(dirname(commandPath), 'hooks')];
    // Node looks for package.json files on its own.
    return calls.filter(({ paths }) =>
      paths.some((path) => !path.endsWith('package.json') && ours.some((place) => path.startsWith(place))),
    );
  }

  mayWrite(path: string): boolean {
    return [join(this.w.root, '.claude'), this.w.temporary, this.w.home].some((place) =>
      path.startsWith(place),
    );
  }

  short(path: string): string {
    return path.startsWith(this.w.base) ? relative(this.w.base, path) : path;
  }

  async violations(operation: InstallOperation, ended: Ended | Error, how: Disturbance): Promise<string[]> {
    const broken: string[] = [];
    const must = (holds: boolean, what: string): void => {
      if (!holds) broken.push(what);
    };
    if (ended instanceof Error) return [ended.message];
    const [from, to] =
      operation === 'install' ? [this.#before, this.#installed] : [this.#installed, this.#before];
    const name = '.claude/settings.json';
    const now = contentsBelow(this.w.root);
    must(now[name] === from[name] || now[name] === to[name], `the settings are neither: ${now[name]}`);
    if (now[name] === this.#installed[name])
      for (const [path, content] of Object.entries(this.#installed))
        if (/^\.claude\/flowloom\/hooks\/[^/]+$/.test(path))
          must(now[path] === content, `the settings name ${path}, which is not whole`);
    for (const [path, content] of Object.entries(this.#before))
      if (path !== name) must(now[path] === content, `${path} was altered`);
    const leftovers = Object.keys(now).filter((path) => path.endsWith('.tmp'));
    if (!how.kills && !how.leavesTemporary) must(leftovers.length === 0, `${leftovers} was left`);
    if (!how.kills) {
      must(ended.code === 0 || ended.code === 1, `it ended with ${ended.code}`);
      must(!trace.test(ended.stderr), `it said: ${ended.stderr.slice(0, 300)}`);
      if (ended.code !== 0)
        must((ended.stderr + ended.stdout).trim().length > 20, 'it failed without a word');
      if (ended.code === 0)
        must(now[name] === to[name], 'it said that all is well and the settings are the old ones');
    }
    const places = [this.w.root, this.w.home, this.w.temporary];
    const left = operation + digestOf(places, (text) => text.replaceAll(this.w.base, 'base'));
    if (broken.length === 0 && well.has(left)) return broken;
    // Once more, without the fault, all is as if nothing had happened.
    const again = await this.#type(operation, {});
    must(again.code === 0, `once more: ${again.code} ${again.stderr.slice(0, 300)}`);
    const after = contentsBelow(this.w.root);
    for (const path of leftovers) delete (after as Record<string, string>)[path];
    for (const path of new Set([...Object.keys(after), ...Object.keys(to)]))
      must(after[path] === to[path], `once more, and ${path} is ${path in after ? 'another' : 'missing'}`);
    if (operation === 'install') {
      const undone = await this.#type('uninstall', {});
      must(undone.code === 0, `uninstall: ${undone.stderr.slice(0, 300)}`);
      must(readFileSync(this.#settings, 'latin1') === this.#before[name], 'uninstall does not restore');
      must(!existsSync(join(this.w.root, '.claude', 'flowloom', 'hooks', 'stop.cjs')), 'a script stays');
    }
    if (broken.length === 0) well.add(left);
    return broken;
  }
}
