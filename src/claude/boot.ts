/**
 * The first lines of every installed hook: runs the hook's body from V8's code cache. The build makes them readable for any Node, so
 * that one that is too old leaves in peace.
 *
 * Compiling fifty kilobytes of JavaScript, and each function at its first call, is a tenth of a bare Node start, at every hook. An
 * entry of the cache is written by the first run and belongs to one body (inode, size, time) and one Node; V8 refuses what
 * another version or other flags have made. Without an entry, for whatever reason, the body is compiled as usual.
 */
import fs from 'node:fs';
import vm from 'node:vm';
import { type Compiled, cacheDirectory, readEntry } from '../io/code-entry.ts';
import { oldNode } from '../messages/old-node.ts';

/** The name of the hook, written in by the build. */
declare const __HOOK__: string;

function entryOf(body: string): string | null {
  const directory = cacheDirectory(process.env);
  if (!directory || process.platform === 'win32') return null;
  const { dev, ino, size, mtimeMs } = fs.statSync(body);
  return `${directory}/${__HOOK__}-${dev}-${ino}-${size}-${mtimeMs}-${process.version}-${process.arch}.bin`;
}

/** What a cache that cannot be read is worth. */
function cached(entry: string): Uint8Array | undefined {
  try {
    return readEntry(entry);
  } catch {
    return undefined;
  }
}

function boot(): void {
  const body = `${__dirname}/body/${__HOOK__}.cjs`;
  const entry = entryOf(body);
  const cachedData = entry === null ? undefined : cached(entry);
  const script = new vm.Script(fs.readFileSync(body, 'utf8'), { filename: body, cachedData });
  const size = script.cachedDataRejected ? 0 : (cachedData?.length ?? 0);
  const compiled: Compiled | null = entry === null ? null : { script, entry, size };
  script.runInThisContext()(require, __dirname, compiled);
}

/** The body does not parse in it. Whoever starts a session is told why it works alone. */
const isTooOld = Number.parseInt(process.versions.node, 10) < 20;

if (process.env.FLOWLOOM !== 'off') {
  try {
    if (!isTooOld) boot();
    else if (__HOOK__ === 'session-start')
      console.log(JSON.stringify({ systemMessage: oldNode(process.version, process.execPath) }));
  } catch (cause) {
    // An installation that lost its files: doctor tells, and no hook may fail for it.
    if (process.env.FLOWLOOM_DEBUG === '1') process.stderr.write(`flowloom ${__HOOK__}: ${cause}\n`);
    process.exit(0);
  }
}
