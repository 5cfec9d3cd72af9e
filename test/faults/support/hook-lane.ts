/**
 * One repository in which hooks are disturbed, again and again from the same state, and what has to hold afterwards.
 *
 * Four sessions: the bystander (1), the victim (2), one that was master and died without a word (3), and the joiner, which is not
 * a member yet. After each fault a newcomer starts; it is the judge of what is left.
 */
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { observerOf } from '../../../src/compose.ts';
import { parseHandoff } from '../../../src/core/handoff.ts';
import { asBirth } from '../../../src/core/member.ts';
import { blankSight } from '../../../src/core/notebook.ts';
import { survey } from '../../../src/flows/survey.ts';
import { thisDomain } from '../../../src/io/processes.ts';
import { fileStore } from '../../../src/stores/file-store.ts';
import { jsonOf, trace, type } from '../../cli/command.ts';
import { hooksFolder } from '../../support/built.ts';
import { type Client, startLongClient } from '../../support/clients.ts';
import { contentsBelow, type Until } from '../../support/scratch.ts';
import { idOf } from '../../support/state.ts';
import { type Fire, type Fired, type SessionUnderTest, type World, world } from '../../support/world.ts';
import type { Call } from './call.ts';
import type { Around, Disturbance, Lane } from './campaign.ts';

/** What a hook is disturbed in. */
export const hookOperations = ['first join', 'join', 'prompt', 'stop', 'leave'] as const;
export type HookOperation = (typeof hookOperations)[number];

/** What hooks ask of the system about processes and this machine. */
const system = /^\/proc\/(?:\d+\/stat|sys\/kernel\/|self\/ns\/|\d+\/ns\/)|^\/etc\/machine-id/;

type Contents = Readonly<Record<string, string>>;

export class HookLane implements Lane<HookOperation, Fired> {
  readonly w: World;
  readonly #clients: Client[] = [];
  readonly #asItWas: string;
  /** Where what was traced goes. */
  readonly log: string;
  #sessions!: Readonly<Record<'bystander' | 'victim' | 'joiner' | 'newcomer', SessionUnderTest>>;
  #state: Contents = {};
  #outside: Contents = {};
  #ids = { victim: '', dead: '' };
  /** Where V8's code cache is: in this world, since writing it is a step like any other. */
  readonly #cache: string;

