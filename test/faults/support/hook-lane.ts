/**
 * One repository in which hooks are disturbed, again and again from the same state, and what has to hold afterwards.
 *
 * Four sessions: the bystander (1), the victim (2), one that was master and died without a word (3), and the joiner, which is not
 * a member yet. After each fault a newcomer starts; it is the judge of what is left.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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
import { Snapshot, stampsBelow } from './snapshot.ts';
import { digestOf } from './state-digest.ts';

/** What a hook is disturbed in. */
export const hookOperations = ['first join', 'join', 'prompt', 'stop', 'leave'] as const;
/** With a gate in front: what the shell answers itself, what it hands on to Node, and what Node does with an answer that is there. */
export const gateOperations = [
  'steady prompt',
  'steady batch',
  'prompt at the gate',
  'stop with an answer',
  'leave with an answer',
] as const;
export type HookOperation = (typeof hookOperations)[number] | (typeof gateOperations)[number];

const throughGate: readonly HookOperation[] = ['steady prompt', 'steady batch', 'prompt at the gate'];
const joins: readonly HookOperation[] = ['first join', 'join'];

const alone = /^You are master \(epoch 1\)[^\n]*1 live session;/;
const newest = /^You are master \(epoch 4\)[^\n]*3 live sessions;/;
const survivor = /^You are master \(epoch 2\)[^\n]*2 live sessions;/;
const nothing = /^$/;

/** What each is told when nothing stands in the way. */
const truths: Readonly<Record<HookOperation, RegExp>> = {
  'first join': alone,
  join: newest,
  prompt: survivor,
  stop: nothing,
  leave: nothing,
  'steady prompt': survivor,
  'steady batch': nothing,
  'prompt at the gate': survivor,
  'stop with an answer': nothing,
  'leave with an answer': nothing,
};

/** A shell says what it could not open; of a hook that exits with 0 that stands in the client's debug log only. */
const isQuiet = (operation: HookOperation, stderr: string): boolean =>
  stderr === '' || (throughGate.includes(operation) && /^(?:\S*sh: [^\n]*\n)+$/.test(stderr));

/** `empty`, as in the description above, or afterwards: the victim knows that it is master, and its answer is prepared. */
type Start = 'empty' | 'peaceful' | 'steady';
const startOf = (operation: HookOperation): Start => {
  if (operation === 'first join') return 'empty';
  return /steady|answer/.test(operation) ? 'steady' : 'peaceful';
};

const gate: Fire = { gate: ['sh'] };

/** What hooks ask of the system about processes and this machine. */
const system = /^\/proc\/(?:self$|\d+$|\d+\/(?:exe$|stat|ns\/)|sys\/kernel\/|self\/ns\/)|^\/etc\/machine-id/;

type Contents = Readonly<Record<string, string>>;

/**
 * What was left and told, of all lanes, where everything was well afterwards. Most faults leave what another one has left, nothing at
 * all or everything, and from the same state everybody goes on the same.
 */
const well = new Set<string>();

export class HookLane implements Lane<HookOperation, Fired> {
  readonly w: World;
  readonly #clients: Client[] = [];
  /** Where the cache is filled, so that no record of that is left here. */
  readonly #elsewhere: World;
  readonly #starts = new Map<Start, { snapshots: Snapshot[]; state: Contents }>();
  /** The first line of the victim's answer: a gate asks for one. */
  #asks = '';
  /** Where what was traced goes. */
  readonly log: string;
  #sessions!: Readonly<Record<'bystander' | 'victim' | 'joiner' | 'newcomer', SessionUnderTest>>;
  #outside: Contents = {};
  /** Of processes by who they are in this world. */
  #names: readonly (readonly [id: string, pid: number, name: string])[] = [];
  #victim = '';
  /** Where V8's code cache is: in this world, since writing it is a step like any other. */
  readonly #cache: string;

