/**
 * What lies in directories, as far as a later process can tell a difference: without times, and without names that only have to be
 * new. Two runs of one operation that leave the same lead to the same.
 */
import { createHash } from 'node:crypto';
import { type Dirent, existsSync, lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

const lasting = (name: string): string =>
  name
    .replace(/\.\d+-\w+-\w+-\d+\.tmp$/, '.tmp')
    .replace(/\.(?:[\w-]{21}|\d+)\.tmp$/, '.tmp')
    .replace(/^[0-9a-z]+\.(seal|writing)$/, 'one.$1')
    .replace(/(\/claims\/[a-z]+).*$/, '$1');

/** What was compiled is kept twice, and used when both are the same. */
function isWholeCode(bytes: Buffer): boolean {
  const half = bytes.length / 2;
  return half > 0 && Number.isInteger(half) && bytes.subarray(0, half).equals(bytes.subarray(half));
}

function told(name: string, path: string, plain: (text: string) => string): string {
  const bytes = readFileSync(path);
  if (name.endsWith('.bin') && isWholeCode(bytes)) return 'compiled';
  let text = bytes.toString('latin1');
  if (name.startsWith('log.jsonl'))
    text = text.replace(/"at":"[^"]*",("event":"\w*","code":"[\w-]*").*$/gm, '$1');
  // What a shorter text did not overwrite is not read.
  if (/^notebook\.\d\.json$/.test(name) && text.includes('\n')) text = text.slice(0, text.indexOf('\n'));
  return plain(text)
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'then')
    .replace(/"ms":\d+/g, '"ms":0')
    .replace(/"start":"\d+"/g, '"start":"then"')
    .replace(/seals\/[0-9a-z]+\.seal/g, 'seals/one.seal');
}

/** `plain` takes out of a text what differs from world to world. */
export function digestOf(roots: readonly string[], plain: (text: string) => string): string {
  const lines: string[] = [];
  const look = (root: number, folder: string, within: string): void => {
    for (const entry of readdirSync(folder, { withFileTypes: true }) as Dirent[]) {
      const path = join(folder, entry.name);
      const { mode, mtimeMs } = lstatSync(path);
      const name = lasting(plain(`${within}/${entry.name}`)).replace(/[^/]+$/, lasting);
      const content = entry.isFile()
        ? told(entry.name, path, plain)
        : entry.isSymbolicLink()
          ? readlinkSync(path)
          : '';
      // An answer or a beat that is as old as can be is none.
      lines.push(`${root}${name} ${mode} ${mtimeMs > 0} ${content}`);
      if (entry.isDirectory()) look(root, path, name);
    }
  };
  for (const [nth, root] of roots.entries()) if (existsSync(root)) look(nth, root, '');
  return createHash('sha256').update(lines.sort().join('\n')).digest('hex');
}
