/** Text that was whole once: cut, doubled, overwritten and mixed with what means harm. */
import fc from 'fast-check';
import { hostileText } from './hostile.ts';

type Blow = (text: string) => string;

const blow: fc.Arbitrary<Blow> = fc
  .tuple(
    fc.constantFrom('cut', 'drop', 'double', 'insert', 'swap', 'flip'),
    fc.double({ min: 0, max: 1, noNaN: true }),
    fc.double({ min: 0, max: 1, noNaN: true }),
    hostileText(3),
  )
  .map(([kind, where, length, harm]) => (text) => {
    const at = Math.floor(where * text.length);
    const to = Math.min(text.length, at + Math.ceil(length * 60));
    const part = text.slice(at, to);
    if (kind === 'cut') return text.slice(0, at);
    if (kind === 'drop') return text.slice(0, at) + text.slice(to);
    if (kind === 'double') return text.slice(0, to) + part + text.slice(to);
    if (kind === 'insert') return text.slice(0, at) + harm + text.slice(at);
    if (kind === 'swap')
      return (
        text.slice(0, at) +
        part.replace(/["{}[\]:,\d]/g, (one) => '{}[]":,0'[one.charCodeAt(0) % 8]!) +
        text.slice(to)
      );
    return (
      text.slice(0, at) +
      String.fromCharCode((text.charCodeAt(at) || 0) ^ (1 << Math.floor(length * 7))) +
      text.slice(at + 1)
    );
  });

/** This text after some blows; also none. */
export const mangled = (text: string, most = 4): fc.Arbitrary<string> =>
  fc.array(blow, { maxLength: most }).map((blows) => blows.reduce((now, hit) => hit(now), text));