  constructor(until: Until) {
    this.w = world({ name: 'lane', until });
    this.#asItWas = join(this.w.base, 'as-it-was');
    this.#cache = join(this.w.base, 'cache');
    this.log = join(this.w.base, 'trace.log');
    mkdirSync(this.#cache);
    until(() => {
      for (const client of this.#clients) void client.kill();
    });
  }

  ownCalls(calls: readonly Call[]): Call[] {
    const first = calls.findIndex(({ paths }) => paths[0]?.startsWith(join(hooksFolder, 'body')));
    const ours = (path: string): boolean =>
      path.startsWith(this.w.base) || path.startsWith(hooksFolder) || system.test(path);
    return calls.slice(Math.max(0, first)).filter(({ paths }) => paths.some(ours));
  }

  #session(): SessionUnderTest {
    const client = startLongClient();
    this.#clients.push(client);
    return this.w.session({ client, env: { XDG_CACHE_HOME: this.#cache } });
  }

  async prepare(): Promise<void> {
    const [bystander, victim, dead, joiner, newcomer] = Array.from({ length: 5 }, () => this.#session());
    for (const one of [bystander!, victim!, dead!]) {
      await one.start();
      await one.prompt('a good goal');
      await one.stop('Done.');
    }
    await victim!.prompt('go on');
    const id = (one: SessionUnderTest): string => idOf(this.w.state, one.client.pid);
    this.#ids = { victim: id(victim!), dead: id(dead!) };
    await dead!.client.kill();
    this.#sessions = { bystander: bystander!, victim: victim!, joiner: joiner!, newcomer: newcomer! };
    // So that every hook's compiled body is there.
    await joiner!.start();
    await joiner!.end('other');
    cpSync(this.#cache, `${this.#asItWas}-cache`, { recursive: true, preserveTimestamps: true });
    cpSync(this.w.state, this.#asItWas, { recursive: true, preserveTimestamps: true });
    for (const name of ['seq/000000000004.json', `members/${id(joiner!)}`, 'log.jsonl'])
      rmSync(join(this.#asItWas, name), { recursive: true, force: true });
    for (const name of readdirSync(join(this.#asItWas, 'handoffs')))
      if (name.startsWith('000004') || name.includes('reconstructed'))
        rmSync(join(this.#asItWas, 'handoffs', name));
    this.restore('join');
    this.#state = contentsBelow(this.w.state);
    this.#outside = this.outside();
  }

  /** As it was before anything was disturbed. */
  restore(operation: HookOperation): void {
    for (const place of this.places) rmSync(place, { recursive: true, force: true });
    rmSync(this.w.temporary, { recursive: true, force: true });
    mkdirSync(this.w.temporary);
    rmSync(this.#cache, { recursive: true, force: true });
    mkdirSync(this.#cache);
    if (operation === 'first join') return;
    cpSync(this.#asItWas, this.w.state, { recursive: true, preserveTimestamps: true });
    cpSync(`${this.#asItWas}-cache`, this.#cache, { recursive: true, preserveTimestamps: true });
  }

  /** Where hooks may write. */
  get places(): string[] {
    return [this.w.state, join(this.w.home, '.local'), this.w.temporary];
  }

  /** A path in one of the places that are ours to write to. */
  mayWrite(path: string): boolean {
    const ours = [...this.places, this.#cache];
    return ours.some((place) => path === place || path.startsWith(`${place}/`));
  }

  outside(): Contents {
    const all = Object.entries(contentsBelow(this.w.base));
    return Object.fromEntries(
      all.filter(
        ([path]) =>
          !/^(?:as-it-was(?:-cache)?\/|trace\.log$)/.test(path) && !this.mayWrite(join(this.w.base, path)),
      ),
    );
  }

  /** Runs it; the name of who does it stays in this file. */
  run(operation: HookOperation, around: Around): Promise<Fired> {
    rmSync(this.log, { force: true });
    const fire: Fire = around;
    const { victim, joiner } = this.#sessions;
    if (operation === 'prompt') return victim.prompt('another goal', fire);
    if (operation === 'stop') return victim.stop('Done again.', fire);
    if (operation === 'leave') return victim.end('other', fire);
    return joiner.start('startup', fire);
  }

  #actor(operation: HookOperation): SessionUnderTest {
    return /join/.test(operation) ? this.#sessions.joiner : this.#sessions.victim;
  }

  #numbers(): number[] {
    const roots = this.places.flatMap((place) => (existsSync(place) ? [place] : []));
    return roots.flatMap((root) =>
      Object.keys(contentsBelow(root))
        .map((path) => path.match(/(?:^|\/)seq\/(\d{12})\.json$/)?.[1])
        .flatMap((name) => (name ? [Number(name)] : [])),
    );
  }

  /** What is broken after the operation was disturbed; empty when every promise was kept. */
  async violations(
    operation: HookOperation,
    fired: Fired | Error,
    how: Disturbance,
    thorough: boolean,
  ): Promise<string[]> {
    const broken: string[] = [];
    const must = (holds: boolean, what: string): void => {
      if (!holds) broken.push(what);
    };
    if (fired instanceof Error) return [`its output is no JSON: ${fired.message}`];
    if (!how.kills)
      must(
        fired.code === 0 && fired.signal === null && fired.stderr === '',
        `it ended with ${fired.code ?? fired.signal}: ${fired.stderr.slice(0, 200)}`,
      );
    this.#checkRecords(operation, how, must);
    must((await fileStore(this.w.state).damaged()).length === 0, 'a record is damaged');
    must(JSON.stringify(this.outside()) === JSON.stringify(this.#outside), 'something outside changed');
    this.#checkTold(operation, fired, must);
    await this.#checkViews(operation, fired, must);
    if (thorough) await this.#checkDoctor(must);
    return broken;
  }

  /** Nobody else's record is other than it was, and what is new belongs to who acted. */
  #checkRecords(
    operation: HookOperation,
    how: Disturbance,
    must: (holds: boolean, what: string) => void,
  ): void {
    const now = existsSync(this.w.state) ? contentsBelow(this.w.state) : {};
    const before = operation === 'first join' ? {} : this.#state;
    const actor = this.#actor(operation).client.pid;
    const own = (path: string): boolean =>
      path.startsWith(`members/${actor}-`) ||
      path === 'log.jsonl' ||
      (actor === this.#sessions.victim.client.pid && path.startsWith('handoffs/000002-'));
    for (const [path, content] of Object.entries(before))
      if (!own(path) && !path.startsWith('seals/')) must(now[path] === content, `${path} was altered`);
    for (const [path, content] of Object.entries(now)) {
      if (path.endsWith('.tmp')) must(how.kills || how.leavesTemporary, `${path} was left`);
      else if (path.startsWith('handoffs/')) {
        const whole = /^---\n[\s\S]*\n```\n$/.test(content) && parseHandoff(content, path.slice(9, -3));
        must(Boolean(whole) && content.includes('a good goal'), `${path} is not whole`);
      }
      // Of nobody: whoever writes breaks every seal, and one that is killed in it leaves its mark.
      if (path.startsWith('seals/')) continue;
      if (path in before || path.endsWith('.tmp')) continue;
      const mine = path.startsWith('seq/') && asBirth(JSON.parse(content))?.process.pid === actor;
      must(own(path) || mine || /^handoffs\/000003-.*\.reconstructed\.md$/.test(path), `${path} is new`);
    }
  }

  /** What it was told is nothing, or true. */
  #checkTold(operation: HookOperation, fired: Fired, must: (holds: boolean, what: string) => void): void {
    const truth = {
      'first join': /^You are master \(epoch 1\)[^\n]*1 live session;/,
      join: /^You are master \(epoch 4\)[^\n]*3 live sessions;/,
      prompt: /^You are master \(epoch 2\)[^\n]*2 live sessions;/,
      stop: /^$/,
      leave: /^$/,
    }[operation];
    // Alone in another place, of which the user hears.
    const elsewhere = fired.notice !== '' && /1 live session;/.test(fired.context);
    must(
      fired.context === '' || truth.test(fired.context) || elsewhere,
      `it was told: ${fired.context.split('\n')[0]}`,
    );
  }

  /** A fresh process is elected, and everybody sees it so. */
  async #checkViews(
    operation: HookOperation,
    fired: Fired,
    must: (holds: boolean, what: string) => void,
  ): Promise<void> {
    const { newcomer, bystander, victim } = this.#sessions;
    const actor = this.#actor(operation);
    const numbers = this.#numbers();
    const told = Number(fired.context.match(/^You are \w+ \(epoch (\d+)\)/)?.[1] ?? 0);
    const start = await newcomer.start();
    const epoch = Number(start.context.match(/^You are master \(epoch (\d+)\)/)?.[1] ?? 0);
    must(epoch > Math.max(0, told, ...numbers), `the newcomer was told: ${start.context.split('\n')[0]}`);
    must(start.notice === '', `the newcomer is degraded: ${start.notice}`);

    const others = operation === 'first join' ? [] : [bystander, victim];
    // One that could not even read the numbers of the others has one of another order, and joins anew when it finds them.
    const wasMember = actor === victim || Math.max(0, ...numbers) > (operation === 'join' ? 3 : 0);
    let master = epoch;
    const sees = async (one: SessionUnderTest): Promise<void> => {
      const { context, code, stderr } = await one.prompt('who is master?');
      must(code === 0 && stderr === '', `a later hook ended with ${code}: ${stderr}`);
      const seen = Number(context.match(/^You are \w+ \(epoch (\d+)\)/)?.[1] ?? 0);
      const [role] = context.match(/(?<=^You are )\w+/) ?? [''];
      // One that was disturbed before it had joined joins now, and is master.
      const joins = one === actor && !wasMember && seen > master;
      if (joins) master = seen;
      const leader = joins || (one === newcomer && master === epoch);
      must(
        seen === master && role === (leader ? 'master' : 'worker'),
        `${one === actor ? 'the disturbed one' : 'another'} was told: ${context.split('\n')[0]}`,
      );
      if (one === newcomer) {
        const live = new Set([newcomer, ...others, actor]).size - (left ? 1 : 0);
        must(
          new RegExp(`\\b${live} live session`).test(context),
          `of ${live} it sees: ${context.split('\n')[0]}`,
        );
      }
    };
    const left =
      operation === 'leave' &&
      ((await fileStore(this.w.state).presence(this.#ids.victim))?.presence.left?.seq ?? 0) >= 2;
    const asked = new Set([...others.filter((one) => one !== actor), ...(left ? [] : [actor]), newcomer]);
    for (const one of asked) await sees(one);

    const { roster } = await survey(fileStore(this.w.state), observerOf(thisDomain(), 24), blankSight);
    must(roster.epoch === master, `the store says epoch ${roster.epoch}, they were told ${master}`);
    const pids = roster.members.map(({ birth }) => birth.process.pid);
    for (const one of asked)
      must(pids.filter((pid) => pid === one.client.pid).length === 1, 'one is not in the roster once');
    must((await fileStore(this.w.state).damaged()).length === 0, 'a record is damaged afterwards');
  }

  async #checkDoctor(must: (holds: boolean, what: string) => void): Promise<void> {
    const ran = await type(this.w, ['doctor', '--json']);
    const whole = ((): boolean => {
      try {
        return Array.isArray(jsonOf<{ findings: unknown }>(ran).findings);
      } catch {
        return false;
      }
    })();
    must(
      whole && ran.code !== null && !trace.test(ran.stderr),
      `doctor: ${ran.code} ${ran.stderr.slice(0, 300)}`,
    );
  }

  /** For people: a path without what differs from world to world. */
  short(path: string): string {
    return path.startsWith(this.w.base) ? relative(this.w.base, path) : path;
  }
}
