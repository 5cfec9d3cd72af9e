/** Keeps the private repository small, and clears away what killed writers left. Only when somebody tidies up, never in a hook. */
import fs from 'node:fs';
import { join } from 'node:path';

const gitLimitMs = 20_000;

/** What git and we call what is not finished yet. */
const unfinished = /(?:^tmp_|\.lock$|\.tmp$|^packed-refs\.new$)/;

function* below(directory: string): Generator<string> {
  for (const entry of fs.readdirSync(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    if (unfinished.test(entry.name)) yield path;
    else if (entry.isDirectory()) yield* below(path);
  }
}

/** Removes what is unfinished and older than this, also what was never moved into place. Returns how many. */
export async function sweepRepository(repository: string, olderThanMs: number): Promise<number> {
  const begun = join(repository, '..');
  const started = fs.existsSync(begun) ? fs.readdirSync(begun) : [];
  const paths = started
    .filter((name) => /^(?:coord\.git|sync\.(?:lock|json))\.[\w-]+\.tmp$/.test(name))
    .map((name) => join(begun, name));
  if (fs.existsSync(repository)) paths.push(...below(repository));
  let swept = 0;
  for (const path of paths) {
    const stat = fs.lstatSync(path, { throwIfNoEntry: false });
    if (!stat || Date.now() - stat.mtimeMs < olderThanMs) continue;
    fs.rmSync(path, { recursive: true, force: true });
    swept++;
  }
  if (isPacked(repository)) await repack(repository);
  return swept;
}

const isPacked = (repository: string): boolean => {
  const packs = join(repository, 'objects', 'pack');
  return fs.existsSync(packs) && fs.readdirSync(packs).some((name) => name.endsWith('.pack'));
};

/**
 * A sync replaces what other machines tell, and the old is named by nothing any more. Once a day it goes. What is two hours old
 * belongs to no record that is being written.
 */
export async function tidyNowAndThen(repository: string): Promise<void> {
  const mark = join(repository, 'flowloom-tidied');
  const last = fs.statSync(mark, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  if (Math.abs(Date.now() - last) < 24 * 3_600_000) return;
  fs.writeFileSync(mark, '', { mode: 0o600 });
  const { git } = await import('../../io/git.ts');
  git(repository, ['--git-dir=.', 'prune', '--expire=2.hours.ago'], gitLimitMs);
}

/**
 * Somebody packed it: then what is forgotten is still in a pack. Packed anew without it. Loose objects that nothing names go when
 * they are an hour old: a younger one may belong to a record that is being written.
 */
async function repack(repository: string): Promise<void> {
  const { git } = await import('../../io/git.ts');
  // Best effort: a damaged record keeps git from it, and is named elsewhere.
  const packed = git(repository, ['--git-dir=.', 'repack', '-a', '-d', '-q'], gitLimitMs);
  if (packed.ok) git(repository, ['--git-dir=.', 'prune', '--expire=1.hour.ago'], gitLimitMs);
}
