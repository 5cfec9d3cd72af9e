/** What holds of `redact` for texts put together from all corpora. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { visible } from '../../src/core/quote.ts';
import { redact } from '../../src/core/redact.ts';
import { withoutSecrets } from '../../src/core/secrets.ts';
import { everyText } from '../support/corpora.ts';

const together = fc
  .array(fc.tuple(fc.constantFrom(...everyText), fc.constantFrom('\n', '\n\n', ' ', ', ', ' | ', '')), {
    minLength: 1,
    maxLength: 12,
  })
  .map((parts) => parts.flat().join(''));

const alone = [...new Set(everyText.flatMap((text) => [text, ...text.split('\n')]))];

test('a text that is passed without a look at the table is one that the table would not change', () => {
  expect(alone.filter((text) => redact(text) !== withoutSecrets(visible(text)))).toEqual([]);
  fc.assert(
    fc.property(together, (text) => {
      expect(redact(text)).toBe(withoutSecrets(visible(text)));
    }),
    { numRuns: 500 },
  );
});

test('once is enough', () => {
  expect(alone.filter((text) => redact(redact(text)) !== redact(text))).toEqual([]);
  fc.assert(
    fc.property(together, (text) => {
      const once = redact(text);
      expect(redact(once)).toBe(once);
    }),
    { numRuns: 1500 },
  );
});
