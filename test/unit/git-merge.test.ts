/** The three-way merge of a sync, with clones and a remote that are nothing but maps. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { latestJoins } from '../../src/core/election.ts';
import type { Birth } from '../../src/core/member.ts';
import { type Entry, type Merger, planMerge, planPush } from '../../src/stores/git/merge.ts';
import { memberRefs, seqName, seqOf, seqRefs } from '../../src/stores/git/names.ts';
import type { RecordCommit } from '../../src/stores/git/record.ts';
import { birth, here, presence } from '../support/records.ts';

type Refs = Map<string, Entry>;
let objects = 0;
const entry = (record: RecordCommit): Entry => ({
  oid: `o${objects++}`,
  record,
  renewedAt: record.at * 1000,
});

class Clone {
  readonly local: Refs = new Map();
  base: Refs = new Map();
  readonly merger: Merger;
  readonly name: string;
  constructor(name: string, gone: Set<number>) {
    this.name = name;
    this.merger = {
      clone: name,
      domain: { ...here, host: name },
      share: 'facts',
      startOf: (pid) => (gone.has(pid) ? null : '1000'),
    };
  }
  numbers = (): number[] =>
    [...this.local.keys()]
      .filter((ref) => ref.startsWith(seqRefs))
      .map((ref) => seqOf(ref.slice(seqRefs.length))!);
  keep(born: Birth, seq: number): void {
    this.local.set(
      seqRefs + seqName(seq),
      entry({ subject: '', text: JSON.stringify(born), clone: this.name, at: 1 }),
    );
  }
  join(id: string, pid: number, more: Partial<Birth> = {}): void {
    const process = { pid, start: '1000', domain: this.merger.domain };
    this.keep(birth(id, { process, ...more }), Math.max(0, ...this.numbers()) + 1);
    const text = JSON.stringify(presence({ name: id }));
    this.local.set(memberRefs + id, entry({ subject: '', text, clone: this.name, at: 1 }));
  }
  /** One round with the remote; nobody comes between. */
  sync(remote: Refs): number {
    const theirs = new Map(remote);
    for (const step of planMerge(this.local, this.base, theirs, this.merger)) {
      if (step.kind === 'give-way' && step.again)
        this.keep(step.birth, Math.max(0, ...this.numbers(), ...seqs(theirs)) + 1);
      if (step.oid === null) this.local.delete(step.ref);
      else this.local.set(step.ref, theirs.get(step.ref)!);
    }
    const wanted = planPush(this.local, this.base, theirs, this.merger);
    for (const { ref, content, expected } of wanted) {
      expect(remote.get(ref)?.oid ?? null, 'a change of what is not there').toBe(expected);
      if (content === null) remote.delete(ref);
      else if ('oid' in content) remote.set(ref, this.local.get(ref)!);
      else remote.set(ref, entry(content));
    }
    this.base = new Map(remote);
    expect(Math.max(0, ...seqs(remote)), 'the remote goes on above all that was known').toBe(
      Math.max(0, ...this.numbers()),
    );
    return wanted.length;
  }
  joins(): { seq: number; birth: Birth }[] {
    return [...this.local].flatMap(([ref, { record }]) =>
      ref.startsWith(seqRefs)
        ? [{ seq: seqOf(ref.slice(seqRefs.length))!, birth: JSON.parse(record!.text) as Birth }]
        : [],
    );
  }
}
const seqs = (refs: Refs): number[] =>
  [...refs.keys()].filter((ref) => ref.startsWith(seqRefs)).map((ref) => seqOf(ref.slice(seqRefs.length))!);

type Act = { kind: 'join' | 'yield' | 'die' | 'sync' | 'reset'; who: number };
const act: fc.Arbitrary<Act> = fc.record({
  kind: fc.constantFrom('join', 'join', 'join', 'sync', 'sync', 'yield', 'die', 'reset'),
  who: fc.integer({ min: 0, max: 2 }),
});

describe('whatever three clones do, and whatever the remote loses', () => {
  test('they end with one order of the living, one master, and the order in which each of them had joined', () => {
    fc.assert(
      fc.property(fc.array(act, { maxLength: 30 }), (acts) => {
        const gone = new Set<number>();
        const clones = ['a', 'b', 'c'].map((name) => new Clone(name, gone));
        const remote: Refs = new Map();
        const order = new Map<string, string[]>(clones.map(({ name }) => [name, []]));
        let pid = 1;
        let lost = false;
        for (const { kind, who } of acts) {
          const clone = clones[who]!;
          const mine = order.get(clone.name)!;
          if (kind === 'join') {
            mine.push(`${clone.name}-${pid}`);
            clone.join(`${clone.name}-${pid}`, pid++);
          } else if (kind === 'sync') clone.sync(remote);
          else if (kind === 'reset') {
            remote.clear();
            lost = true;
          } else {
            const id = mine.at(-1);
            const number = Number(id?.split('-')[1]);
            if (!id || gone.has(number)) continue;
            if (kind === 'die') gone.add(number);
            else clone.join(id, number, { candidacy: 'declined', cause: 'yield' });
          }
        }
        for (let round = 0; round < 8; round++) for (const clone of clones) clone.sync(remote);
        expect(clones.map((clone) => clone.sync(remote))).toEqual([0, 0, 0]);

        const living = clones.map((clone) =>
          latestJoins(clone.joins())
            .filter(({ birth }) => !gone.has(birth.process.pid))
            .map(({ seq, birth }) => [seq, birth.id, birth.candidacy]),
        );
        expect(living[1]).toEqual(living[0]);
        expect(living[2]).toEqual(living[0]);
        const all = [...order.values()].flat().filter((id) => !gone.has(Number(id.split('-')[1])));
        expect(living[0]!.map(([, id]) => id).sort()).toEqual(all.sort());
        if (lost) return;
        for (const mine of order.values()) {
          const lived = mine.filter((id) => all.includes(id));
          const kept = living[0]!
            .map(([, id]) => id as string)
            .filter((id) => lived.includes(id))
            .reverse();
          expect(kept).toEqual(lived);
        }
      }),
      { numRuns: 400 },
    );
  });
});
