/**
 * The first lines of every installed hook: runs the hook's body from V8's code cache.
 *
 * Compiling fifty kilobytes of JavaScript, and each function at its first call, is a tenth of a bare Node start, at every hook.
 * The cache lies in the user's cache directory, is written by the first run, and belongs to one body (path, size, time) and one
 * Node; V8 refuses what another version or other flags have made. It is code, so only a private file of this user is believed.
 * Without a cache, for whatever reason, the body is compiled as usual.
 */
import fs from 'node:fs';
import { dirname } from 'node:path';
import vm from 'node:vm';
import { makePrivateDirectory } from '../io/atomic-write.ts';
import { cacheDirectory } from '../io/cache-directory.ts';
import { fingerprint } from '../io/fingerprint.ts';

/** The name of the hook, written in by the build. */
declare const __HOOK__: string;

const { O_RDONLY, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = fs.constants;

function cacheFile(body: string): string | null {
  const directory = cacheDirectory(process.env);
  if (!directory || process.platform === 'win32') return null;
  const { size, mtimeMs } = fs.statSync(body);
  const key = fingerprint([body, size, mtimeMs, process.version, process.arch].join(' '));
  return `${directory}/${__HOOK__}-${key}.bin`;
}

function readCache(file: string): Buffer | undefined {
  let fd: number;
  try {
    fd = fs.openSync(file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  } catch {
    return undefined;
  }
  try {
    const { uid, mode } = fs.fstatSync(fd);
    return uid === process.getuid?.() && (mode & 0o170077) === 0o100000 ? fs.readFileSync(fd) : undefined;
  } catch {
    return undefined;
  } finally {
    fs.closeSync(fd);
  }
}

/** Written when the hook has answered, with every function that it used. */
function writeCache(file: string, script: vm.Script): void {
  try {
    makePrivateDirectory(dirname(file));
    const temporary = `${file}.${process.pid}.tmp`;
    fs.writeFileSync(temporary, script.createCachedData(), { flag: 'wx', mode: 0o600 });
    fs.renameSync(temporary, file);
  } catch {
    // The next run compiles again.
  }
}

function boot(): void {
  const body = `${__dirname}/body/${__HOOK__}.cjs`;
  let file: string | null = null;
  try {
    file = cacheFile(body);
  } catch {
    // Without a cache it goes as well.
  }
  const cachedData = file === null ? undefined : readCache(file);
  // The build leaves ASCII only, which needs no decoding.
  const source = `(function (require, __dirname) {${fs.readFileSync(body, 'latin1')}\n})`;
  const script = new vm.Script(source, { filename: body, cachedData });
  if (file !== null && (!cachedData || script.cachedDataRejected)) {
    const path = file;
    process.once('exit', () => writeCache(path, script));
  }
  script.runInThisContext()(require, __dirname);
}

if (process.env.FLOWLOOM !== 'off') boot();
