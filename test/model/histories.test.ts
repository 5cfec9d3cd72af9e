/**
 * Random histories of several clients, with real hooks and real processes: what each of them was told is what the pure rules say of
 * the members that are there. With the gate in front of the hot hooks nobody is told anything else, and it is the
 * gate that answers where nothing has changed. All of them live in a pid namespace, where the number of one that ended comes again.
 *
 * FLOWLOOM_SEED repeats a run, FLOWLOOM_MODEL_RUNS makes it longer.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Roster, roleOf, rosterOf } from '../../src/core/election.ts';
import { type Candidacy, displayName, type Member } from '../../src/core/member.ts';
import type { Told } from '../../src/core/notebook.ts';
import { changeLine, promptLine } from '../../src/messages/model.ts';
import { jsonOf, typeIn } from '../cli/command.ts';
import { isByGate, shells, through } from '../gate/kit.ts';
import {
  aSecondMs,
  type Client,
  type SeasonedClients,
  seasoned,
  seasonedClients,
  thisMachine,
} from '../support/clients.ts';
import { missing } from '../support/missing.ts';
import { type PidNamespace, pidNamespace, pidNamespaceNeeds } from '../support/pid-namespace.ts';
import { seed } from '../support/seed.ts';
import type { Fire, Fired, SessionUnderTest, World } from '../support/world.ts';
import { world } from '../support/world.ts';

const runs = Number(process.env.FLOWLOOM_MODEL_RUNS ?? 6);

/** What the rules know of a client. */
interface Player {
  readonly id: string;
  readonly pid: number;
  seq: number;
  candidacy: Candidacy;
  here: boolean;
  /** It did something that a handoff can tell. */
  worked: boolean;
  told: Told;
  /** The answer that Node left for the next prompt: when it was prepared at the earliest, and which change was the last one then. */
  answer: { readonly at: number; readonly changes: number } | null;
  /** Its process may be too young for the gate. */
  young: boolean;
}

interface Model {
  players: (Player | null)[];
  /** All that there ever were. */
  joins: { readonly seq: number; readonly candidacy: Candidacy; readonly player: Player }[];
  top: number;
  /** How often the roster changed. */
  changes: number;
}

interface Real {
  readonly place: World;
  readonly shell: readonly string[] | null;
  readonly clients: SeasonedClients;
  /** Where processes come again; null where they cannot. */
  readonly pids: PidNamespace | null;
  /** By slot: the stranger that has the number of whoever was there last. */
  readonly heirs: (Client | null)[];
  readonly sessions: (SessionUnderTest | null)[];
  byGate: number;
  starts: number;
}

const isHere = (player: Player | null): boolean => player?.here === true;
const isYoung = (player: Player | null): boolean => isHere(player) && player!.young;
const isDead = (player: Player | null): boolean => player?.here === false;
const isFree = (player: Player | null): boolean => !isHere(player);
const slotsOf = ({ players }: Model, wants: (player: Player | null) => boolean): number[] =>
  players.flatMap((player, slot) => (wants(player) ? [slot] : []));

const asMember = ({ id, pid, seq, candidacy }: Player): Member => ({
  seq,
  birth: {
    version: 1,
    id,
    process: { pid, start: '', domain: { host: '', boot: '', namespace: '' } },
    host: '',
    candidacy,
    attended: true,
    cause: 'startup',
    joinedAt: '',
  },
  presence: null,
  seenAt: null,
  liveness: 'alive',
});

const rosterIn = ({ players }: Model): Roster =>
  rosterOf(players.flatMap((player) => (player?.here ? [asMember(player)] : [])));

/** Of a master that was told so before: who was master since, is gone, and left something. */
function mastersSince({ joins }: Model, roster: Roster, { id, told }: Player): Member[] {
  if (told.master !== id || roster.master?.birth.id !== id) return [];
  const gone = joins.filter(
    ({ seq, candidacy, player }) =>
      seq > Math.max(told.top, roster.epoch) && candidacy === 'eligible' && !player.here && player.worked,
  );
  return gone.map(({ player }) => asMember(player));
}

