// Loaded into a process with --require: writes down each call of Node's synchronous `fs`, and lets one of them fail or be the last.
// FLOWLOOM_FS_LOG names the file for the calls, FLOWLOOM_FS_FAULT is { name, nth, what, on }: `on` lets
// later ones fail, too, whose path has that in it: all of them, or with a full or read-only disk those that change something.
'use strict';
const fs = require('node:fs');
const { syncBuiltinESMExports } = require('node:module');

const fault = JSON.parse(process.env.FLOWLOOM_FS_FAULT || 'null');
const log = fs.openSync(process.env.FLOWLOOM_FS_LOG, 'a');
// What this process starts is another process.
for (const name of ['FLOWLOOM_FS_LOG', 'FLOWLOOM_FS_FAULT', 'NODE_OPTIONS']) delete process.env[name];

const { writeSync } = fs;
const say = (call) => writeSync(log, `${JSON.stringify(call)}\n`);
const changing =
  /^(?:write|append|f?truncate|f(?:data)?sync|rename|link|symlink|unlink|rm|mkdir|f?utimes|lutimes|l?f?ch|cp|copy)/;
const { O_WRONLY, O_RDWR, O_CREAT, O_TRUNC, O_APPEND } = fs.constants;
const counts = new Map();
/** Descriptors by path, and whether they are open for writing. */
const open = new Map();
let depth = 0;
let broken = false;

function facts(name, args) {
  const known = typeof args[0] === 'number' ? open.get(args[0]) : undefined;
  const paths = typeof args[0] === 'number' ? [known?.path ?? ''] : [String(args[0])];
  if (/^(?:rename|link|symlink|cp|copyFile)Sync$/.test(name)) paths.push(String(args[1]));
  const flags = name === 'openSync' ? (args[1] ?? 'r') : undefined;
  const writes =
    typeof flags === 'number'
      ? (flags & (O_WRONLY | O_RDWR | O_CREAT | O_TRUNC | O_APPEND)) !== 0
      : typeof flags === 'string' && /[wa+]/.test(flags);
  const creates =
    name === 'writeFileSync' ||
    (typeof flags === 'number' ? (flags & O_CREAT) !== 0 : typeof flags === 'string' && /[wa]/.test(flags));
  const changes = writes || changing.test(name) || (name === 'closeSync' && Boolean(known?.writes));
  return { paths, changes, creates, writes };
}

function wrap(name) {
  const real = fs[name];
  fs[name] = function wrapped(...args) {
    // Some call others; one step is one call.
    if (depth > 0) return real.apply(this, args);
    const nth = (counts.get(name) ?? 0) + 1;
    counts.set(name, nth);
    const { paths, changes, creates, writes } = facts(name, args);
    const here = fault && fault.name === name && fault.nth === nth;
    if (here && fault.on) broken = true;
    const stays = broken && (changes || !/^E(?:NOSPC|ROFS|DQUOT)$/.test(fault.what));
    const fails = here || (stays && name !== 'closeSync' && paths.some((path) => path.includes(fault.on)));
    const call = { name, nth, paths, changes, creates, injected: fails, failed: fails };
    if (fails && fault.what === 'KILL') {
      say(call);
      process.kill(process.pid, 'SIGKILL');
      for (;;);
    }
    if (fails) {
      say(call);
      // It is closed all the same, as the system does.
      if (name === 'closeSync') real.apply(this, args);
      // What is asked so that nothing is thrown says no.
      if (name === 'existsSync') return false;
      throw Object.assign(new Error(`${fault.what}: injected, ${name} '${paths[0]}'`), {
        code: fault.what,
        syscall: name.replace(/Sync$/, ''),
        path: paths[0],
        errno: -1,
      });
    }
    depth++;
    try {
      const result = real.apply(this, args);
      if (name === 'openSync') open.set(result, { path: paths[0], writes });
      if (name === 'closeSync') open.delete(args[0]);
      say(call);
      return result;
    } catch (cause) {
      say({ ...call, failed: true });
      throw cause;
    } finally {
      depth--;
    }
  };
  if (real.native) fs[name].native = real.native;
}

for (const name of Object.keys(fs)) if (/Sync$/.test(name) && typeof fs[name] === 'function') wrap(name);
syncBuiltinESMExports();
