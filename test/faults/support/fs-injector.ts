/** Calls of Node's `fs`, and faults in them, on any system: a script that is loaded before the program. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Call } from './call.ts';
import type { Around, Injector } from './campaign.ts';

const script = join(import.meta.dirname, 'fs-injector.cjs');

const around = (log: string, fault: object | null): Around => ({
  env: {
    NODE_OPTIONS: `--require=${script}`,
    FLOWLOOM_FS_LOG: log,
    FLOWLOOM_FS_FAULT: JSON.stringify(fault),
  },
});

function callsIn(log: string): Call[] {
  const lines = existsSync(log) ? readFileSync(log, 'utf8').split('\n').filter(Boolean) : [];
  return lines.map((line) => JSON.parse(line) as Call);
}

/** Faults at the door of `fs`. */
export const fsInjector: Injector = {
  observed: (log) => around(log, null),
  faulted: (log, { call, what }) => around(log, { name: call.name, nth: call.nth, what }),
  calls: callsIn,
};

/** As `fsInjector`, and from there on the git directory's state stays so: a disk that is full, read-only or gone. */
export const lastingInjector: Injector = {
  ...fsInjector,
  lasting: true,
  faulted: (log, { call, what }) =>
    around(log, { name: call.name, nth: call.nth, what, on: '/.git/flowloom' }),
};