/** What a prompt may tell beside the line: of several masters that came and went the one that wrote last is named. */
function changesFor(model: Model, player: Player): (string | null)[] {
  const roster = rosterIn(model);
  const since = mastersSince(model, roster, player);
  return (since.length ? since : [null]).map((meanwhile) =>
    changeLine(player.told, roster, player.id, { rolesOnly: false, meanwhile }),
  );
}

const toldNow = (roster: Roster, id: string, top: number): Told => ({
  role: roleOf(roster, id),
  epoch: roster.epoch,
  master: roster.master?.birth.id ?? null,
  top,
  names: Object.fromEntries(roster.members.map((member) => [member.birth.id, displayName(member)])),
});

/** Where the last handoff lies is none of the rules' business. */
const withoutHandoff = (text: string): string =>
  text.replace(/; the last handoff of a master is in [^;]*?(?=; |\.$)/, '');

const slots = 8;

function heard(fired: Fired): string {
  expect(fired.code).toBe(0);
  return withoutHandoff(fired.context);
}

/** Nobody came, went or moved since this one's answer was prepared. */
const isSteady = ({ players, changes }: Model, slot: number): boolean =>
  players[slot]?.answer?.changes === changes;

/** Fires a hot hook. The gate has to answer where nothing changed and every process was known a second before the answer. */
async function fireHot(
  model: Model,
  real: Real,
  slot: number,
  fire: (session: SessionUnderTest, hot: Fire) => Promise<Fired>,
): Promise<Fired> {
  const player = model.players[slot]!;
  const steady = isSteady(model, slot);
  const youngest = Math.max(
    ...rosterIn(model).members.map(({ birth }) => real.place.ground.firstSeen(birth.process.pid)),
  );
  const due = real.shell !== null && steady && player.answer!.at - youngest >= aSecondMs;
  const fired = await fire(real.sessions[slot]!, real.shell ? through(real.shell) : {});
  const byGate = isByGate(fired);
  if (byGate) real.byGate++;
  if (byGate && !steady) expect.fail('the gate answered although something changed');
  if (!byGate && due) expect.fail('Node was started although the gate had the answer');
  return fired;
}

/** A hook that was fired then has told what it had to. Where nothing is left to be told it prepared the next answer, if it was Node. */
function prepared(model: Model, player: Player, fired: Fired, at: number): void {
  if (isByGate(fired) || changesFor(model, player)[0] || player.told.top < model.top) return;
  player.answer = { at, changes: model.changes };
}

type Act = (model: Model, real: Real, slot: number) => Promise<void>;

/** A command for one of the slots whose player it wants; it applies while there is such a one. */
const command = (
  name: string,
  wants: (player: Player | null) => boolean,
  act: Act,
): fc.Arbitrary<fc.AsyncCommand<Model, Real>> =>
  fc.nat(1000).map((pick) => {
    const wanted = (model: Model): number[] => slotsOf(model, wants);
    let taken: number | null = null;
    return {
      check: (model) => wanted(model).length > 0,
      run: (model, real) => {
        taken = wanted(model)[pick % wanted(model).length]!;
        return act(model, real, taken);
      },
      toString: () => `${name}(${taken})`,
    };
  });

async function begin(
  model: Model,
  real: Real,
  slot: number,
  source: string,
  { id, client: given }: { id?: string; client?: Client } = {},
): Promise<void> {
  const client = given ?? (await real.clients.next());
  const session = real.place.session({ client, ...(id ? { id } : {}) });
  real.sessions[slot] = session;
  real.heirs[slot] = null;
  const player: Player = {
    // As a real one it is no number: objects would sort by those.
    id: `member-${model.top}`,
    pid: client.pid,
    seq: ++model.top,
    candidacy: 'eligible',
    here: true,
    worked: false,
    told: { role: 'worker', epoch: 0, master: null, top: 0, names: {} },
    answer: null,
    young: false,
  };
  model.players[slot] = player;
  model.joins.push({ seq: player.seq, candidacy: player.candidacy, player });
  model.changes++;
  await brief(model, real, slot, source);
}

