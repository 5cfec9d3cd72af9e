/** The checker finds what it is there to find. */
import { describe, expect, test } from 'vitest';
import { type History, type Life, type Operation, violationsOf } from './checker.ts';

const told = (role: string, epoch: number, live: number): Operation['told'] => ({ role, epoch, live });
const op = (process: string, begin: number, end: number, what: Operation['told']): Operation => ({
  process,
  kind: 'prompt',
  begin,
  end,
  told: what,
});
const lives = (process: string, ends = Number.POSITIVE_INFINITY, over = ends): Life => ({
  process,
  ends,
  over,
});

/** a joins, then b; a hears of it, b dies, a is master again. */
const good: History = {
  operations: [
    op('a', 0, 10, told('master', 1, 1)),
    op('b', 20, 30, told('master', 2, 2)),
    op('a', 40, 50, told('worker', 2, 2)),
    op('a', 70, 80, told('master', 1, 1)),
  ],
  lives: [lives('a'), lives('b', 60, 65)],
  joins: [
    { seq: 1, process: 'a' },
    { seq: 2, process: 'b' },
  ],
};

test('a good history has nothing to say of', () => expect(violationsOf(good)).toEqual([]));

test('who says "at least" may know of fewer, and never of more', () => {
  const saying = (live: number): string[] => {
    const what = { role: 'worker', epoch: 2, live, orMore: true };
    return violationsOf({ ...good, operations: [...good.operations, op('a', 41, 49, what)] });
  };
  expect([saying(1), saying(2)]).toEqual([[], []]);
  expect(saying(3)).toEqual([expect.stringMatching(/at least 3 live sessions: 2 to 2/)]);
});

test('while it changes, the old and the new are both true', () => {
  for (const what of [told('worker', 2, 2), told('master', 1, 1)])
    expect(violationsOf({ ...good, operations: [...good.operations, op('a', 55, 70, what)] })).toEqual([]);
});

describe('it finds', () => {
  const swapped = (from: number, operation: Operation): History => ({
    ...good,
    operations: good.operations.map((one, index) => (index === from ? operation : one)),
  });
  test.each<[string, History, RegExp]>([
    [
      'a number given twice',
      { ...good, joins: [...good.joins, { seq: 2, process: 'a' }] },
      /was given to b and to a/,
    ],
    [
      'a process that joined twice',
      { ...good, joins: [...good.joins, { seq: 3, process: 'a' }] },
      /joined as 1 and as 3/,
    ],
    ['a join that is lost', { ...good, joins: good.joins.slice(0, 1) }, /join of b is lost/],
    [
      'an order that is not that of time',
      { ...good, joins: [{ seq: 3, process: 'a' }, good.joins[1]!] },
      /had joined as 3 before b/,
    ],
    ['a master that was not there yet', swapped(0, op('a', 0, 10, told('worker', 2, 2))), /was not there/],
    ['a master that is gone', swapped(3, op('a', 70, 80, told('worker', 2, 2))), /was not there/],
    [
      'one who was told nothing of the master',
      swapped(2, op('a', 40, 50, told('master', 1, 1))),
      /while 2 was there/,
    ],
    ['two masters', swapped(2, op('a', 40, 50, told('master', 2, 2))), /to be master, and 2 is b/],
    ['a wrong count', swapped(2, op('a', 40, 50, told('worker', 2, 3))), /3 live sessions: 2 to 2/],
    ['an epoch out of nowhere', swapped(2, op('a', 40, 50, told('worker', 7, 2))), /which nobody has/],
  ])('%s', (_what, history, finding) => expect(violationsOf(history).join('\n')).toMatch(finding));
});
