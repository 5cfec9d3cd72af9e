/**
 * The first lines of every installed hook: runs the hook's body from V8's code cache.
 *
 * Compiling fifty kilobytes of JavaScript, and each function at its first call, is a tenth of a bare Node start, at every hook. An
 * entry of the cache is written by the first run and belongs to one body (path, size, time) and one Node; V8 refuses what
 * another version or other flags have made. Without an entry, for whatever reason, the body is compiled as usual.
 */
import fs from 'node:fs';
import vm from 'node:vm';
import { cacheDirectory, readEntry, writeEntry } from '../io/code-cache.ts';
import { fingerprint } from '../io/fingerprint.ts';

/** The name of the hook, written in by the build. */
declare const __HOOK__: string;

function entryOf(body: string): string | null {
  const directory = cacheDirectory(process.env);
  if (!directory || process.platform === 'win32') return null;
  const { size, mtimeMs } = fs.statSync(body);
  const key = fingerprint([body, size, mtimeMs, process.version, process.arch].join(' '));
  return `${directory}/${__HOOK__}-${key}.bin`;
}

function boot(): void {
  const body = `${__dirname}/body/${__HOOK__}.cjs`;
  const entry = entryOf(body);
  const cachedData = entry === null ? undefined : readEntry(entry);
  // The build leaves ASCII only, which needs no decoding.
  const source = `(function (require, __dirname) {${fs.readFileSync(body, 'latin1')}\n})`;
  const script = new vm.Script(source, { filename: body, cachedData });
  const missing = !cachedData || script.cachedDataRejected === true;
  // Written when the hook has answered, with every function that it used. The first run may have been a short one, so now and then
  // a run looks whether more is known by now.
  if (entry !== null && (missing || process.pid % 16 === 0))
    process.once('exit', () => {
      const content = script.createCachedData();
      if (missing || content.length > cachedData.length) writeEntry(entry, content);
    });
  script.runInThisContext()(require, __dirname);
}

if (process.env.FLOWLOOM !== 'off') {
  try {
    boot();
  } catch (cause) {
    // An installation that lost its files: doctor tells, and no hook may fail for it.
    if (process.env.FLOWLOOM_DEBUG === '1') process.stderr.write(`flowloom ${__HOOK__}: ${cause}\n`);
    process.exit(0);
  }
}
