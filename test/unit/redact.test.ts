import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { redact } from '../../src/core/redact.ts';
import { keep } from '../../src/core/transcript.ts';
import { secrets } from '../support/secrets.ts';

describe.each(secrets)('$name', ({ text, secret }) => {
  test('is taken out, alone and inside a sentence', () => {
    expect(redact(text)).not.toContain(secret);
    expect(redact(`Before, ${text} and after.`)).not.toContain(secret);
    expect(redact(`line one\n${text}\nline three`)).not.toContain(secret);
  });

  test('says that something was there and keeps the words around it', () => {
    const said = redact(`Before ${text}\nafter`);
    expect(said).toContain('[redacted]');
    expect(said).toMatch(/^Before /);
    if (!text.includes('BEGIN')) expect(said).toMatch(/after$/);
  });

  test('once is enough', () => {
    const once = redact(`Before ${text} after`);
    expect(redact(once)).toBe(once);
  });
});

test('several secrets next to each other are all taken out, and once is enough', () => {
  fc.assert(
    fc.property(
      fc.shuffledSubarray(secrets, { minLength: 2, maxLength: 6 }),
      fc.constantFrom(' ', '\n', ', ', '; ', ' | '),
      (some, glue) => {
        const once = redact(some.map(({ text }) => text).join(glue));
        for (const { secret } of some) expect(once).not.toContain(secret);
        expect(redact(once)).toBe(once);
      },
    ),
    { numRuns: 300 },
  );
});

test.each([
  'Refactor the token bucket so that every client gets its share.',
  'The password dialog is too wide, and the secret santa page is broken.',
  'See https://example.com/a/b?c=d#e and http://localhost:8080/x.',
  'git@github.com:ada/shop.git and ssh://git@github.com/ada/shop.git',
  'commit 9fceb02d0ae598e95dc970b74767f19372d61af8',
  'const total = prices.reduce((a, b) => a + b, 0);',
  'npm install && npm test -- --reporter=verbose',
  'skeleton, sketch, task-list, risk-free, ask-me-anything',
  'The keyboard: left, right. Tokens are words. API keys are explained in the manual.',
  'id 23351544-1c79-4d69-beae-dae97622fb9f, file /home/dev/shop/secret-garden.ts',
  'Der Schlüssel liegt unter der Matte. 鍵はどこですか。',
  'mail ada@example.com at 10:30 about 3:2 odds',
  '',
])('ordinary text is untouched: %j', (text) => {
  expect(redact(text)).toBe(text);
});

describe('200 kB of hostile input comes to an end', () => {
  const size = 200_000;
  const of = (piece: string): string => piece.repeat(Math.ceil(size / piece.length)).slice(0, size);
  test.each<[string, string]>([
    ['one letter', of('a')],
    ['spaces', of(' ')],
    ['underscores', of('_')],
    ['dots and dashes', of('.-')],
    ['half tokens', of('-eyJ')],
    ['half tokens with dots', of('eyJaaaaaaaa.')],
    ['half private keys', of('-----BEGIN PRIVATE KEY-----')],
    ['openings of private keys', of('-----BEGIN ')],
    ['half addresses', of('a://b:')],
    ['schemes', of('a:')],
    ['colons', of('://:')],
    ['telling names without a value', of('-token')],
    ['telling names glued together', of('passwordtokensecret')],
    ['names and equals signs', of('api_key==')],
    ['quotes', of('password="')],
    ['authorization', of('authorization: ')],
    ['bearer', of('bearer ')],
    ['slack', of('xoxb-')],
    ['dashes', of('sk-')],
  ])('%s', (_what, text) => {
    expect(redact(text).length).toBeLessThanOrEqual(text.length * 2);
  });
});

test('what is kept of a long text never holds the beginning of a secret that was cut', () => {
  const secret = 'AKIAIOSFODNN7EXAMPLE';
  const key = '-----BEGIN PRIVATE KEY-----\nabcdefgh\n-----END PRIVATE KEY-----\n';
  // The many keys shrink to a word each, so that what stands at the outer cut is kept.
  for (let filler = 0; filler < 120; filler++) {
    const kept = keep(`${key.repeat(62)}${'x'.repeat(filler)} ${secret}`, 1000);
    expect(kept, `after ${filler} letters`).not.toContain(secret.slice(0, 8));
  }
});
