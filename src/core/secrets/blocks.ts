/** Secrets of several lines: keys in their armour, and the private members of a JSON web key. */
import { mark } from './mark.ts';

const armour =
  /-{4,5} ?BEGIN [^-\n]{0,60}?(?:PRIVATE|SECRET|STATIC) KEY[^-\n]{0,30}-{4,5}|PuTTY-User-Key-File-\d: |-----BEGIN OpenVPN Static key V1-----/gi;
const mostChars = 20_000;
/** What stands inside of armour, whole lines or one line with `\n` in it. */
const inside =
  /(?:\\[nr]|[\s"'`+>|#*,\\]|[A-Za-z0-9+/=]{16,}|[A-Za-z][A-Za-z-]{1,30}: [^\n\\]{0,120}|[A-Za-z0-9+/=]+(?=\\|\n|"|'|$))*/y;

/** Where the armour that starts before `from` ends. Asks for the next end once, however many openings stand before it. */
function closing(text: string): (from: number, next: number) => number | null {
  const end = /-{4,5} ?END [^-\n]{0,60}-{4,5}|^Private-MAC: .*$/gim;
  let found: RegExpExecArray | null | undefined;
  return (from, next) => {
    if (found === undefined || (found && found.index < from)) {
      end.lastIndex = from;
      found = end.exec(text);
    }
    if (!found || found.index - from > mostChars || found.index > next) return null;
    return found.index + found[0].length;
  };
}

/** Where a key ends that nobody closed. */
function unclosed(text: string, from: number): number {
  inside.lastIndex = from;
  return inside.exec(text) ? inside.lastIndex : from;
}

function withoutArmour(text: string): string {
  const openings = [...text.matchAll(armour)];
  if (!openings.length) return text;
  const endOf = closing(text);
  let kept = '';
  let at = 0;
  for (const [index, opening] of openings.entries()) {
    if (opening.index < at) continue;
    const from = opening.index + opening[0].length;
    const end = endOf(from, openings[index + 1]?.index ?? text.length) ?? unclosed(text, from);
    const rest = text.slice(from, end);
    // A mention of the line is none of a key.
    if (!/[A-Za-z0-9+/=]{8}/.test(rest.slice(0, 4000))) continue;
    kept += text.slice(at, opening.index) + mark + (rest.match(/\s*$/)?.[0].includes('\n') ? '\n' : '');
    at = end;
  }
  return kept + text.slice(at);
}

/** The private members of a JSON web key, which have names of one or two letters. */
const withoutJwk = (text: string): string =>
  /"kty"/.test(text)
    ? text.replace(/(\\?"(?:d|p|q|dp|dq|qi|k)\\?"\s{0,4}:\s{0,4}\\?")[\w-]{16,4096}/g, `$1${mark}`)
    : text;

/** A Kubernetes Secret names its values as it likes. */
function withoutKubernetes(text: string): string {
  if (!/\bkind["']?:\s{0,4}["']?Secret\b/i.test(text)) return text;
  let within = -1;
  return text
    .split('\n')
    .map((line) => {
      const [, indent = '', name = '', value = ''] =
        line.match(/^([ \t]*)["']?([\w.-]{1,253})["']?:[ \t]*(.*)$/) ?? [];
      if (/^(?:data|stringData)$/.test(name) && value === '') within = indent.length;
      else if (within >= 0 && name && indent.length <= within) within = -1;
      else if (within >= 0 && value && !/^["']?(?:\[redacted\]|\{\{|\$\{|<|[|>])/.test(value))
        return line.slice(0, line.length - value.length) + mark;
      else if (within >= 0 && !name && /^\s+[A-Za-z0-9+/=]{8,}\s*$/.test(line))
        return line.replace(/\S+/, mark);
      return line;
    })
    .join('\n')
    .replace(
      /("(?:data|stringData)"\s{0,4}:\s{0,4}\{)([^{}]{1,8000})/g,
      (_, head: string, body: string) =>
        head + body.replace(/(:\s{0,4}")(?!\[redacted\])[^"\n]{1,4000}/g, `$1${mark}`),
    );
}

/** The text without private keys in any armour, and without the values of a Kubernetes Secret. */
export const withoutBlocks = (text: string): string => withoutKubernetes(withoutJwk(withoutArmour(text)));
