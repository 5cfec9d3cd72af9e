/** What git will not take of an installation that has to be committed, and which lines would make it. */
import { dirname, join, relative, sep } from 'node:path';
import { git } from '../src/io/git.ts';
import type { Target } from './target.ts';

/** Everything that is ignored by rules of git. */
export interface Ignored {
  /** One of the files, relative to the work tree, and the rule: as `file:line pattern`. */
  readonly file: string;
  readonly rule: string;
  /** Where these lines have to be added, at the end, so that git takes all files. */
  readonly into: string;
  readonly lines: readonly string[];
}

const limitMs = 5000;

/** Null when git takes all of `files`, which are absolute, or does not say. Tracked files are never ignored. */
export function askIgnored(
  { root, claudeDir, scriptsDir, settingsFile }: Target,
  files: readonly string[],
): Ignored | null {
  const found = rulesFor(root, files);
  const [first] = found;
  if (!first) return null;
  const isIgnored = (path: string): boolean => rulesFor(root, [path]).length > 0;
  const ignored = new Set(found.map(({ file }) => file));
  const scripts = found.some(({ file }) => file.startsWith(`${scriptsDir}${sep}`));
  // A rule in a folder of its own comes after those of the top.
  const into = found.some(({ source }) => source === '.claude/.gitignore') ? claudeDir : root;
  const path = (name: string): string => `/${relative(into, name).split(sep).join('/')}`;
  const lines = [
    // Nothing below a directory that is ignored can be taken back, so the directory is, and then what else is in it goes again.
    ...(into === root && isIgnored(`${claudeDir}/`) ? [`!${path(claudeDir)}/`, `${path(claudeDir)}/*`] : []),
    ...files
      .filter((file) => ignored.has(file) && (file === settingsFile || dirname(file) === root))
      .map((file) => `!${path(file)}`),
    ...(scripts ? [`!${path(scriptsDir)}/`, `!${path(scriptsDir)}/**`] : []),
  ];
  return {
    file: relative(root, first.file),
    rule: `${first.source}:${first.line} ${first.pattern}`,
    into: relative(root, into) ? '.claude/.gitignore' : '.gitignore',
    lines,
  };
}

interface Rule {
  readonly source: string;
  readonly line: string;
  readonly pattern: string;
  readonly file: string;
}

/** The rule that makes git ignore each of the files; those that it takes are left out. */
function rulesFor(root: string, files: readonly string[]): Rule[] {
  // Relative: these names are ours, and git quotes none of them.
  const names = files.map((file) => relative(root, file) + (file.endsWith('/') ? '/' : ''));
  const answer = git(root, ['check-ignore', '--verbose', '--', ...names], limitMs);
  if (!answer.ok) return [];
  return answer.output.split('\n').flatMap((text) => {
    const [, source = '', line = '', pattern = '', name = ''] = /^(.*):(\d+):(.*)\t(.*)$/.exec(text) ?? [];
    return name && !pattern.startsWith('!') ? [{ source, line, pattern, file: join(root, name) }] : [];
  });
}
