/**
 * Writes src/core/secrets/vendor-prefixes.ts: how the tokens of vendors begin, from the rules of gitleaks.
 *
 *   node scripts/vendor-prefixes.mjs <gitleaks>/config/gitleaks.toml <version>
 *
 * gitleaks (https://github.com/gitleaks/gitleaks, MIT) keeps one expression for each kind of token. Taken as they are, they let slip
 * what is one character too short, and two hundred expressions are too much to compile at a hook. So only the literal beginning of each
 * is taken; what follows is judged by its looks.
 */
import { readFileSync, writeFileSync } from 'node:fs';

const [file, version] = process.argv.slice(2);
const sources = [...readFileSync(file, 'utf8').matchAll(/^regex = '''(.*)'''$/gm)].map(
  ([, source]) => source,
);

/** The strings that an expression may begin with, as far as it is literal. */
function beginnings(source) {
  let rest = source;
  let found = [''];
  for (;;) {
    const skipped = rest.match(/^(?:\(\?[a-z-]+\)|\\b|\((?!\?)|\(\?[-i]*:(?=[^()|]*\)))/)?.[0];
    const group = rest.match(/^\((?:\?[-i]*:)?((?:[\w-]+\|)+[\w-]+)\)(?![?*+{])/);
    const literal = rest.match(/^(?:[A-Za-z0-9_~-]|\\[.-])(?![?*+{])/)?.[0];
    if (group) found = found.flatMap((head) => group[1].split('|').map((tail) => head + tail));
    else if (literal) found = found.map((head) => head + literal.replace('\\', ''));
    else if (!skipped) return found;
    rest = rest.slice((group?.[0] ?? literal ?? skipped).length);
  }
}

/** Long enough to tell, and no word of a language. */
const tells = (prefix) =>
  /^[A-Za-z].{2,}$/.test(prefix) && /[_.~-]|[A-Z]{3}|\d/.test(prefix) && !/^https?|^sha256/.test(prefix);
const prefixes = [...new Set(sources.flatMap(beginnings).filter(tells))].sort();
const lines = prefixes
  .join(' ')
  .match(/.{1,120}(?: |$)/g)
  .map((line) => `  '${line}'`);
writeFileSync(
  new URL('../src/core/secrets/vendor-prefixes.ts', import.meta.url),
  `/** Written by scripts/vendor-prefixes.mjs from the rules of gitleaks ${version}, copyright (c) 2019 Zachary Rice, MIT. Do not edit. */
export const prefixes =
${lines.join(' +\n')};
`,
);
