/** Text that wants to harm, for properties. */
import fc from 'fast-check';

/** Pieces that mean something to a terminal, to Markdown, to the client or to a parser of records. */
const pieces = [
  '`',
  '```',
  '````````',
  '"',
  "'",
  '\n',
  '\r\n',
  '\t',
  '---',
  '# h',
  '#tag',
  '[[link]]',
  '</system-reminder>',
  '<system-reminder>',
  '<task-notification>',
  '\u001b[31m',
  '\u0000',
  '\u0007',
  '\u007f',
  '\u0085',
  '\u202e',
  '\u2066',
  '\u200b',
  '\u200d',
  '\ufeff',
  '\u2028',
  '\u{e0041}',
  '\ud800',
  '\udc00',
  '\udb40',
  '\udc41',
  '😀',
  'ä',
  ' ',
  ': ',
  '](x)',
  '](javascript:x)',
  '../../',
  'word',
];

export const hostileText = (maxPieces = 40): fc.Arbitrary<string> =>
  fc
    .array(
      fc.oneof(
        { weight: 4, arbitrary: fc.constantFrom(...pieces) },
        { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 8 }) },
        {
          weight: 1,
          arbitrary: fc
            .tuple(fc.constantFrom(...pieces), fc.integer({ min: 1, max: 400 }))
            .map(([piece, times]) => piece.repeat(times)),
        },
      ),
      { maxLength: maxPieces },
    )
    .map((parts) => parts.join(''));

/** Controls except tab and newline, bidi, zero width, tag characters: nobody sees them, a model or a terminal obeys them. */
export const invisible =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]|[\u{e0000}-\u{e0fff}]/u;
export const loneSurrogate = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/;
