/** The order of what was left behind, whatever clocks said. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseHandoff, renderHandoff } from '../../src/core/handoff.ts';
import { type Note, newestFirst } from '../../src/flows/notes.ts';
import { handoff } from '../support/records.ts';

const now = Date.parse('2026-11-22T12:00:00.000Z');
const hour = 3_600_000;

/** The note of a number, written so many hours ago. */
function note(seq: number, hoursAgo: number): Note {
  const id = `${String(seq).padStart(6, '0')}-session`;
  const writtenAt = new Date(now - hoursAgo * hour).toISOString();
  return parseHandoff(renderHandoff(handoff({ seq, writtenAt }), id, 6000), id)!;
}
const seqs = (notes: readonly Note[]): number[] => newestFirst(notes, now).map(({ head }) => head.seq);

describe('notes, newest first', () => {
  test('by the time: who joined earlier may have written later', () => {
    expect(seqs([note(1, 1), note(2, 3), note(3, 2)])).toEqual([1, 3, 2]);
  });

  test('of one time by the number', () => {
    expect(seqs([note(1, 1), note(3, 1), note(2, 1)])).toEqual([3, 2, 1]);
  });

  test('one from a clock a year ahead stands behind everybody who came after it', () => {
    const ahead = note(3, -24 * 365);
    expect(seqs([ahead])).toEqual([3]);
    expect(seqs([note(1, 5), ahead, note(2, 4)])).toEqual([3, 2, 1]);
    expect(seqs([note(1, 5), ahead, note(4, 2), note(5, 1)])).toEqual([5, 4, 3, 1]);
    expect(seqs([note(1, 0.5), ahead, note(4, 2)])).toEqual([1, 4, 3]);
    expect(seqs([ahead, note(5, -24 * 400), note(4, 1)])).toEqual([5, 4, 3]);
  });

  test('none is lost, and the order does not hang on the order in which they are read', () => {
    const one = fc.record({ seq: fc.integer({ min: 1, max: 30 }), hours: fc.integer({ min: -50, max: 50 }) });
    fc.assert(
      fc.property(fc.uniqueArray(one, { selector: ({ seq }) => seq, maxLength: 12 }), (made) => {
        const notes = made.map(({ seq, hours }) => note(seq, hours));
        expect(seqs(notes.toReversed())).toEqual(seqs(notes));
        expect(seqs(notes).sort()).toEqual(made.map(({ seq }) => seq).sort());
      }),
      { numRuns: 50 },
    );
  });
});
