import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { judge, type Lease, type Observer } from '../../src/core/liveness.ts';
import type { Domain, SeenPresence } from '../../src/core/member.ts';
import { birth, here, presence } from '../support/records.ts';

const hour = 3_600_000;
const now = Date.parse('2026-11-22T12:00:00.000Z');
const bootedAt = now - 5 * hour;

const observer = (more: Partial<Observer> = {}): Observer => ({
  domain: here,
  now,
  // While nothing sleeps both clocks go at the same pace.
  monotonic: more.now ?? now,
  bootedAt: () => bootedAt,
  leaseMs: 8 * hour,
  startOf: () => '1000',
  lives: () => true,
  ...more,
});
const seen = (beat: string, seenAt: number): SeenPresence => ({ presence: presence(), beat, seenAt });
const of = (domain: Partial<Domain>, start = '1000'): ReturnType<typeof birth> =>
  birth('m', { process: { pid: 4711, start, domain: { ...here, ...domain } } });

describe('in the same domain the process table decides', () => {
  test.each<[string, string | null, string, string]>([
    ['the pid with the same start time', '1000', '1000', 'alive'],
    ['no such pid, or a zombie', null, '1000', 'dead'],
    ['the pid was reused: another start time', '2000', '1000', 'dead'],
    ['the system tells no start times now', '', '1000', 'alive'],
    ['the record has no start time, and the system tells them', '2000', '', 'dead'],
    ['the record has no start time, nor does the system tell any', '', '', 'alive'],
    ['no start time and no such pid', null, '', 'dead'],
  ])('%s', (_what, found, start, expected) => {
    const verdict = judge(of({}, start), seen('1', now), undefined, observer({ startOf: () => found }));
    expect(verdict).toEqual({ liveness: expected, lease: null });
  });

  test('asks for exactly the pid of the record', () => {
    const asked: number[] = [];
    judge(
      of({}),
      null,
      undefined,
      observer({
        startOf: (pid) => {
          asked.push(pid);
          return '1000';
        },
      }),
    );
    expect(asked).toEqual([4711]);
  });

  test('a suspended machine kills nobody: not beats, not leases, not clocks count', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: -1000, max: 100_000 }),
        fc.option(fc.integer({ min: 0, max: now })),
        (hours, seenAt) => {
          const later = observer({ now: now + hours * hour });
          const lease: Lease = { beat: '1', since: 0 };
          expect(judge(of({}), seenAt === null ? null : seen('1', seenAt), lease, later).liveness).toBe(
            'alive',
          );
        },
      ),
    );
  });
});

describe('another boot of the same machine', () => {
  const before = of({ boot: 'boot-0' });

  test('a record last renewed before this boot is dead', () => {
    expect(judge(before, seen('1', bootedAt - 1), undefined, observer()).liveness).toBe('dead');
  });

  test('without a presence its time of joining counts', () => {
    const old = { ...before, joinedAt: new Date(bootedAt - hour).toISOString() };
    const young = { ...before, joinedAt: new Date(bootedAt + hour).toISOString() };
    expect(judge(old, null, undefined, observer()).liveness).toBe('dead');
    expect(judge(young, null, undefined, observer()).liveness).toBe('unknown');
  });

  test('a record renewed after this boot lives elsewhere under the same identity: the lease decides', () => {
    const verdict = judge(before, seen('1', bootedAt + 1), undefined, observer());
    expect(verdict).toEqual({ liveness: 'unknown', lease: { beat: '1', since: now } });
  });

  test('its pid is never looked up', () => {
    const never = (): never => {
      throw new Error('a pid of another boot means nothing');
    };
    expect(judge(before, seen('1', bootedAt - 1), undefined, observer({ startOf: never })).liveness).toBe(
      'dead',
    );
  });
});

