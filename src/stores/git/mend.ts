/** What a power cut left. Only in a sync: git refuses to work where a ref names nothing, and hooks do without git. */
import fs from 'node:fs';
import { join } from 'node:path';
import { UnreadableError } from '../../io/safe-read.ts';
import { kinds, movedRefs, seqOf, seqRefs } from './names.ts';
import type { Repository } from './repository.ts';

/**
 * Mends the refs below these prefixes that name nothing. A number stays taken; what its owner writes anew, or what comes from the
 * remote again, goes.
 */
export async function mendRefs(repository: Repository, prefixes: readonly string[]): Promise<void> {
  const { refs, path } = repository;
  for (const prefix of [movedRefs, ...prefixes.flatMap((one) => kinds.map((kind) => one + kind))])
    for (const name of refs.list(prefix)) {
      const ref = prefix + name;
      // A lock file of git's, or none of ours.
      if (!fs.existsSync(join(path, ref)) || (await isWhole(repository, ref))) continue;
      if (prefix !== seqRefs) await refs.remove(ref);
      else if (seqOf(name) !== null)
        refs.set(ref, () => repository.keepLost(seqOf(name)!), { durable: true });
    }
}

async function isWhole({ refs, objects }: Repository, ref: string): Promise<boolean> {
  const named = (): string | null => {
    try {
      return refs.read(ref)?.oid ?? null;
    } catch (cause) {
      if (cause instanceof UnreadableError) return null;
      throw cause;
    }
  };
  for (let attempt = 0; attempt < 5; attempt++) {
    const oid = named();
    if (oid === null) return false;
    try {
      if (await objects.read(oid)) return true;
    } catch (cause) {
      if (!(cause instanceof UnreadableError)) throw cause;
    }
    // A hook may have replaced it just now.
    if (named() === oid) return false;
  }
  return true;
}
