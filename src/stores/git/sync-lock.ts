/**
 * One sync at a time. The lock names its holder by pid and start time, so that it is over with the process, however that ended.
 * Two at once, from containers that do not see each other's processes, do no harm: every change is a compare-and-swap.
 */
import fs from 'node:fs';
import { join } from 'node:path';
import { number, object, text } from '../../core/shape.ts';
import { createFile } from '../../io/atomic-write.ts';
import { startOf } from '../../io/processes.ts';
import { safeRead, UnreadableError } from '../../io/safe-read.ts';

const holderShape = object<{ pid: number; start: string; at: number }>({
  pid: number,
  start: text,
  at: number,
});

const pathIn = (place: string): string => join(place, 'sync.lock');

/** A sync is at work here. One that is older than its limit is not: it hangs, or its pid is somebody else's by now. */
export function isSyncing(place: string, limitMs: number): boolean {
  try {
    const holder = holderShape(JSON.parse(safeRead(pathIn(place), 4096) ?? 'null'));
    return (
      holder !== undefined &&
      Math.abs(Date.now() - holder.at) < limitMs &&
      startOf(holder.pid) === holder.start
    );
  } catch (cause) {
    if (cause instanceof UnreadableError || cause instanceof SyntaxError) return false;
    throw cause;
  }
}

/** Takes the lock; null when a sync is at work. What comes back gives it up. */
export function takeSyncLock(place: string, limitMs: number): (() => void) | null {
  const path = pathIn(place);
  const mine = JSON.stringify({
    pid: process.pid,
    start: startOf(process.pid) ?? '',
    at: Date.now(),
    nonce: Math.random(),
  });
  for (let attempt = 0; attempt < 3; attempt++) {
    if (createFile(path, mine))
      return () => {
        if (read(path) === mine) fs.rmSync(path, { force: true });
      };
    const before = read(path);
    if (isSyncing(place, limitMs)) return null;
    // Left by one that was killed; of several that find it so, the one that moves it aside removes it.
    if (read(path) === before) fs.rmSync(path, { force: true, recursive: true });
  }
  return null;
}

function read(path: string): string | null {
  try {
    return safeRead(path, 4096);
  } catch {
    return null;
  }
}
