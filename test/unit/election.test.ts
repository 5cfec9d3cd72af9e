import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { elect, isGone, latestJoins, roleOf, rosterOf } from '../../src/core/election.ts';
import { asBirth, type Birth, type Candidacy, type Liveness, type Member } from '../../src/core/member.ts';
import { here, member } from '../support/records.ts';

/** Any set of joins: several per process, distinct numbers, gone or not. A join's fate is its process's. */
const anyJoins: fc.Arbitrary<Member[]> = fc
  .tuple(
    fc.uniqueArray(fc.integer({ min: 1, max: 10_000 }), { minLength: 0, maxLength: 24 }),
    fc.array(
      fc.record({
        process: fc.integer({ min: 0, max: 7 }),
        candidacy: fc.constantFrom<Candidacy[]>('eligible', 'fallback', 'declined'),
      }),
      { minLength: 24, maxLength: 24 },
    ),
    fc.array(
      fc.record({
        liveness: fc.constantFrom<Liveness[]>('alive', 'dead', 'unknown'),
        left: fc.option(fc.integer({ min: 1, max: 10_000 })),
      }),
      { minLength: 8, maxLength: 8 },
    ),
  )
  .map(([seqs, attributes, fates]) =>
    seqs.map((seq, index) => {
      const { process, candidacy } = attributes[index]!;
      const { liveness, left } = fates[process]!;
      return member(seq, `p${process}`, {
        candidacy,
        liveness,
        left: left === null ? null : { seq: left, at: '2026-11-22T09:00:00.000Z', reason: 'other' },
      });
    }),
  );

/** The rule in the words of the protocol, without the cleverness of the code. */
function masterByTheRule(joins: readonly Member[]): number | null {
  const latest = joins.filter(
    (join) => !joins.some((other) => other.birth.id === join.birth.id && other.seq > join.seq),
  );
  const live = latest.filter(
    (join) => join.liveness !== 'dead' && !(join.presence?.left && join.presence.left.seq >= join.seq),
  );
  const eligible = live.filter(({ birth }) => birth.candidacy === 'eligible');
  const pool = eligible.length ? eligible : live.filter(({ birth }) => birth.candidacy === 'fallback');
  return pool.length ? Math.max(...pool.map(({ seq }) => seq)) : null;
}

describe('the election, for any joins', () => {
  test('names the live eligible member with the highest number, a fallback only when no eligible one lives', () => {
    fc.assert(
      fc.property(anyJoins, (joins) => {
        const roster = rosterOf(joins);
        expect(roster.master?.seq ?? null).toBe(masterByTheRule(joins));
        expect(roster.epoch).toBe(masterByTheRule(joins) ?? 0);
      }),
      { numRuns: 500 },
    );
  });

  test('names the same master whatever the order and however often a join is seen', () => {
    fc.assert(
      fc.property(
        anyJoins.chain((joins) =>
          fc.tuple(
            fc.constant(joins),
            fc.shuffledSubarray(joins, { minLength: joins.length }),
            fc.subarray(joins),
          ),
        ),
        ([joins, shuffled, again]) => {
          const roster = rosterOf(joins);
          const other = rosterOf([...again, ...shuffled, ...again]);
          expect(other.members.map(({ seq }) => seq)).toEqual(roster.members.map(({ seq }) => seq));
          expect(other.master?.seq).toBe(roster.master?.seq);
        },
      ),
      { numRuns: 300 },
    );
  });

  test('every permutation of a small roster agrees', () => {
    const joins = [
      member(3, 'a'),
      member(5, 'b', { candidacy: 'declined' }),
      member(4, 'c', { candidacy: 'fallback' }),
      member(6, 'd', { liveness: 'dead' }),
      member(7, 'a', { candidacy: 'declined' }),
    ];
    const permutations = (rest: Member[]): Member[][] =>
      rest.length
        ? rest.flatMap((first) =>
            permutations(rest.filter((join) => join !== first)).map((more) => [first, ...more]),
          )
        : [[]];
    expect(new Set(permutations(joins).map((order) => rosterOf(order).master?.seq))).toEqual(new Set([4]));
  });

  test('lists each live member once, highest number first, and nobody who is gone', () => {
    fc.assert(
      fc.property(anyJoins, (joins) => {
        const { members } = rosterOf(joins);
        expect(members.some(isGone)).toBe(false);
        expect(new Set(members.map(({ birth }) => birth.id)).size).toBe(members.length);
        expect(members.map(({ seq }) => seq)).toEqual(members.map(({ seq }) => seq).sort((a, b) => b - a));
      }),
    );
  });

  test('exactly the master has the role master', () => {
    fc.assert(
      fc.property(anyJoins, (joins) => {
        const roster = rosterOf(joins);
        const masters = roster.members.filter(({ birth }) => roleOf(roster, birth.id) === 'master');
        expect(masters).toEqual(roster.master ? [roster.master] : []);
      }),
    );
  });

  test('a newcomer that is eligible and alive always becomes master', () => {
    fc.assert(
      fc.property(anyJoins, (joins) => {
        const newcomer = member(20_000, 'newcomer');
        expect(rosterOf([...joins, newcomer]).master).toBe(newcomer);
      }),
    );
  });

  test('somebody who is gone never changes who is master', () => {
    fc.assert(
      fc.property(anyJoins, (joins) => {
        const before = rosterOf(joins).master?.seq;
        expect(rosterOf([...joins, member(20_000, 'ghost', { liveness: 'dead' })]).master?.seq).toBe(before);
      }),
    );
  });
});

