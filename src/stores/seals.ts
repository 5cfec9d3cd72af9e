/**
 * Tells those who prepared something from the records that the records changed, without a clock and without a number.
 *
 * A seal is an empty file with a name that never comes again. Whoever prepares takes one before it looks; whoever changes what
 * others are told removes all of them before the change and after it: before, so that nothing prepared earlier outlives it, and
 * after, so that nothing prepared meanwhile does. A writer that is killed in between leaves its mark, and while that is young no
 * seal is given out.
 */
import fs from 'node:fs';
import { createEmpty, discard, makePrivateDirectory } from '../io/atomic-write.ts';
import { within } from '../io/within.ts';

const sealName = /^[0-9a-z]+\.seal$/;
const markName = /^[0-9a-z]+\.writing$/;
/** A hook has two seconds; a command that was stopped in the middle may take longer. */
const staleMs = 60_000;

/** The seals of one place. */
export interface Seals {
  /** The path of an unbroken seal; null while somebody changes the records. */
  take(): string | null;
  /** Makes a change that nothing prepared outlives. */
  breaking<T>(change: () => T): T;
}

const fresh = (): string =>
  `${process.pid.toString(36)}${process.hrtime.bigint().toString(36)}${Math.random().toString(36).slice(2)}`;

/** What is in the directory; nothing when there is none, and then nothing rests on it. */
function list(directory: string): string[] {
  try {
    return fs.readdirSync(directory);
  } catch (cause) {
    if (['ENOENT', 'ENOTDIR'].includes((cause as NodeJS.ErrnoException).code ?? '')) return [];
    throw cause;
  }
}

/** The seals in a directory, which is made when the first one is asked for. */
export function sealsIn(directory: string): Seals {
  const pathOf = (name: string): string => within(directory, name);
  const breakAll = (): void => {
    for (const name of list(directory)) if (sealName.test(name)) discard(pathOf(name));
  };
  /** The writer of this mark was killed: what was prepared meanwhile cannot be trusted. */
  const isStale = (mark: string): boolean => {
    const stat = fs.lstatSync(pathOf(mark), { throwIfNoEntry: false });
    return stat !== undefined && Date.now() - stat.mtimeMs > staleMs;
  };

  return {
    take() {
      const names = list(directory);
      const marks = names.filter((name) => markName.test(name));
      const known = names.find((name) => sealName.test(name));
      if (known && marks.length === 0) return pathOf(known);
      if (!isMade(directory)) return null;
      if (marks.length && marks.every(isStale)) {
        breakAll();
        for (const mark of marks) discard(pathOf(mark));
      } else if (marks.length) return null;
      const seal = pathOf(`${fresh()}.seal`);
      createEmpty(seal);
      // A writer makes its mark before it breaks seals: if this one came too late to be broken, the mark is seen here.
      return list(directory).some((name) => markName.test(name)) ? null : seal;
    },

    breaking(change) {
      if (!isMade(directory)) return change();
      const mark = pathOf(`${fresh()}.writing`);
      createEmpty(mark);
      try {
        breakAll();
        return change();
      } finally {
        breakAll();
        discard(mark);
      }
    },
  };
}

/** False when something else has the name: then there are no seals, and no change fails for it. */
function isMade(directory: string): boolean {
  try {
    makePrivateDirectory(directory);
    return true;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw cause;
  }
}