describe.each<[string, Partial<Domain>]>([
  ['another pid namespace', { namespace: 'ns-2' }],
  ['another machine', { host: 'host-b', boot: 'boot-9', namespace: 'ns-9' }],
])('%s: a lease by the clock of the observer', (_what, domain) => {
  const other = of(domain);

  test('first seen: unknown, and the lease begins now, while the beat is younger than the lease', () => {
    for (const seenAt of [now, now - 8 * hour, now + 1000 * hour]) {
      const verdict = judge(other, seen('7', seenAt), undefined, observer());
      expect(verdict).toEqual({ liveness: 'unknown', lease: { beat: '7', since: now } });
    }
  });

  test('first seen with an older beat: dead at once and from then on, until it beats again', () => {
    const first = judge(other, seen('7', now - 8 * hour - 1), undefined, observer());
    expect(first.liveness).toBe('dead');
    const second = judge(other, seen('7', now - 8 * hour - 1), first.lease!, observer());
    expect(second).toEqual(first);
    expect(judge(other, seen('8', 0), first.lease!, observer()).liveness).toBe('unknown');
  });

  test('first seen: nobody is old for want of news', () => {
    const read = now - 20 * hour;
    const told = (seenAt: number) => ({ ...seen('7', seenAt), asOf: read });
    expect(judge(other, told(read - hour), undefined, observer()).liveness).toBe('unknown');
    expect(judge(other, told(read - 9 * hour), undefined, observer()).liveness).toBe('dead');
  });

  test('first seen without a presence: since it joined', () => {
    const joined = (at: number) => ({ ...other, joinedAt: new Date(at).toISOString() });
    expect(judge(joined(now - hour), null, undefined, observer()).liveness).toBe('unknown');
    expect(judge(joined(now - 9 * hour), null, undefined, observer()).liveness).toBe('dead');
  });

  test('unchanged for less than the lease: unknown, and the lease goes on', () => {
    const lease = { beat: '7', since: now - 8 * hour };
    expect(judge(other, seen('7', 0), lease, observer())).toEqual({ liveness: 'unknown', lease });
  });

  test('unchanged for longer: dead, and the lease is kept so that it may come back', () => {
    const lease = { beat: '7', since: now - 8 * hour - 1 };
    expect(judge(other, seen('7', 0), lease, observer())).toEqual({ liveness: 'dead', lease });
  });

  test('the beat moved: it stays, whatever the beat is and whatever its clock says', () => {
    fc.assert(
      fc.property(fc.string(), fc.integer(), fc.integer({ min: 0, max: now }), (beat, seenAt, since) => {
        fc.pre(beat !== '7');
        const verdict = judge(other, seen(beat, seenAt), { beat: '7', since }, observer());
        expect(verdict).toEqual({ liveness: 'unknown', lease: { beat, since: now } });
      }),
    );
  });

  test('declared dead and then renewed: it is back', () => {
    const gone = judge(other, seen('7', 0), { beat: '7', since: 0 }, observer());
    expect(gone.liveness).toBe('dead');
    expect(judge(other, seen('8', 0), gone.lease!, observer()).liveness).toBe('unknown');
  });

  test('without a presence the lease still ends', () => {
    const young = { ...other, joinedAt: new Date(now).toISOString() };
    const first = judge(young, null, undefined, observer());
    expect(first.liveness).toBe('unknown');
    expect(judge(young, null, first.lease!, observer({ now: now + 9 * hour })).liveness).toBe('dead');
  });

  test('a clock that was set back kills nobody', () => {
    const lease = { beat: '7', since: now + 100 * hour };
    expect(judge(other, seen('7', 0), lease, observer()).liveness).toBe('unknown');
  });

  test('its pid is never looked up here', () => {
    const never = (): never => {
      throw new Error('a pid of another domain means nothing');
    };
    expect(judge(other, seen('7', now), undefined, observer({ startOf: never })).liveness).toBe('unknown');
  });

  test('a sleep of the machine is no time: the clock on the wall went on, the monotonic one did not', () => {
    const lease = { beat: '7', since: now - hour };
    const awake = observer({ now: now + 100 * hour, monotonic: now });
    expect(judge(other, seen('7', 0), lease, awake).liveness).toBe('unknown');
  });
});