describe('the election, case by case', () => {
  const left = (seq: number): { left: { seq: number; at: string; reason: string } } => ({
    left: { seq, at: '2026-11-22T09:00:00.000Z', reason: 'prompt_input_exit' },
  });
  test.each<[string, Member[], number | null]>([
    ['nobody', [], null],
    ['one', [member(1, 'a')], 1],
    ['the last of three', [member(1, 'a'), member(2, 'b'), member(3, 'c')], 3],
    ['not a dead one', [member(1, 'a'), member(2, 'b', { liveness: 'dead' })], 1],
    ['an unknown one counts as live', [member(1, 'a'), member(2, 'b', { liveness: 'unknown' })], 2],
    ['not one that left', [member(1, 'a'), member(2, 'b', left(2))], 1],
    ['one that left an earlier join and joined again', [member(1, 'a'), member(3, 'b', left(2))], 3],
    ['not one that left with a later number', [member(1, 'a'), member(2, 'b', left(9))], 1],
    [
      'an eligible one before a later fallback',
      [member(1, 'a'), member(2, 'b', { candidacy: 'fallback' })],
      1,
    ],
    ['a fallback when alone', [member(2, 'b', { candidacy: 'fallback' })], 2],
    [
      'the later of two fallbacks when the eligible one died',
      [
        member(1, 'a', { liveness: 'dead' }),
        member(2, 'b', { candidacy: 'fallback' }),
        member(3, 'c', { candidacy: 'fallback' }),
      ],
      3,
    ],
    ['never one that declined, not even alone', [member(1, 'a', { candidacy: 'declined' })], null],
    ['promoted: a later join of the same process', [member(1, 'a'), member(2, 'b'), member(3, 'a')], 3],
    [
      'promoted from fallback',
      [member(1, 'a'), member(2, 'b', { candidacy: 'fallback' }), member(3, 'b')],
      3,
    ],
    [
      'stood back: a later join that declines',
      [member(1, 'a'), member(2, 'b'), member(3, 'b', { candidacy: 'declined' })],
      1,
    ],
    [
      'stood back and promoted again',
      [member(1, 'a'), member(2, 'b'), member(3, 'b', { candidacy: 'declined' }), member(4, 'b')],
      4,
    ],
    ['stood back alone: nobody', [member(1, 'a'), member(2, 'a', { candidacy: 'declined' })], null],
  ])('master is %s', (_what, joins, expected) => {
    expect(rosterOf(joins).master?.seq ?? null).toBe(expected);
    expect(elect(latestJoins(joins))?.seq ?? null).toBe(expected);
  });

  test('latestJoins keeps one join per process, the latest, highest number first', () => {
    const joins = [member(1, 'a'), member(4, 'a'), member(3, 'b'), member(2, 'a')];
    expect(latestJoins(joins).map(({ seq, birth }) => [seq, birth.id])).toEqual([
      [4, 'a'],
      [3, 'b'],
    ]);
  });
});

describe('a conversation that moved to another process', () => {
  const moved = (seq: number, id: string, more: Partial<Birth>, liveness: Liveness = 'alive'): Member => {
    const plain = member(seq, id, { liveness });
    return { ...plain, birth: { ...plain.birth, ...more } };
  };
  const names = (joins: readonly Member[]): string[] => rosterOf(joins).members.map(({ birth }) => birth.id);

  test('takes the place of the one it left, which is in no roster', () => {
    const fork = moved(5, 'fork', { parks: 'shell', place: 2 });
    const joins = [member(2, 'shell'), member(3, 'other'), fork];
    expect(names(joins)).toEqual(['fork', 'other']);
    expect(rosterOf(joins).master?.birth.id).toBe('other');
    expect(rosterOf([member(2, 'shell'), fork]).master?.birth.id).toBe('fork');
  });

  test('parks nobody once it is gone, or the other one joined again', () => {
    const gone = moved(5, 'fork', { parks: 'shell', place: 2 }, 'dead');
    expect(names([member(2, 'shell'), gone])).toEqual(['shell']);
    const fork = moved(5, 'fork', { parks: 'shell', place: 2 });
    expect(names([member(2, 'shell'), fork, member(6, 'shell')])).toEqual(['shell', 'fork']);
  });

  test('a record of another domain parks nobody, and none ranks above its own number', () => {
    const elsewhere = { pid: 4711, start: '1000', domain: { ...here, namespace: 'ns-2' } };
    const foreign = moved(5, 'foreign', { parks: 'shell', place: 1, process: elsewhere });
    expect(names([member(2, 'shell'), foreign])).toEqual(['foreign', 'shell']);
    const boastful = moved(5, 'boastful', { place: 9_000 });
    expect(rosterOf([boastful, member(6, 'last')]).master?.birth.id).toBe('last');
    expect(asBirth({ ...boastful.birth, place: 'first' })).toBeNull();
    expect(asBirth({ ...boastful.birth, parks: 7 })).toBeNull();
    expect(asBirth(boastful.birth)).not.toBeNull();
  });

  test('all observers agree, whatever the order they see the joins in', () => {
    fc.assert(
      fc.property(anyJoins, fc.array(fc.tuple(fc.nat(23), fc.nat(7), fc.nat(10_000))), (joins, moves) => {
        const all = joins.map((join, index) => {
          const move = moves.find(([of]) => of === index);
          return move
            ? { ...join, birth: { ...join.birth, parks: `p${move[1]}`, place: Math.max(1, move[2]) } }
            : join;
        });
        const roster = rosterOf(all);
        const other = rosterOf(all.toReversed());
        expect(other.members.map(({ seq }) => seq)).toEqual(roster.members.map(({ seq }) => seq));
        expect(other.master?.seq).toBe(roster.master?.seq);
      }),
    );
  });
});
