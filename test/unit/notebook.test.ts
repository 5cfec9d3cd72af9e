import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { rosterOf } from '../../src/core/election.ts';
import {
  asNotebook,
  blankNotebook,
  blankSight,
  type Notebook,
  newConversation,
} from '../../src/core/notebook.ts';
import { isIn } from '../../src/core/runs.ts';
import { digest, digestBatch } from '../../src/core/transcript.ts';
import { changeLine } from '../../src/messages/model.ts';
import { member, presence } from '../support/records.ts';
import { recorded, recordedTranscript } from '../support/world.ts';

const full: Notebook = {
  ...blankNotebook('s'),
  told: { role: 'worker', epoch: 7, master: 'm', top: 9, names: { m: 'api' } },
  tellings: 3,
  sight: {
    top: 9,
    watched: [{ first: 7, last: 9 }],
    sum: 4,
    leases: { x: { beat: '1', since: 5 } },
    silent: [5],
  },
  standing: { role: 'worker', epoch: 7 },
  presence: presence(),
  conversation: { ...newConversation('s'), firstPrompt: 'hi', read: { path: '/t', offset: 12 } },
  degraded: { from: 'a', to: 'b', reason: 'c' },
  receipts: { Stop: { at: '2026-11-22T08:00:00.000Z', ms: 5, count: 2 } },
};

/** JSON with the names of a notebook, any values. */
const almost: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.jsonValue(),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(
      fc.constantFrom(
        ...Object.keys(full),
        ...Object.keys(full.sight),
        ...Object.keys(full.conversation),
        ...Object.keys(full.conversation.digest),
        'role',
        'epoch',
        'master',
        'names',
        'path',
        'offset',
        'Stop',
        '__proto__',
      ),
      tie('value'),
      { maxKeys: 12 },
    ),
  ),
})).value;

/** A good notebook with one part replaced by anything. */
const damaged: fc.Arbitrary<unknown> = fc
  .tuple(
    fc.array(fc.nat(), { minLength: 1, maxLength: 4 }),
    fc.oneof(fc.jsonValue(), fc.constant({}), fc.constant([null]), fc.constant([{}])),
  )
  .map(([path, value]) => {
    const copy = structuredClone(full) as unknown as Record<string, unknown>;
    let at = copy;
    for (const step of path) {
      const keys = Object.keys(at);
      const key = keys[step % keys.length]!;
      const next = at[key];
      if (
        typeof next === 'object' &&
        next !== null &&
        !Array.isArray(next) &&
        Object.keys(next).length &&
        step !== path.at(-1)
      )
        at = next as typeof copy;
      else {
        at[key] = value;
        break;
      }
    }
    return copy;
  });

const shapeOf = (value: unknown): unknown =>
  Array.isArray(value)
    ? 'array'
    : typeof value === 'object' && value !== null
      ? Object.fromEntries(
          Object.keys(value).map((key) => [key, typeof (value as Record<string, unknown>)[key]]),
        )
      : typeof value;

describe('a notebook read from disk', () => {
  test('a whole one comes back as it was', () => {
    expect(asNotebook(JSON.parse(JSON.stringify(full)))).toEqual(full);
  });

  test.each([null, undefined, 5, 'x', [], {}, true])('%j gives a blank one', (value) => {
    expect(asNotebook(value)).toEqual(blankNotebook());
  });

  test('a damaged part is blank, the others stay', () => {
    const read = asNotebook({
      ...full,
      conversation: 5,
      sight: { top: 'x', watched: [{ first: 7, last: 7 }], leases: null },
      unknown: 1,
    });
    expect(read.conversation).toEqual(newConversation(''));
    expect(read.sight).toEqual(blankSight);
    expect(read.told).toEqual(full.told);
    expect(Object.keys(read).sort()).toEqual(Object.keys(full).sort());
  });

  test('any JSON gives the shape of a notebook', () => {
    fc.assert(
      fc.property(almost, (value) => {
        const read = asNotebook(value);
        expect(shapeOf({ ...read, told: {}, degraded: {} })).toEqual(
          shapeOf({ ...full, told: {}, degraded: {} }),
        );
        expect(shapeOf(read.conversation)).toEqual(shapeOf(full.conversation));
        expect(shapeOf(read.sight)).toEqual(shapeOf(full.sight));
        expect(shapeOf(read.conversation.digest)).toEqual(shapeOf(full.conversation.digest));
      }),
      { numRuns: 1000 },
    );
  });

  test('whatever was damaged, the hooks can work with it', () => {
    const roster = rosterOf([member(1, 'me'), member(2, 'm')]);
    fc.assert(
      fc.property(fc.oneof(almost, damaged), (value) => {
        const read = asNotebook(JSON.parse(JSON.stringify(value ?? null)));
        if (read.told) changeLine(read.told, roster, 'me', { rolesOnly: false });
        const after = digestBatch(
          read.conversation.digest,
          recorded('PostToolBatch').tool_calls as unknown[],
        );
        digest(after, recordedTranscript());
        isIn(read.sight.watched, 1);
        for (const id of ['me', 'x', 'constructor']) read.sight.leases[id]?.beat;
        read.receipts.Stop?.count;
      }),
      { numRuns: 2000 },
    );
  });

  test('never pollutes prototypes', () => {
    asNotebook(JSON.parse('{"__proto__":{"polluted":1},"sight":{"leases":{"__proto__":{"polluted":1}}}}'));
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });
});
