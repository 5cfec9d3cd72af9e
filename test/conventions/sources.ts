/** The files of this repository, and what the sources among them import. */
import { spawnSync } from 'node:child_process';
import { lstatSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { transformSync } from 'esbuild';

export const root = join(import.meta.dirname, '..', '..');

export const read = (file: string): string => readFileSync(join(root, file), 'utf8');

/** All TypeScript files below a directory, relative to the repository. */
export const sourcesIn = (directory: string): string[] =>
  readdirSync(join(root, directory), { withFileTypes: true })
    .flatMap((entry) => {
      const path = posix.join(directory, entry.name);
      if (entry.isDirectory()) return sourcesIn(path);
      return path.endsWith('.ts') ? [path] : [];
    })
    .sort();

/** Everything that is or will be committed, links too. */
export function committed(): string[] {
  const { status, stdout, stderr } = spawnSync(
    'git',
    ['ls-files', '-z', '--cached', '--others', '--exclude-standard'],
    { cwd: root, encoding: 'utf8' },
  );
  if (status !== 0) throw new Error(`git ls-files: ${stderr}`);
  const files = new Set(stdout.split('\0').filter(Boolean));
  return [...files].filter((file) => lstatSync(join(root, file), { throwIfNoEntry: false })).sort();
}

interface Import {
  /** A path relative to the repository, or the name of a package or builtin. */
  readonly from: string;
  /** Gone when the program runs. */
  readonly typeOnly: boolean;
  readonly dynamic: boolean;
}

/** Everything a source file imports, in whatever way. */
export function importsOf(file: string): Import[] {
  const text = read(file);
  const found: Import[] = [];
  const add = (name: string, typeOnly: boolean, dynamic: boolean): void => {
    const from = name.startsWith('.') ? posix.join(dirname(file), name) : name;
    found.push({ from, typeOnly, dynamic });
  };
  for (const [, kind, names = '', name] of text.matchAll(
    /^(import|export)\s+((?:type\s+)?[^'";]*?)\s*(?:from\s+)?'([^']+)'/gm,
  )) {
    if (kind === 'export' && !/\bfrom\s*'/.test(text.slice(text.indexOf(names), text.indexOf(name!) + 1)))
      continue;
    // `import { type A }` is not gone: with verbatimModuleSyntax an empty import stays.
    add(name!, names.startsWith('type '), false);
  }
  for (const [before, name] of text.matchAll(/(?:typeof\s+)?\b(?:import|require)\(\s*'([^']+)'\s*\)/g))
    add(name!, before.startsWith('typeof'), true);
  return found;
}

/** What runs: without types and comments. */
export const codeOf = (file: string): string =>
  transformSync(read(file), { loader: 'ts', legalComments: 'none' }).code;

/** Code without what stands in strings and regular expressions, as far as it is told by looking. */
export const withoutStrings = (code: string): string =>
  code.replace(/"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\$])*`/g, '""');
