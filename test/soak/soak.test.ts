/**
 * Many sessions on one repository, doing whatever sessions do, while hooks and clients are killed and frozen, clocks jump and the
 * store is vandalised. FLOWLOOM_SOAK_SECONDS sets how long (30 unless told). FLOWLOOM_SEED repeats the dice: each seat, where one
 * client comes after the other, and the vandal have their own, so each decides the same again in the same order. How far they get,
 * and who is first, is up to the machine.
 *
 * In the first part every promise holds. In the last fifth records of live members are deleted and truncated, which no store can
 * forgive: a number may be given again, the order of joins may not be that of time, and a member is missing until its next hook.
 * What holds even then: hooks exit 0 with valid output, nobody reads half a record, and when it is quiet again all agree.
 */
import { type ChildProcess, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { observerOf } from '../../src/compose.ts';
import { parseHandoff } from '../../src/core/handoff.ts';
import { asBirth } from '../../src/core/member.ts';
import { blankSight } from '../../src/core/notebook.ts';
import { survey } from '../../src/flows/survey.ts';
import { startOf, thisDomain } from '../../src/io/processes.ts';
import { fileStore } from '../../src/stores/file-store.ts';
import { injecting, straceMissing } from '../faults/support/strace.ts';
import { Tally } from '../faults/support/tally.ts';
import { startLongClient } from '../support/clients.ts';
import { program, programPath } from '../support/program.ts';
import { chance, seed } from '../support/seed.ts';
import { type Fire, type Fired, type SessionUnderTest, world } from '../support/world.ts';
import { type Join, type Life, type Operation, violationsOf } from './checker.ts';

const seconds = Number(process.env.FLOWLOOM_SOAK_SECONDS ?? 30);
const crowd = 20;
/** So many hooks run at once; more would only measure the machine. */
const atOnce = 5;
const patience = 60_000;
const slows = straceMissing() === null;
const fakesTime = spawnSync('faketime', ['-f', '+1h', 'true']).status === 0;

const w = world({ name: 'soak', until: afterAll });
const tally = new Tally('soak');
/**
 * For jumping clocks: git keeps the real one. A hook kills it at its limit, and killed it may leave a lock of faketime's behind
 * that is shared with the hook: that one would wait for it for good.
 */
const withHonestGit = join(w.home, 'honest');
program(join(withHonestGit, 'git'), `unset LD_PRELOAD; exec '${programPath('git')}' "$@"`);
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
type Dice = () => number;
const among = <T>(random: Dice, items: readonly T[]): T => items[Math.floor(random() * items.length)]!;
const vandal = chance();
const now = (): number => performance.now();
const alive = new Set<Actor>();

const operations: Operation[] = [];
const lives: { -readonly [K in keyof Life]: Life[K] }[] = [];
const joins: Join[] = [];
const broken: string[] = [];
let strict = true;
let faults = 0;

function fault(operation: string, what: string): void {
  faults++;
  tally.count(operation, what);
}

const seats = { free: atOnce, waiting: [] as (() => void)[] };
async function seated<T>(act: () => Promise<T>): Promise<T> {
  if (seats.free === 0) await new Promise<void>((resolve) => seats.waiting.push(resolve));
  else seats.free--;
  try {
    return await act();
  } finally {
    const next = seats.waiting.shift();
    if (next) next();
    else seats.free++;
  }
}

/** A client and the conversation in it. */
interface Actor {
  readonly session: SessionUnderTest;
  readonly process: string;
  readonly life: (typeof lives)[number];
  /** Those of its seat. */
  readonly random: Dice;
}

function arrive(random: Dice): Actor {
  const client = startLongClient();
  const key = `${client.pid}-${startOf(client.pid)}`;
  const life = { process: key, ends: Number.POSITIVE_INFINITY, over: Number.POSITIVE_INFINITY };
  lives.push(life);
  const actor = { session: w.session({ client }), process: key, life, random };
  alive.add(actor);
  return actor;
}

async function depart({ session, life }: Actor): Promise<void> {
  life.ends = Math.min(life.ends, now());
  await session.client.kill();
  life.over = now();
}

/** What may happen to a hook while it runs. */
function disturb(kind: string, random: Dice): Fire {
  const dice = random();
  const after = random() * 150;
  if (dice < 0.08) {
    fault(kind, 'SIGKILL of the hook');
    return { watch: (child) => setTimeout(() => child.kill('SIGKILL'), after).unref() };
  }
  if (dice < 0.12) {
    fault(kind, 'SIGSTOP and SIGCONT of the hook');
    const frozen = random() * 1500;
    const freeze = (child: ChildProcess): void => {
      setTimeout(() => {
        child.kill('SIGSTOP');
        setTimeout(() => child.kill('SIGCONT'), frozen);
      }, after);
    };
    return { watch: freeze };
  }
  if (dice < 0.17 && fakesTime) {
    fault(kind, 'a clock that jumps');
    const jump = among(random, ['+3h', '-3h', '+400d', '-400d', '-20s', '+20s']);
    const env = { FAKETIME_DONT_FAKE_MONOTONIC: '1', PATH: `${withHonestGit}:${process.env.PATH}` };
    return { through: ['faketime', '-f', jump], env };
  }
  // Between looking for the next number and taking it lies much time then, for others to take it.
  if (slows && dice > (kind === 'start' ? 0.6 : 0.97)) {
    fault(kind, 'a slow disk');
    return { through: injecting('link,rename', `delay_enter=${Math.ceil(random() * 400)}ms`, []) };
  }
  return {};
}

async function fire(actor: Actor, kind: string, how: (fire: Fire) => Promise<Fired>): Promise<void> {
  await seated(async () => {
    const disturbance = disturb(kind, actor.random);
    const begin = now();
    let fired: Fired;
    try {
      fired = await how({ patience, ...disturbance });
    } catch (cause) {
      broken.push(`${kind} printed no JSON: ${cause}`);
      return;
    }
    const { code, signal, stderr, context } = fired;
    const killed = signal === 'SIGKILL' && disturbance.watch !== undefined;
    if (!killed && (code !== 0 || signal !== null || stderr !== ''))
      broken.push(`${kind} ended with ${code ?? signal}: ${stderr.slice(0, 200)}`);
    const told = context.match(/^You are (\w+) \(epoch (\d+)\)[^\n]*?(at least )?(\d+) live session/);
    if (context !== '' && !told) broken.push(`${kind} said: ${context.slice(0, 200)}`);
    tally.count(kind, 'all');
    if (!strict) return;
    operations.push({
      process: actor.process,
      kind,
      begin,
      end: now(),
      told: told
        ? { role: told[1]!, epoch: Number(told[2]), live: Number(told[4]), orMore: told[3] !== undefined }
        : null,
    });
  });
}

async function live(actor: Actor): Promise<Actor> {
  const { session, random } = actor;
  const dice = random();
  if (dice < 0.34) await fire(actor, 'prompt', (how) => session.prompt(`goal ${random()}`, how));
  else if (dice < 0.55) await fire(actor, 'batch', (how) => session.tools(undefined, how));
  else if (dice < 0.76) await fire(actor, 'stop', (how) => session.stop(`said ${random()}`, how));
  else if (dice < 0.82) {
    await fire(actor, 'compact', (how) => session.compacted('It was about hello.', how));
    await fire(actor, 'start', (how) => session.start('compact', how));
  } else if (dice < 0.88) {
    await fire(actor, 'clear', (how) => session.end('clear', how));
    session.renewed();
    await fire(actor, 'start', (how) => session.start('clear', how));
  } else if (dice < 0.9) {
    fault('client', 'SIGSTOP and SIGCONT of the client');
    process.kill(session.client.pid, 'SIGSTOP');
    setTimeout(() => {
      if (actor.life.over === Number.POSITIVE_INFINITY) process.kill(session.client.pid, 'SIGCONT');
    }, 300 * random()).unref();
  } else {
    if (dice < 0.95) {
      actor.life.ends = now();
      await fire(actor, 'exit', (how) => session.end('other', how));
    } else fault('client', 'SIGKILL of the client');
    alive.delete(actor);
    await depart(actor);
    const next = arrive(random);
    await fire(next, 'start', (how) => next.session.start('startup', how));
    return next;
  }
  return actor;
}

const names = (folder: string): string[] => {
  const path = join(w.state, folder);
  return existsSync(path) ? readdirSync(path).sort() : [];
};
const membersHere = (): string[] => names('members').filter((name) => /^\d+-/.test(name));

/** What somebody may do to the store without taking anything from anybody that is there. */
const mischief: Readonly<Record<string, () => void>> = {
  'foreign files among the records': () => {
    for (const name of ['seq/README', 'seq/7.json.bak', 'members/README', 'handoffs/notes.md', 'notes.txt'])
      writeFileSync(join(w.state, name), 'not ours');
  },
  'garbage for a presence': () =>
    writeFileSync(
      join(w.state, 'members', among(vandal, membersHere()), 'presence.json'),
      Buffer.from([0xff, 0, 1]),
    ),
  'a presence cut off': () =>
    truncateSync(join(w.state, 'members', among(vandal, membersHere()), 'presence.json'), 20),
  'half a notebook cut off': () =>
    truncateSync(
      join(
        w.state,
        'members',
        among(vandal, membersHere()),
        among(vandal, ['notebook.0.json', 'notebook.1.json']),
      ),
      30,
    ),
  'claims deleted': () =>
    rmSync(join(w.state, 'members', among(vandal, membersHere()), 'claims'), {
      recursive: true,
      force: true,
    }),
  'garbage in the log': () => writeFileSync(join(w.state, 'log.jsonl'), '{"at":'),
  'a temporary file of nobody': () => writeFileSync(join(w.state, 'seq', `claim.1-x-${faults}-0.tmp`), '{'),
};
/** What takes from those that are there. */
const crimes: Readonly<Record<string, () => void>> = {
  'a birth deleted': () => rmSync(join(w.state, 'seq', among(vandal, names('seq')))),
  'a birth cut off': () => truncateSync(join(w.state, 'seq', among(vandal, names('seq'))), 15),
  'garbage for a birth': () => writeFileSync(join(w.state, 'seq', among(vandal, names('seq'))), 'garbage'),
  'a whole member deleted': () =>
    rmSync(join(w.state, 'members', among(vandal, membersHere())), { recursive: true }),
  'the handoffs deleted': () => rmSync(join(w.state, 'handoffs'), { recursive: true }),
  'the whole store deleted': () => rmSync(w.state, { recursive: true }),
};

function vandalise(what: Readonly<Record<string, () => void>>): void {
  const [name, act] = among(vandal, Object.entries(what));
  try {
    act();
    fault('store', name);
  } catch {
    // What it wanted to spoil is not there just now.
  }
}

const owners = new Map<number, Set<string>>();
/** Looks at what lies in the store, as any reader may at any time. */
function inspect(): void {
  for (const name of names('seq').filter((one) => /^\d{12}\.json$/.test(one))) {
    const seq = Number(name.slice(0, 12));
    const birth = asBirth(JSON.parse(readFileSync(join(w.state, 'seq', name), 'utf8')));
    if (!birth) throw new Error(`birth ${seq} is not whole`);
    const before = owners.get(seq) ?? new Set();
    owners.set(seq, before.add(`${birth.process.pid}-${birth.process.start}`));
  }
  for (const name of names('handoffs').filter((one) => /^\d{6}-.*\.md$/.test(one))) {
    const path = join(w.state, 'handoffs', name);
    // The oldest are let go of meanwhile.
    const text = existsSync(path) ? readFileSync(path, 'utf8') : null;
    if (text !== null && (!/^---\n[\s\S]*\n```\n$/.test(text) || !parseHandoff(text, name.slice(0, -3))))
      broken.push(`handoff ${name} is not whole`);
  }
}

/** It is quiet: everybody says one thing once more, and all see the same. */
async function expectAgreement(): Promise<void> {
  for (const { session } of alive) process.kill(session.client.pid, 'SIGCONT');
  const everybody = [...alive];
  for (const { session } of everybody) await session.prompt('are you there?', { patience });
  const views: string[] = [];
  for (const { session } of everybody) {
    const { context } = await session.prompt('who is master?', { patience });
    views.push(context.match(/\(epoch (\d+)\)[^\n]*?\d+ live session/)?.[0] ?? context);
  }
  if (new Set(views).size !== 1) broken.push(`they do not agree: ${[...new Set(views)].join(' | ')}`);
  if (!views[0]?.includes(`${everybody.length} live session`))
    broken.push(`of ${everybody.length} they see: ${views[0]}`);
  const { roster } = await survey(fileStore(w.state), observerOf(thisDomain(), 24), blankSight);
  const found = roster.members.map(({ birth }) => birth.process.pid).sort();
  const there = everybody.map(({ session }) => session.client.pid).sort();
  if (JSON.stringify(found) !== JSON.stringify(there))
    broken.push(`the roster is ${found}, they are ${there}`);
}

async function during(ms: number, spoil: () => void): Promise<void> {
  const end = now() + ms;
  const clients = [...alive].map(async (first) => {
    let actor = first;
    while (now() < end) {
      actor = await live(actor);
      await pause(actor.random() * 200);
    }
  });
  const spoiling = (async () => {
    while (now() < end) {
      await pause(200 + vandal() * 600);
      spoil();
      if (strict) inspect();
    }
  })();
  await Promise.all([...clients, spoiling]);
}

test(
  `${crowd} sessions for ${seconds} s (seed ${seed})${fakesTime ? '' : ', without jumping clocks: needs faketime'}${slows ? '' : ', without slow disks: needs strace'}`,
  async () => {
    while (alive.size < crowd) arrive(chance(seed, alive.size + 1));
    // All of them at the same moment.
    seats.free = crowd;
    await Promise.all(
      [...alive].map((actor) => fire(actor, 'start', (how) => actor.session.start('startup', how))),
    );
    seats.free = atOnce;
    await during(seconds * 800, () => vandalise(mischief));
    inspect();
    for (const [seq, all] of owners) for (const process of all) joins.push({ seq, process });
    broken.push(...violationsOf({ operations, lives, joins }));
    await expectAgreement();

    strict = false;
    await during(seconds * 200, () => vandalise(crimes));
    await expectAgreement();
    await Promise.all([...alive].map(({ session }) => session.client.kill()));

    const fired = tally.rows.filter((row) => row.fault === 'all').reduce((sum, row) => sum + row.tried, 0);
    tally.count('all', 'promises', broken.length, 0);
    process.stdout.write(
      `soak: ${fired} operations of ${lives.length} clients, ${joins.length} joins, ${faults} faults, ${broken.length} violations, seed ${seed}\n`,
    );
    tally.report();
    expect(broken.slice(0, 40), `FLOWLOOM_SEED=${seed} npm run soak repeats the dice`).toEqual([]);
    expect(fired).toBeGreaterThan(seconds);
  },
  (seconds + 240) * 1000,
);
