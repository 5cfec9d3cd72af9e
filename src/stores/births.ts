/**
 * Births as files whose names are their numbers, so that taking a number is one link(2):
 *
 *     000000000007.json        the birth with number 7
 */
import fs from 'node:fs';
import { asBirth, type Birth } from '../core/member.ts';
import { isSeq, seqAfter } from '../core/seq.ts';
import { type Damage, type Taken, takenAbove } from '../core/store.ts';
import {
  createFile,
  discard,
  linkNew,
  makePrivateDirectory,
  syncDirectoryOf,
  writeTemporary,
} from '../io/atomic-write.ts';
import { within } from '../io/within.ts';
import { inspect, list, readRecord } from './record.ts';

const birthName = (seq: number): string => `${String(seq).padStart(12, '0')}.json`;
const aBirthName = /^(?:\d{12}|[1-9]\d{12,14})\.json$/;
/** The number of a record by its name; 0 when it is not a name given here. */
const seqOf = (name: string): number => {
  const seq = aBirthName.test(name) ? Number(name.slice(0, -'.json'.length)) : 0;
  return isSeq(seq) ? seq : 0;
};

/** What a store promises of births, for those that keep them in a directory of their own. */
export interface Births {
  /** Throws when no birth could be filed. */
  ready(): void;
  join(birth: Birth, floor: number, options?: { listed?: boolean }): number;
  refile(birth: Birth, seq: number): boolean;
  numbers(floor?: number): Taken;
  read(seq: number): Birth | null;
  /** All but the highest. */
  forget(seqs: readonly number[]): void;
  damaged(): Damage[];
}

/** The births in this directory, which need not exist yet: it is made when something is written. */
export function birthsIn(directory: string): Births {
  const pathOf = (seq: number): string => within(directory, birthName(seq));
  const numbers = (floor = 0): Taken => takenAbove(floor, list(directory).map(seqOf));
  const highest = (): number => numbers().above.at(-1) ?? 0;
  const read = (seq: number): Birth | null => readRecord(pathOf(seq), asBirth, seq)?.value ?? null;

  return {
    numbers,
    read,

    ready() {
      makePrivateDirectory(directory);
      fs.accessSync(directory, fs.constants.R_OK | fs.constants.W_OK | fs.constants.X_OK);
    },

    join(birth, floor, { listed = false } = {}) {
      makePrivateDirectory(directory);
      const text = JSON.stringify(birth);
      const temporary = writeTemporary(within(directory, 'claim'), text, true);
      try {
        // Never looks at the directory again: a number that is taken only sends it on to the next.
        for (let seq = seqAfter(Math.max(floor, listed ? 0 : highest())); ; seq = seqAfter(seq)) {
          if (!linkNew(temporary, pathOf(seq), text)) continue;
          syncDirectoryOf(pathOf(seq));
          return seq;
        }
      } finally {
        discard(temporary);
      }
    },

    refile(birth, seq) {
      makePrivateDirectory(directory);
      if (createFile(pathOf(seq), JSON.stringify(birth), { durable: true })) return true;
      return JSON.stringify(read(seq)) === JSON.stringify(birth);
    },

    forget(seqs) {
      const last = highest();
      for (const seq of seqs) if (seq !== last) fs.rmSync(pathOf(seq), { force: true });
    },

    damaged() {
      return numbers().above.flatMap((seq) => {
        const state = inspect(pathOf(seq), asBirth);
        return state && 'reason' in state ? [{ record: pathOf(seq), reason: state.reason }] : [];
      });
    },
  };
}
