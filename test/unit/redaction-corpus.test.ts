/** How much leaks and how much is spoilt, measured on texts as they are met. The corpora say which family each text is of. */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { redact } from '../../src/core/redact.ts';
import { more } from '../support/more-secrets.ts';

interface Corpus {
  readonly secrets: readonly {
    readonly name: string;
    readonly text: string;
    readonly secret: readonly string[];
  }[];
  readonly ordinary: readonly string[];
}
/** Packed, so that no scanner takes it for a leak: random values in the real formats, none was ever valid. */
const fixture = new URL('../fixtures/redaction.json.gz', import.meta.url);
const given = JSON.parse(gunzipSync(readFileSync(fixture)).toString()) as Corpus;

const rate = (some: number, all: number): string =>
  `${some} of ${all} (${((100 * some) / all).toFixed(1)} %)`;

function leaks({ secrets }: Corpus, put: (text: string) => string): string {
  const leaking = secrets.filter(({ text, secret }) =>
    secret.some((part) => redact(put(text)).includes(part)),
  );
  const families = [...new Set(leaking.map(({ name }) => name))];
  return leaking.length ? `${rate(leaking.length, secrets.length)} leak: ${families.join(', ')}` : '';
}

function spoilt({ ordinary }: Corpus): string {
  const changed = ordinary.filter((line) => redact(line) !== line);
  const each = changed.map((line) => `\n  ${JSON.stringify(line)}\n  ${JSON.stringify(redact(line))}`);
  return changed.length ? `${rate(changed.length, ordinary.length)} are spoilt:${each.join('')}` : '';
}

describe.each([
  ['the shapes of real leaks', given],
  ['families that the first corpus has not', more],
])('%s', (_, corpus) => {
  test('no family leaks, alone, in a sentence, and between other lines', () => {
    expect(leaks(corpus, (text) => text)).toBe('');
    expect(leaks(corpus, (text) => `Then I ran this:\n\n${text}\n\nand it worked. Next: the README.`)).toBe(
      '',
    );
    expect(leaks(corpus, (text) => `> quoted\n${text}`)).toBe('');
  });

  test('no ordinary line is spoilt, alone or together', () => {
    expect(spoilt(corpus)).toBe('');
    expect(spoilt({ secrets: [], ordinary: [corpus.ordinary.join('\n')] })).toBe('');
  });

  test('once is enough', () => {
    const again = [...corpus.secrets.map(({ text }) => text), ...corpus.ordinary].filter(
      (text) => redact(redact(text)) !== redact(text),
    );
    expect(again).toEqual([]);
  });
});
