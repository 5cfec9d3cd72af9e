/** The corpora of secrets and of ordinary lines, in one form. */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { more } from './more-secrets.ts';
import { everyday, pasted } from './pasted.ts';

export interface Corpus {
  readonly secrets: readonly {
    /** Of its family. */
    readonly name: string;
    readonly text: string;
    /** What must not be left. */
    readonly secret: readonly string[];
  }[];
  readonly ordinary: readonly string[];
}

/** Packed, so that no scanner takes it for a leak: random values in the real formats, none was ever valid. */
const fixture = new URL('../fixtures/redaction.json.gz', import.meta.url);
const given = JSON.parse(gunzipSync(readFileSync(fixture)).toString()) as Corpus;
const third: Corpus = {
  secrets: pasted.map(({ text, secret }) => ({ name: text.slice(0, 24), text, secret: [secret] })),
  ordinary: everyday,
};

export const corpora: readonly (readonly [what: string, Corpus])[] = [
  ['the shapes of real leaks', given],
  ['families that the first corpus has not', more],
  ['what developers paste, and lines of their day', third],
];
/** Every text of all of them. */
export const everyText: readonly string[] = corpora.flatMap(([, { secrets, ordinary }]) => [
  ...secrets.map(({ text }) => text),
  ...ordinary,
]);
