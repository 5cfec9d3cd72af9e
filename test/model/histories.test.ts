/**
 * Random histories of several clients, with real hooks and real processes: what each of them was told is what the pure rules say of
 * the members that are there. With the gate in front of the hot hooks nobody is told anything else, and it is the
 * gate that answers where nothing has changed.
 *
 * FLOWLOOM_MODEL_SEED repeats a run, FLOWLOOM_MODEL_RUNS makes it longer.
 */
import fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import { observerOf } from '../../src/compose.ts';
import { type Roster, roleOf, rosterOf } from '../../src/core/election.ts';
import { type Candidacy, displayName, type Member } from '../../src/core/member.ts';
import { blankSight, type Told } from '../../src/core/notebook.ts';
import { promote, yieldMastership } from '../../src/flows/rejoin.ts';
import { survey } from '../../src/flows/survey.ts';
import { thisDomain } from '../../src/io/processes.ts';
import { changeLine, promptLine } from '../../src/messages/model.ts';
import { fileStore } from '../../src/stores/file-store.ts';
import { isByGate, shells, through } from '../gate/kit.ts';
import { aSecondMs, firstSeen, type SeasonedClients, seasonedClients } from '../support/clients.ts';
import type { Fire, Fired, SessionUnderTest, World } from '../support/world.ts';
import { world } from '../support/world.ts';

const seed = Number(process.env.FLOWLOOM_MODEL_SEED ?? Date.now() % 1_000_000_000);
const runs = Number(process.env.FLOWLOOM_MODEL_RUNS ?? 6);

/** What the rules know of a client. */
interface Player {
  readonly id: string;
  readonly pid: number;
  seq: number;
  candidacy: Candidacy;
  here: boolean;
  told: Told;
  /** The answer that Node left for the next prompt: when it was prepared, and which change was the last one then. */
  answer: { readonly at: number; readonly changes: number } | null;
}

interface Model {
  players: (Player | null)[];
  top: number;
  /** How often the roster changed. */
  changes: number;
}

interface Real {
  readonly place: World;
  readonly shell: readonly string[] | null;
  readonly clients: SeasonedClients;
  readonly sessions: (SessionUnderTest | null)[];
  byGate: number;
  starts: number;
}

const isHere = (player: Player | null): boolean => player?.here === true;
const isFree = (player: Player | null): boolean => !isHere(player);
const slotsOf = ({ players }: Model, wants: (player: Player | null) => boolean): number[] =>
  players.flatMap((player, slot) => (wants(player) ? [slot] : []));

const rosterIn = ({ players }: Model): Roster =>
  rosterOf(
    players.flatMap((player): Member[] =>
      player?.here
        ? [
            {
              seq: player.seq,
              birth: {
                version: 1,
                id: player.id,
                process: { pid: player.pid, start: '', domain: { host: '', boot: '', namespace: '' } },
                host: '',
                candidacy: player.candidacy,
                attended: true,
                cause: 'startup',
                joinedAt: '',
              },
              presence: null,
              seenAt: null,
              liveness: 'alive',
            },
          ]
        : [],
    ),
  );

const toldNow = (roster: Roster, id: string): Told => ({
  role: roleOf(roster, id),
  epoch: roster.epoch,
  master: roster.master?.birth.id ?? null,
  top: roster.members[0]?.seq ?? 0,
  names: Object.fromEntries(roster.members.map((member) => [member.birth.id, displayName(member)])),
});

/** Where the last handoff lies is none of the rules' business. */
const withoutHandoff = (text: string): string =>
  text.replace(/; the last handoff of a master is in [^;]*?(?=; |\.$)/, '');

const slots = 4;

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
  const youngest = Math.max(...rosterIn(model).members.map(({ birth }) => firstSeen(birth.process.pid)));
  const due = real.shell !== null && steady && player.answer!.at - youngest >= aSecondMs;
  const at = Date.now();
  const fired = await fire(real.sessions[slot]!, real.shell ? through(real.shell) : {});
  if (isByGate(fired)) real.byGate++;
  else if (due) expect.fail('Node was started although the gate had the answer');
  else if (steady) player.answer = { at, changes: model.changes };
  return fired;
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

async function begin(model: Model, real: Real, slot: number, source: string, id?: string): Promise<void> {
  const client = await real.clients.next();
  const session = real.place.session({ client, ...(id ? { id } : {}) });
  real.sessions[slot] = session;
  const player: Player = {
    // As a real one it is no number: objects would sort by those.
    id: `member-${client.pid}`,
    pid: client.pid,
    seq: ++model.top,
    candidacy: 'eligible',
    here: true,
    told: { role: 'worker', epoch: 0, master: null, top: 0, names: {} },
    answer: null,
  };
  model.players[slot] = player;
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
  player.told = toldNow(roster, player.id);
}

function leave(model: Model, slot: number): void {
  model.players[slot]!.here = false;
  model.changes++;
}

