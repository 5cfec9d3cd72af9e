/**
 * A campaign against an operation: it is watched once, and then each call that it made on a file fails once with each error that the
 * call can give, and once is the last thing the process does.
 *
 * A sample of that unless FLOWLOOM_FAULTS=all; with a number there, a sample so many times as large. FLOWLOOM_SEED repeats a sample.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { chance, sample, seed } from '../../support/seed.ts';
import { type Call, errorsOf, type Fault, isByChance, likeness } from './call.ts';
import { Tally } from './tally.ts';

/** How a process ended. */
export interface Ended {
  readonly code: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** What is put around a process to watch it, or to let it fail. */
export interface Around {
  readonly through?: readonly string[];
  readonly env?: Record<string, string>;
}

/** Watches calls and lets them fail. */
export interface Injector {
  /** What fails once fails to the end. */
  readonly lasting?: boolean;
  observed(log: string): Around;
  faulted(log: string, fault: Fault): Around;
  calls(log: string): Call[];
}

/** How an operation was disturbed. */
export interface Disturbance {
  readonly kills: boolean;
  /** What was to be removed could not be. */
  readonly leavesTemporary: boolean;
}

/** Where operations are disturbed one after the other, each time from the same state. */
export interface Lane<Operation extends string, End extends Ended = Ended> {
  /** Where calls are written down. */
  readonly log: string;
  prepare(): Promise<void>;
  restore(operation: Operation): void;
  run(operation: Operation, around: Around): Promise<End>;
  /** Throws when an undisturbed run was not what it should be. */
  expect?(operation: Operation, calls: readonly Call[]): void;
  /** From the first of its own calls on; what comes before is Node's. */
  ownCalls(calls: readonly Call[]): readonly Call[];
  /** What is broken afterwards; empty when every promise was kept. */
  violations(operation: Operation, ended: End | Error, how: Disturbance): Promise<string[]>;
  /** A path that this operation may write to. */
  mayWrite(path: string): boolean;
  /** A path for people. */
  short(path: string): string;
}

interface Plan {
  readonly calls: readonly Call[];
  readonly faults: readonly Fault[];
}

export interface Campaign<Operation extends string, End extends Ended> {
  readonly name: string;
  readonly operations: readonly Operation[];
  readonly injector: Injector;
  readonly lanes: () => readonly Lane<Operation, End>[];
  /** How many faults of each operation a sample has: at calls that change something, and at the others. */
  readonly sample: { readonly changes: number; readonly reads: number };
  /** Nothing in the program tells one error of this look from another. */
  readonly looksAlike?: (call: Call) => boolean;
  /** Why it cannot be tried here. */
  readonly missing: string | null;
}

const all = process.env.FLOWLOOM_FAULTS === 'all';
const times = all ? 1 : Number(process.env.FLOWLOOM_FAULTS || 1);

async function plan<O extends string, E extends Ended>(
  lane: Lane<O, E>,
  operation: O,
  { injector, looksAlike = () => false }: Campaign<O, E>,
): Promise<Plan> {
  let calls: readonly Call[];
  do {
    lane.restore(operation);
    const ended = await lane.run(operation, injector.observed(lane.log));
    expect([ended.code, ended.stderr]).toEqual([0, '']);
    calls = injector.calls(lane.log);
  } while (calls.some(isByChance));
  const own = lane.ownCalls(calls);
  expect(own.filter(({ changes }) => changes).length).toBeGreaterThan(1);
  lane.expect?.(operation, calls);
  // A kill before a call that only looks leaves what a kill at the next change leaves.
  const faults = own.flatMap((call, nth) =>
    [...(call.changes ? ['KILL'] : []), ...errorsOf(call, { alike: looksAlike(call), turn: seed + nth })].map(
      (what) => ({ call, what }),
    ),
  );
  return { calls, faults };
}

/** By how many calls of a name another run, cut short or not, is ahead of this one: Node does not start the same every time. */
function ahead(before: readonly Call[], own: readonly Call[], name: string): number {
  const last = own.findLast((call) => call.name === name);
  if (!last) return 0;
  const alike = (among: readonly Call[]): Call[] => among.filter((one) => likeness(one) === likeness(last));
  const twin = alike(before)[alike(own).length - 1];
  return twin ? last.nth - twin.nth : 0;
}

/** For people. */
const nameOf = (lane: Pick<Lane<string>, 'short'>, { what, call: { name, nth, paths } }: Fault): string =>
  `${what} at ${name} ${nth} ${lane.short(paths[0] ?? '')}`;

/** Runs the operation with the fault, and says what it broke; null when the call was not made again. */
async function tryFault<O extends string, E extends Ended>(
  lane: Lane<O, E>,
  operation: O,
  injector: Injector,
  { calls: before }: Plan,
  planned: Fault,
): Promise<{ broken: string[]; at: string } | null> {
  const own = lane.ownCalls(before);
  let fault = planned;
  for (let attempt = 0; attempt < 8; attempt++) {
    lane.restore(operation);
    const ended = await lane
      .run(operation, injector.faulted(lane.log, fault))
      .catch((cause: unknown) => cause as Error);
    const calls = injector.calls(lane.log);
    const killed = !(ended instanceof Error) && ended.signal === 'SIGKILL';
    const hit =
      fault.what === 'KILL' ? (killed ? calls.at(-1) : undefined) : calls.find(({ injected }) => injected);
    if (!hit || likeness(hit) !== likeness(planned.call)) {
      // What came after the fault is another story.
      const alike = lane.ownCalls(hit ? calls.slice(0, calls.indexOf(hit) + 1) : calls);
      const nth = planned.call.nth + ahead(own, alike, planned.call.name);
      fault = { ...planned, call: { ...planned.call, nth } };
      continue;
    }
    const how: Disturbance = {
      kills: fault.what === 'KILL',
      leavesTemporary: Boolean(injector.lasting) || /^(?:unlink|rm)/.test(hit.name),
    };
    const broken = await lane.violations(operation, ended, how);
    for (const call of calls.filter(({ changes, failed }) => changes && !failed))
      for (const path of call.paths)
        if (path !== '' && !lane.mayWrite(path) && !path.startsWith('/dev/'))
          broken.push(`it wrote to ${path}`);
    return { broken, at: nameOf(lane, { what: fault.what, call: hit }) };
  }
  return null;
}

/** The tests of a campaign: one for each operation. */
export function campaign<O extends string, E extends Ended>(what: Campaign<O, E>): void {
  const { name, operations, injector, missing } = what;
  if (missing) {
    test(name, (context) => context.skip(`skipped: needs ${missing}`));
    return;
  }

  describe(`${name} (seed ${seed})`, () => {
    const tally = new Tally(name);
    const lanes = what.lanes();
    const missed: string[] = [];
    beforeAll(() => Promise.all(lanes.map((lane) => lane.prepare())), 120_000);
    afterAll(() =>
      tally.report(
        `, ${missed.length} not met again, seed ${seed}${missed.map((one) => `\n  ${one}`).join('')}`,
      ),
    );

    test.each(operations)(
      '%s',
      async (operation) => {
        const random = chance(seed + operations.indexOf(operation));
        const broken: string[] = [];
        const attack = async (lane: Lane<O, E>, index: number): Promise<void> => {
          const found = await plan(lane, operation, what);
          // The calls of all lanes are the same but for their paths; each takes its part.
          const part = found.faults.filter((_, nth) => nth % lanes.length === index);
          const some = [true, false].flatMap((changes) =>
            sample(
              part.filter(({ call }) => call.changes === changes),
              ((changes ? what.sample.changes : what.sample.reads) * times) / lanes.length,
              random,
            ),
          );
          for (const fault of all ? part : some) {
            const tried = await tryFault(lane, operation, injector, found, fault);
            if (!tried) missed.push(`${operation}, ${nameOf(lane, fault)}`);
            else tally.count(operation, fault.what, tried.broken.length > 0);
            for (const one of tried?.broken ?? []) broken.push(`${operation}, ${tried!.at}: ${one}`);
          }
        };
        await Promise.all(lanes.map(attack));
        expect(tally.rows.some((row) => row.operation === operation)).toBe(true);
        expect(broken).toEqual([]);
      },
      7_200_000,
    );

    test('nearly every planned fault came to pass', () =>
      expect(missed.length).toBeLessThan(1 + tally.tried / 50));
  });
}
