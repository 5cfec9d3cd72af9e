/** How much leaks and how much is spoilt, measured on texts as they are met. The corpora say which family each text is of. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { visible } from '../../src/core/quote.ts';
import { redact } from '../../src/core/redact.ts';
import { type Corpus, corpora } from '../support/corpora.ts';
import { everyString } from '../support/strings-in-json.ts';

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

describe.each(corpora)('%s', (_, corpus) => {
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

describe('long texts of a session', () => {
  const root = new URL('../..', import.meta.url);
  const committed = execFileSync('git', ['ls-files', '*.ts', '*.md', '*.mjs', '*.sh'], {
    cwd: root,
    encoding: 'utf8',
  })
    .trim()
    .split('\n')
    // The rules and their tests are made of what looks like secrets.
    .filter(
      (file) => !/^src\/core\/secrets\/|^test\/(?:support\/(?:.*secrets|pasted)|unit\/redact)/.test(file),
    );
  const texts = committed.map((file) => readFileSync(new URL(file, `${root}/`), 'utf8'));
  const said = readFileSync(new URL('../fixtures/transcript.sample.jsonl', import.meta.url), 'utf8')
    .split('\n')
    .filter(Boolean)
    .flatMap((line) => everyString(JSON.parse(line)));

  test('what a transcript says stays as it is', () => {
    expect(said.length).toBeGreaterThan(100);
    expect(spoilt({ secrets: [], ordinary: said.map(visible) })).toBe('');
  });

  test('of the lines of this repository hardly one in a thousand is touched', () => {
    const lines = texts.flatMap((text) => text.split('\n'));
    const touched = lines.filter((line) => redact(line) !== line);
    expect(lines.length).toBeGreaterThan(10_000);
    expect(touched.length * 1000, touched.join('\n')).toBeLessThan(lines.length);
  });

  test('a secret in the middle of a long text is found there', () => {
    const long = texts.filter((text) => text.length > 3000 && text.length < 20_000);
    const leaking = corpora
      .flatMap(([, { secrets }]) => secrets)
      // The families have three members each.
      .filter((_, index) => index % 3 === 0)
      .filter(({ text, secret }, index) => {
        const around = long[index % long.length]!;
        const middle = around.indexOf('\n', around.length / 2) + 1;
        const left = redact(`${around.slice(0, middle)}${text}\n${around.slice(middle)}`);
        return secret.some((part) => left.includes(part));
      });
    expect(leaking.map(({ text }) => text)).toEqual([]);
  });
});
