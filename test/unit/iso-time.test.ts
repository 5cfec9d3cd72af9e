import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isoTime } from '../../src/core/iso-time.ts';

test('writes every moment of the years 0 to 9999 as Date does', () => {
  const [first, last] = [Date.parse('0000-01-01T00:00:00.000Z'), Date.parse('9999-12-31T23:59:59.999Z')];
  fc.assert(
    fc.property(fc.integer({ min: first, max: last }), (ms) => {
      expect(isoTime(ms)).toBe(new Date(ms).toISOString());
    }),
    { examples: [[first], [last], [0], [-1]] },
  );
});
