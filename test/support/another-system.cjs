/**
 * Preloaded, it makes a process believe that it runs on another system, as far as hooks ask: FAKE_PLATFORM is its name. There is no
 * /proc then. FAKE_HOST is the host name, FAKE_UPTIME for how many seconds the machine runs, FAKE_VAR what is there instead of
 * /var/tmp. Calls of `ps` are noted in the file FAKE_PS_LOG, a letter each, and fail with the code in FAKE_PS.
 */
const fs = require('node:fs');
const os = require('node:os');
const childProcess = require('node:child_process');

const { FAKE_PLATFORM, FAKE_HOST, FAKE_UPTIME, FAKE_VAR, FAKE_PS, FAKE_PS_LOG } = process.env;

const gone = (path) =>
  Object.assign(new Error(`ENOENT: no such file or directory '${path}'`), { code: 'ENOENT' });
const elsewhere = (path) => (FAKE_VAR ? path.replace(/^\/var\/tmp(?=\/|$)/, FAKE_VAR) : path);

Object.defineProperty(process, 'platform', { value: FAKE_PLATFORM });
for (const name of [
  'readFileSync',
  'readlinkSync',
  'statSync',
  'lstatSync',
  'existsSync',
  'openSync',
  'mkdirSync',
  'linkSync',
  'unlinkSync',
]) {
  const real = fs[name];
  fs[name] = (...args) => {
    const paths = args.map((arg) => (typeof arg === 'string' ? elsewhere(arg) : arg));
    if (typeof args[0] !== 'string' || !args[0].startsWith('/proc/')) return real.apply(fs, paths);
    if (name === 'existsSync') return false;
    throw gone(args[0]);
  };
}
if (FAKE_HOST) os.hostname = () => FAKE_HOST;
if (FAKE_UPTIME) os.uptime = () => Number(FAKE_UPTIME);
const { spawnSync } = childProcess;
childProcess.spawnSync = (command, ...rest) => {
  if (!/(^|\/)ps$/.test(command)) return spawnSync(command, ...rest);
  if (FAKE_PS_LOG) fs.appendFileSync(FAKE_PS_LOG, 'p');
  if (!FAKE_PS) return spawnSync(command, ...rest);
  const error = Object.assign(new Error(`spawnSync ${command} ${FAKE_PS}`), { code: FAKE_PS });
  return { error, status: null, signal: null, output: null, pid: 0, stdout: '', stderr: '' };
};