/** A session start tells everything; here only how it begins is looked at. */
async function brief(model: Model, real: Real, slot: number, source: string): Promise<void> {
  const player = model.players[slot]!;
  const roster = rosterIn(model);
  const at = Date.now();
  const fired = await real.sessions[slot]!.start(source, {
    payload: { prompt_id: `start-${real.starts++}` },
  });
  // What the conversation's first prompt left to the gate, a compaction leaves anew.
  if (player.answer) player.answer = { at, changes: model.changes };
  const line = promptLine(roster, player.id).replace(
    ';',
    ' among the Claude Code sessions on this repository;',
  );
  expect(heard(fired).split('\n')[0]).toBe(line);
  player.told = toldNow(roster, player.id, model.top);
}

function leave(model: Model, slot: number): void {
  model.players[slot]!.here = false;
  model.changes++;
}

/** The command is typed in that session. */
const rejoin =
  (command: 'promote' | 'yield', candidacy: Candidacy): Act =>
  async (model, real, slot) => {
    const player = model.players[slot]!;
    player.seq = ++model.top;
    player.candidacy = candidacy;
    model.joins.push({ seq: player.seq, candidacy, player });
    model.changes++;
    const typed = await typeIn(real.sessions[slot]!, [command, '--json']);
    expect(jsonOf(typed).seq, typed.stderr).toBe(player.seq);
  };

const prompt: Act = async (model, real, slot) => {
  const player = model.players[slot]!;
  const roster = rosterIn(model);
  const line = promptLine(roster, player.id);
  const changes = changesFor(model, player);
  const at = Date.now();
  const fired = await fireHot(model, real, slot, (session, hot) => session.prompt('go on', hot));
  player.worked = true;
  expect(changes.map((change) => (change ? `${line}\n${change}` : line))).toContain(heard(fired));
  player.told = toldNow(roster, player.id, model.top);
  prepared(model, player, fired, at);
};

const batch: Act = async (model, real, slot) => {
  const player = model.players[slot]!;
  const roster = rosterIn(model);
  const now = toldNow(roster, player.id, model.top);
  const before = player.told;
  const at = Date.now();
  const fired = await fireHot(model, real, slot, (session, hot) => session.tools(undefined, hot));
  player.worked = true;
  if (before.role === now.role) expect(heard(fired)).toBe('');
  else {
    const change = changeLine(before, roster, player.id, { rolesOnly: true });
    expect(heard(fired)).toBe(`${promptLine(roster, player.id)}\n${change}`);
    const names = { ...before.names };
    if (before.master && !(before.master in now.names)) delete names[before.master];
    if (now.master) names[now.master] = now.names[now.master]!;
    player.told = { ...now, names, top: before.top };
  }
  // A conversation without a prompt has no answer to prepare.
  if (player.answer) prepared(model, player, fired, at);
};

const inTurn =
  (...acts: readonly Act[]): Act =>
  async (model, real, slot) => {
    for (const act of acts) await act(model, real, slot);
  };

/** What a session does while the others are quiet: after the first prompt all is the gate's. Without a gate it is nothing new. */
const turns: Act = (model, real, slot) =>
  (real.shell ? inTurn(prompt, prompt, batch, prompt) : inTurn(prompt, batch))(model, real, slot);
const turnsByGate = 3;

/** Until the gate can answer everybody, in every shell. */
const second = async ({ players }: Model, { place, shell }: Real): Promise<void> => {
  const pids = players.flatMap((player) => (player?.here ? [player.pid] : []));
  if (shell) await seasoned(place.ground, pids);
  for (const player of players) if (player) player.young = false;
};

const kill: Act = async (model, real, slot) => {
  leave(model, slot);
  await real.sessions[slot]!.client.kill();
};

/** Killed, and the number is a stranger's before anybody looks: whoever was steady until then has to notice. */
const stranger: Act = async (model, real, slot) => {
  const witness = slotsOf(model, isHere).find((other) => other !== slot);
  if (witness !== undefined) await turns(model, real, witness);
  await kill(model, real, slot);
  real.heirs[slot] = await real.pids!.startAgain(model.players[slot]!.pid);
  if (witness !== undefined) await prompt(model, real, witness);
};

/** At last everybody hears what is left to be told, and after that the gate answers. There are two at least. */
async function rest(model: Model, real: Real): Promise<void> {
  while (slotsOf(model, isHere).length < 2) await begin(model, real, slotsOf(model, isFree)[0]!, 'startup');
  await second(model, real);
  for (const act of real.shell ? [prompt, prompt] : [prompt])
    for (const slot of slotsOf(model, isHere)) await act(model, real, slot);
  if (real.pids) await stranger(model, real, slotsOf(model, isHere)[0]!);
}
const restByGate = 2;
const witnessByGate = 4;

