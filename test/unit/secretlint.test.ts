/** A second opinion on redaction: what secretlint finds in the corpus is gone afterwards. */
import { expect, test } from 'vitest';
import { redact } from '../../src/core/redact.ts';
import { secrets } from '../support/secrets.ts';

interface Secretlint {
  lintSource(
    request: object,
  ): Promise<{ messages: readonly { readonly range: readonly [number, number] }[] }>;
}

/** Null where the package is not installed. */
async function load<T>(name: string): Promise<T | null> {
  try {
    return (await import(name)) as T;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw cause;
    return null;
  }
}

const preset = '@secretlint/secretlint-rule-preset-recommend';

test('nothing that secretlint knows is left', async (context) => {
  const core = await load<Secretlint>('@secretlint/core');
  const rules = await load<{ creator: unknown }>(preset);
  if (!core || !rules) return context.skip(`skipped: needs @secretlint/core and ${preset}`);
  const found = async (content: string): Promise<string[]> => {
    const { messages } = await core.lintSource({
      source: { filePath: '/note.md', content, ext: '.md', contentType: 'text' },
      options: { config: { rules: [{ id: preset, rule: rules.creator, options: {} }] } },
    });
    return messages.map(({ range: [from, to] }) => content.slice(from, to));
  };
  let known = 0;
  for (const { name, text } of secrets) {
    known += (await found(text)).length;
    expect([name, await found(redact(text))]).toEqual([name, []]);
  }
  expect(known, 'secretlint knows some of them').toBeGreaterThan(5);
});