const rejoin =
  (again: typeof promote, candidacy: Candidacy): Act =>
  async (model, real, slot) => {
    const player = model.players[slot]!;
    const store = fileStore(real.place.state);
    const { roster } = await survey(store, observerOf(thisDomain(), 8), blankSight);
    const member = roster.members.find(({ birth }) => birth.process.pid === player.pid)!;
    player.seq = ++model.top;
    player.candidacy = candidacy;
    model.changes++;
    expect(await again(store, member, new Date())).toBe(player.seq);
  };

const prompt: Act = async (model, real, slot) => {
  const player = model.players[slot]!;
  const roster = rosterIn(model);
  const line = promptLine(roster, player.id);
  const change = changeLine(player.told, roster, player.id, { rolesOnly: false });
  const at = Date.now();
  const fired = await fireHot(model, real, slot, (session, hot) => session.prompt('go on', hot));
  expect(heard(fired)).toBe(change ? `${line}\n${change}` : line);
  if (change) {
    expect(isByGate(fired)).toBe(false);
    player.told = toldNow(roster, player.id);
  }
  // Whatever it was, it is told now.
  if (!isSteady(model, slot)) player.answer = { at, changes: model.changes };
};

const batch: Act = async (model, real, slot) => {
  const player = model.players[slot]!;
  const roster = rosterIn(model);
  const now = toldNow(roster, player.id);
  const before = player.told;
  const fired = await fireHot(model, real, slot, (session, hot) => session.tools(undefined, hot));
  if (before.role === now.role) {
    expect(heard(fired)).toBe('');
    return;
  }
  const change = changeLine(before, roster, player.id, { rolesOnly: true });
  expect(heard(fired)).toBe(`${promptLine(roster, player.id)}\n${change}`);
  const names = { ...before.names, ...(now.master ? { [now.master]: now.names[now.master]! } : {}) };
  player.told = { ...now, names, top: before.top };
};

const inTurn =
  (...acts: readonly Act[]): Act =>
  async (model, real, slot) => {
    for (const act of acts) await act(model, real, slot);
  };

/** What a session does while the others are quiet: after the first prompt all is the gate's. */
const turns = inTurn(prompt, prompt, batch, prompt);
const turnsByGate = 3;

/** At last everybody hears what is left to be told, and after that the gate answers. There are two at least. */
async function rest(model: Model, real: Real): Promise<void> {
  while (slotsOf(model, isHere).length < 2) await begin(model, real, slotsOf(model, isFree)[0]!, 'startup');
  for (const act of [prompt, prompt, batch])
    for (const slot of slotsOf(model, isHere)) await act(model, real, slot);
}
const restByGate = 4;

const commands = [
  command('start', isFree, (model, real, slot) => begin(model, real, slot, 'startup')),
  command('start', isFree, (model, real, slot) => begin(model, real, slot, 'startup')),
  command('resume', isFree, (model, real, slot) =>
    begin(model, real, slot, 'resume', real.sessions[slot]?.id),
  ),
  ...Array.from({ length: 3 }, () => command('prompt', isHere, prompt)),
  ...Array.from({ length: 3 }, () => command('turns', isHere, turns)),
  ...Array.from({ length: 2 }, () => command('batch', isHere, batch)),
  command('stop', isHere, async (_, real, slot) => {
    expect((await real.sessions[slot]!.stop()).stdout).toBe('');
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
  command('kill', isHere, async (model, real, slot) => {
    leave(model, slot);
    await real.sessions[slot]!.client.kill();
  }),
  command('promote', isHere, rejoin(promote, 'eligible')),
  command('yield', isHere, rejoin(yieldMastership, 'declined')),
];

const ways: readonly [way: string, shell: readonly string[] | null, why: string][] = [
  ['by Node', null, ''],
  ...shells.map(({ name, shell, isHere }): [string, readonly string[] | null, string] => [
    `through the gate in ${name}`,
    isHere ? shell : null,
    isHere ? '' : `skipped: needs ${name}`,
  ]),
];

describe.each(ways)('%s', (_, shell, why) => {
  if (why) {
    test.skip(why, () => {});
    return;
  }
  test(`everybody is told what the rules say (seed ${seed}, ${runs} runs)`, {
    timeout: 600_000,
  }, async () => {
    const clients = seasonedClients(12);
    onTestFinished(() => clients.end());
    await fc.assert(
      fc.asyncProperty(fc.commands(commands, { maxCommands: 25, size: 'max' }), async (history) => {
        const real: Real = { place: world(), shell, clients, sessions: [], byGate: 0, starts: 0 };
        try {
          const model: Model = { players: Array(slots).fill(null), top: 0, changes: 0 };
          await begin(model, real, 0, 'startup');
          await turns(model, real, 0);
          await fc.asyncModelRun(() => ({ model, real }), history);
          await rest(model, real);
          if (shell) expect(real.byGate).toBeGreaterThanOrEqual(turnsByGate + restByGate);
        } finally {
          for (const session of real.sessions) await session?.client.kill();
        }
      }),
      { seed, numRuns: runs, endOnFailure: runs < 20 },
    );
  });
});