  constructor(until: Until) {
    this.w = world({ name: 'lane', until });
    this.#elsewhere = world({ name: 'elsewhere', until });
    this.#cache = join(this.w.base, 'cache');
    this.log = join(this.w.base, 'trace.log');
    mkdirSync(this.#cache);
    until(() => {
      for (const client of this.#clients) void client.kill();
    });
  }

  /** The shell's up to where it becomes Node, and those of the hook's own code. */
  ownCalls(calls: readonly Call[]): Call[] {
    const ours = (path: string): boolean =>
      path.startsWith(this.w.base) || path.startsWith(hooksFolder) || system.test(path);
    const from = (pattern: RegExp): number => {
      const first = calls.findIndex(
        ({ paths: [path] }) => path?.startsWith(hooksFolder) && pattern.test(path),
      );
      return first < 0 ? calls.length : first;
    };
    const asked = calls.findIndex(({ paths: [path] }) => path?.endsWith('/gate.sh'));
    const shells = asked < 0 ? [] : calls.slice(asked, from(/\.cjs$/));
    // Node itself looks at its stdout, and does without nothing less.
    const prints = ({ name, paths }: Call): boolean => /^write/.test(name) && paths[0] === '/dev/stdout';
    return [...shells, ...calls.slice(from(/\/body\//))].filter(
      (call) => call.paths.some(ours) || prints(call),
    );
  }

  expect(operation: HookOperation, calls: readonly Call[]): void {
    const node = calls.some(({ paths: [path] }) => path?.endsWith('.cjs'));
    if (node === operation.startsWith('steady'))
      throw new Error(`${operation}: Node was ${node ? '' : 'not '}started`);
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
    await dead!.client.kill();
    this.#sessions = { bystander: bystander!, victim: victim!, joiner: joiner!, newcomer: newcomer! };
    await this.#compile(joiner!);
    this.#keep('peaceful');

    await this.#untilAnswered(victim!);
    this.#keep('steady');
    this.#asks = `${readFileSync(this.#answer, 'utf8').split('\n')[0]}\n`;

    this.#victim = idOf(this.w.state, victim!.client.pid);
    const where = { bystander, victim, dead, joiner };
    this.#names = Object.entries(where).map(([name, one]) => [
      idOf(one === joiner ? this.#elsewhere.state : this.w.state, one!.client.pid),
      one!.client.pid,
      name,
    ]);
    this.restore('join');
    this.#outside = this.outside();
  }

  /** So that every hook's compiled body is there. A process is the same in another repository. */
  async #compile(client: SessionUnderTest): Promise<void> {
    const guest = this.#elsewhere.session({ client: client.client, env: client.env });
    await guest.start();
    await guest.prompt();
    await guest.tools();
    await guest.stop();
    await guest.end('other');
  }

  /** The gate answers: a process may have been looked at just now, so not at once. */
  async #untilAnswered(session: SessionUnderTest): Promise<void> {
    const fire = { ...gate, env: { FLOWLOOM_DEBUG: '1' } };
    for (let attempt = 0; attempt < 40; attempt++) {
      const { stderr } = await session.prompt('go on', fire);
      if (stderr.includes('answered without Node')) return;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error('no answer was prepared');
  }

  /** Where the gate looks for the victim's answer. */
  get #answer(): string {
    return join(this.#cache, 'flowloom', 'ready', this.#sessions.victim.id);
  }

  #keep(start: Start): void {
    rmSync(join(this.w.state, 'log.jsonl'), { force: true });
    this.#starts.set(start, {
      snapshots: [this.w.state, this.#cache].map((place) => new Snapshot(place)),
      state: contentsBelow(this.w.state),
    });
  }

