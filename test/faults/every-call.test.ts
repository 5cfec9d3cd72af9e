/**
 * Each system call that a hook makes on a file fails once, and once is the last thing the hook ever does.
 *
 * Sampled unless FLOWLOOM_FAULTS=all; FLOWLOOM_SEED repeats a sample.
 */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hooksFolder } from '../support/built.ts';
import { type Disturbance, HookLane, type HookOperation, hookOperations } from './support/hook-lane.ts';
import { chance, sample, seed } from './support/seed.ts';
import { type Call, callsIn, errorsOf, likeness, straceMissing, stracing } from './support/strace.ts';
import { Tally } from './support/tally.ts';

const all = process.env.FLOWLOOM_FAULTS === 'all';
/** Of each operation; those that change something are worth more. */
const most = { changes: 30, reads: 12 };
const missing = straceMissing();

interface Fault {
  readonly call: Call;
  /** `KILL` or the name of an error. */
  readonly what: string;
}

/** What hooks ask of the system about processes and this machine. */
const system = /^\/proc\/(?:\d+\/stat|sys\/kernel\/|self\/ns\/)|^\/etc\/machine-id|^\/proc\/\d+\/ns\//;

/** A call on a file of the build, of a world, or of the system, if a hook makes it. */
const ours = (call: Call): boolean =>
  call.paths.some((path) => /\/flowloom-(?:lane|built)-/.test(path) || system.test(path));

/** From the first call on the hook's body: what comes before is Node's. */
function ownCalls(calls: readonly Call[]): Call[] {
  const first = calls.findIndex(({ paths }) => paths[0]?.startsWith(join(hooksFolder, 'body')));
  return calls.slice(Math.max(0, first)).filter(ours);
}

const injection = ({ call, what }: Fault): string =>
  `${call.name}:${what === 'KILL' ? 'signal=KILL' : `error=${what}`}:when=${call.nth}`;

const disturbance = ({ call, what }: Fault): Disturbance => ({
  kills: what === 'KILL',
  leavesTemporary: call.name.startsWith('unlink'),
});

/** The calls of one undisturbed run, and every fault in one of ours. */
interface Plan {
  readonly calls: readonly Call[];
  readonly faults: readonly Fault[];
}

async function plan(lane: HookLane, operation: HookOperation): Promise<Plan> {
  lane.restore(operation);
  const { log } = lane;
  const fired = await lane.run(operation, { through: stracing(log) });
  expect([fired.code, fired.stderr]).toEqual([0, '']);
  const calls = callsIn(log);
  const own = ownCalls(calls);
  expect(own.filter(({ changes }) => changes).length).toBeGreaterThan(3);
  return {
    calls,
    faults: own.flatMap((call) => ['KILL', ...errorsOf(call)].map((what) => ({ call, what }))),
  };
}

/** By how many calls of a name another run, cut short or not, is ahead of this one: Node does not start the same every time. */
function ahead(plan: Plan, name: string, calls: readonly Call[]): number {
  const last = calls.findLast((call) => call.name === name && ours(call));
  if (!last) return 0;
  const alike = (among: readonly Call[]): Call[] => among.filter((one) => likeness(one) === likeness(last));
  const twin = alike(plan.calls)[alike(calls).length - 1];
  return twin ? last.nth - twin.nth : 0;
}

/** Runs the operation with the fault, and says what it broke; null when the call was not made again. */
async function tryFault(
  lane: HookLane,
  operation: HookOperation,
  plan: Plan,
  planned: Fault,
  doctor: boolean,
): Promise<{ broken: string[]; at: string } | null> {
  let fault = planned;
  for (let attempt = 0; attempt < 4; attempt++) {
    lane.restore(operation);
    const fired = await lane
      .run(operation, { through: stracing(lane.log, injection(fault)) })
      .catch((cause: Error) => cause);
    const calls = callsIn(lane.log);
    const killed = !(fired instanceof Error) && fired.signal === 'SIGKILL';
    const hit =
      fault.what === 'KILL' ? (killed ? calls.at(-1) : undefined) : calls.find(({ injected }) => injected);
    if (!hit || likeness(hit) !== likeness(fault.call)) {
      const nth = planned.call.nth + ahead(plan, planned.call.name, calls);
      fault = { ...planned, call: { ...planned.call, nth } };
      continue;
    }
    const broken = await lane.violations(operation, fired, disturbance(fault), { doctor });
    for (const call of calls.filter(({ changes, injected }) => changes && !injected))
      for (const path of call.paths)
        if (!lane.mayWrite(path) && !path.startsWith('/dev/')) broken.push(`it wrote to ${path}`);
    return { broken, at: `${fault.what} at ${hit.name} ${hit.nth} ${lane.short(hit.paths[0] ?? '')}` };
  }
  return null;
}

describe.skipIf(missing)(`each file-system call of a hook (seed ${seed})`, () => {
  const tally = new Tally('system calls of hooks');
  const lanes = [new HookLane(afterAll), new HookLane(afterAll)];
  let missed = 0;
  beforeAll(() => Promise.all(lanes.map((lane) => lane.prepare())));

  test.each(hookOperations)(
    '%s',
    async (operation) => {
      const random = chance(seed + hookOperations.indexOf(operation));
      const broken: string[] = [];
      await Promise.all(
        lanes.map(async (lane, index) => {
          const found = await plan(lane, operation);
          // The calls of both are the same but for their paths; each takes its half.
          const half = found.faults.filter((_, nth) => nth % lanes.length === index);
          const [changes, reads] = [true, false].map((which) =>
            half.filter(({ call }) => call.changes === which),
          );
          const some = [
            ...sample(changes!, most.changes / lanes.length, random),
            ...sample(reads!, most.reads / lanes.length, random),
          ];
          for (const [nth, fault] of (all ? half : some).entries()) {
            const tried = await tryFault(lane, operation, found, fault, nth % 7 === 0);
            if (!tried) {
              missed++;
              if (process.env.FLOWLOOM_VERBOSE) console.log('MISSED', fault.what, fault.call.text);
            } else tally.count(operation, fault.what, tried.broken.length > 0);
            for (const what of tried?.broken ?? []) {
              if (process.env.FLOWLOOM_VERBOSE) console.log(`${operation}, ${tried!.at}: ${what}`);
              broken.push(`${operation}, ${tried!.at}: ${what}`);
            }
          }
        }),
      );
      expect(tally.rows.some((row) => row.operation === operation)).toBe(true);
      expect(broken).toEqual([]);
    },
    7_200_000,
  );

  test('nearly every planned fault came to pass', () => expect(missed).toBeLessThan(tally.tried / 10));

  afterAll(() => tally.report(`, ${missed} not met again, seed ${seed}`));
});

test.runIf(missing)('each file-system call of a hook', (context) =>
  context.skip(`skipped: needs ${missing}`),
);