const commands = [
  ...Array.from({ length: 3 }, () =>
    command('start', isFree, (model, real, slot) => begin(model, real, slot, 'startup')),
  ),
  command('resume', isFree, (model, real, slot) =>
    begin(model, real, slot, 'resume', { id: real.sessions[slot]?.id }),
  ),
  ...Array.from({ length: 3 }, () => command('prompt', isHere, prompt)),
  ...Array.from({ length: 3 }, () => command('turns', isHere, turns)),
  ...Array.from({ length: 2 }, () => command('batch', isHere, batch)),
  command('stop', isHere, async (model, real, slot) => {
    expect((await real.sessions[slot]!.stop()).stdout).toBe('');
    model.players[slot]!.worked = true;
  }),
  command('clear', isHere, async (model, real, slot) => {
    expect((await real.sessions[slot]!.end('clear')).stdout).toBe('');
    real.sessions[slot]!.renewed();
    model.players[slot]!.answer = null;
    await brief(model, real, slot, 'clear');
  }),
  command('compact', isHere, (model, real, slot) => brief(model, real, slot, 'compact')),
  command('exit', isHere, async (model, real, slot) => {
    expect((await real.sessions[slot]!.end()).stdout).toBe('');
    leave(model, slot);
    await real.sessions[slot]!.client.kill();
  }),
  command('kill', isHere, kill),
  command('promote', isHere, rejoin('promote', 'eligible')),
  command('yield', isHere, rejoin('yield', 'declined')),
  command('a second passes', isYoung, second),
];

/** Where the number of a process that ended comes again. */
const commandsOfPids = [
  command('stranger', isHere, stranger),
  ...Array.from({ length: 2 }, () =>
    command('start again', isDead, async (model, real, slot) => {
      await real.heirs[slot]?.kill();
      const client = await real.pids!.startAgain(model.players[slot]!.pid);
      await begin(model, real, slot, 'startup', { client });
      model.players[slot]!.young = true;
    }),
  ),
];

const ways: readonly [way: string, shell: readonly string[] | null, needs: string][] = [
  ['by Node', null, ''],
  ...shells.map(({ name, shell, isHere }): [string, readonly string[] | null, string] => [
    `through the gate in ${name}`,
    shell,
    isHere ? '' : name,
  ]),
];

if (pidNamespaceNeeds) missing(`${pidNamespaceNeeds}, for processes that come again`);

for (const [way, shell, needs] of ways) {
  if (needs) {
    missing(needs);
    continue;
  }
  // All at once: much of the time passes until a second is over.
  test.concurrent(`${way} everybody is told what the rules say (seed ${seed}, ${runs} runs)`, {
    timeout: 600_000,
  }, async ({ onTestFinished }) => {
    const pids = pidNamespaceNeeds ? null : await pidNamespace();
    const ground = pids ?? thisMachine;
    const clients = seasonedClients(ground, 12);
    onTestFinished(async () => {
      await clients.end();
      await pids?.end();
    });
    const possible = fc.commands([...commands, ...(pids ? commandsOfPids : [])], {
      maxCommands: 20,
      size: 'max',
    });
    await fc.assert(
      fc.asyncProperty(possible, async (history) => {
        const place = world({ ground, until: onTestFinished });
        const real: Real = { place, shell, clients, pids, heirs: [], sessions: [], byGate: 0, starts: 0 };
        try {
          const model: Model = { players: Array(slots).fill(null), joins: [], top: 0, changes: 0 };
          for (const slot of [0, 1]) await begin(model, real, slot, 'startup');
          await turns(model, real, 0);
          await fc.asyncModelRun(() => ({ model, real }), history);
          await rest(model, real);
          const least = turnsByGate + restByGate + (pids ? witnessByGate : 0);
          if (shell) expect(real.byGate).toBeGreaterThanOrEqual(least);
        } finally {
          for (const session of real.sessions) await session?.client.kill();
          for (const heir of real.heirs) await heir?.kill();
        }
      }),
      { numRuns: runs, endOnFailure: runs < 20 },
    );
  });
}