  /** As it was before anything was disturbed. */
  restore(operation: HookOperation): void {
    for (const place of [join(this.w.home, '.local'), this.w.temporary])
      rmSync(place, { recursive: true, force: true });
    mkdirSync(this.w.temporary);
    const start = this.#starts.get(startOf(operation));
    if (start) for (const snapshot of start.snapshots) snapshot.restore();
    else {
      for (const place of [this.w.state, this.#cache]) rmSync(place, { recursive: true, force: true });
      mkdirSync(this.#cache);
    }
    if (operation !== 'prompt at the gate') return;
    mkdirSync(join(this.#answer, '..'), { recursive: true, mode: 0o700 });
    writeFileSync(this.#answer, this.#asks, { mode: 0o600 });
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
    return stampsBelow(this.w.base, (path) => path === 'trace.log' || this.mayWrite(join(this.w.base, path)));
  }

  /** Runs it; the name of who does it stays in this file. */
  run(operation: HookOperation, around: Around): Promise<Fired> {
    rmSync(this.log, { force: true });
    const fire: Fire = around;
    const { victim, joiner } = this.#sessions;
    if (joins.includes(operation)) return joiner.start('startup', fire);
    if (operation.startsWith('stop')) return victim.stop('Done again.', fire);
    if (operation.startsWith('leave')) return victim.end('other', fire);
    if (operation === 'steady batch') return victim.tools(undefined, { ...fire, ...gate });
    return victim.prompt('another goal', throughGate.includes(operation) ? { ...fire, ...gate } : fire);
  }

  #actor(operation: HookOperation): SessionUnderTest {
    return joins.includes(operation) ? this.#sessions.joiner : this.#sessions.victim;
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
  async violations(operation: HookOperation, fired: Fired | Error, how: Disturbance): Promise<string[]> {
    const broken: string[] = [];
    const must = (holds: boolean, what: string): void => {
      if (!holds) broken.push(what);
    };
    if (fired instanceof Error) return [`its output is no JSON: ${fired.message}`];
    if (!how.kills)
      must(
        fired.code === 0 && fired.signal === null && isQuiet(operation, fired.stderr),
        `it ended with ${fired.code ?? fired.signal}: ${fired.stderr.slice(0, 200)}`,
      );
    this.#checkRecords(operation, how, must);
    must((await fileStore(this.w.state).damaged()).length === 0, 'a record is damaged');
    must(JSON.stringify(this.outside()) === JSON.stringify(this.#outside), 'something outside changed');
    this.#checkTold(operation, fired, must);
    const left = [operation, this.#plain(fired.stdout), this.#digest()].join('\n');
    if (broken.length === 0 && well.has(left)) return broken;
    await this.#checkViews(operation, fired, must);
    await this.#checkDoctor(must);
    if (broken.length === 0) well.add(left);
    return broken;
  }

  /** A text without what differs from lane to lane. */
  #plain(text: string): string {
    let plain = text.replaceAll(this.w.base, 'base');
    for (const [name, { id }] of Object.entries(this.#sessions))
      plain = plain.replaceAll(id, `conversation of the ${name}`);
    for (const [id, pid, name] of this.#names)
      plain = plain
        .replaceAll(id, `the ${name}`)
        .replaceAll(new RegExp(`(?<!\\d)${pid}(?!\\d)`, 'g'), `process of the ${name}`);
    return plain;
  }

  #digest(): string {
    return digestOf([...this.places, this.#cache], (text) => this.#plain(text));
  }

  /** Nobody else's record is other than it was, and what is new belongs to who acted. */
  #checkRecords(
    operation: HookOperation,
    how: Disturbance,
    must: (holds: boolean, what: string) => void,
  ): void {
    const now = existsSync(this.w.state) ? contentsBelow(this.w.state) : {};
    const before = this.#starts.get(startOf(operation))?.state ?? {};
    const actor = this.#actor(operation).client.pid;
    const own = (path: string): boolean =>
      path.startsWith(`members/${actor}-`) ||
      path === 'log.jsonl' ||
      (actor === this.#sessions.victim.client.pid && path.startsWith('handoffs/000002-'));
    for (const [path, content] of Object.entries(before))
      if (!own(path) && !path.startsWith('seals/')) must(now[path] === content, `${path} was altered`);
    // Of its own handoff and presence the old text is there, or the new one, be it under the name that it has before it takes the
    // other's place.
    const exchanged = (path: string): boolean =>
      /^handoffs\/000002-|^members\/.*\/presence\.json$/.test(path);
    for (const path of Object.keys(before).filter(exchanged))
      must(path in now || path.replace(/\.(\w+)$/, '.next.$1') in now, `${path} is gone`);
    for (const [path, content] of Object.entries(now)) {
      if (path.endsWith('.tmp')) must(how.kills || how.leavesTemporary, `${path} was left`);
      else if (path.startsWith('handoffs/')) {
        const whole = /^---\n[\s\S]*\n```\n$/.test(content) && parseHandoff(content, path.slice(9, -3));
        must(Boolean(whole) && content.includes('a good goal'), `${path} is not whole`);
      }
      // Of nobody: whoever writes breaks every seal, and one that is killed in it leaves its mark.
      if (path.startsWith('seals/')) continue;
      // Of the repository: whoever settles says which one it is, as a whole.
      if (path === 'repository.json') {
        must(typeof JSON.parse(content).path === 'string', `${path} is not whole`);
        continue;
      }
      if (path in before || path.endsWith('.tmp')) continue;
      const mine = path.startsWith('seq/') && asBirth(JSON.parse(content))?.process.pid === actor;
      must(own(path) || mine || /^handoffs\/000003-.*\.reconstructed\.md$/.test(path), `${path} is new`);
    }
  }

  /** What it was told is nothing, or true. */
  #checkTold(operation: HookOperation, fired: Fired, must: (holds: boolean, what: string) => void): void {
    const truth = truths[operation];
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
    const asksGate = gateOperations.some((one) => one === operation);
    const sees = async (one: SessionUnderTest): Promise<void> => {
      const fire = asksGate && one === victim ? gate : {};
      const { context, code, stderr } = await one.prompt('who is master?', fire);
      must(code === 0 && stderr === '', `a later hook ended with ${code}: ${stderr}`);
      const seen = Number(context.match(/^You are \w+ \(epoch (\d+)\)/)?.[1] ?? 0);
      const [role] = context.match(/(?<=^You are )\w+/) ?? [''];
      // One that was disturbed before it had joined joins now, and is master.
      const joinsNow = one === actor && !wasMember && seen > master;
      if (joinsNow) master = seen;
      const leader = joinsNow || (one === newcomer && master === epoch);
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
      operation.startsWith('leave') &&
      ((await fileStore(this.w.state).presence(this.#victim))?.presence.left?.seq ?? 0) >= 2;
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
