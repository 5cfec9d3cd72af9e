/** File-system calls as the kernel sees them, and faults in them: strace with `--inject`, Linux only. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import type { Call, Fault } from './call.ts';
import type { Injector } from './campaign.ts';

/** `?` lets names pass that this machine's kernel does not have. */
const traced = [
  ...['open', 'openat', 'creat', 'close', 'read', 'pread64', 'readv', 'getdents64'],
  ...['write', 'pwrite64', 'writev', 'pwritev', 'ftruncate', 'truncate', 'fsync', 'fdatasync'],
  ...['rename', 'renameat', 'renameat2', 'link', 'linkat', 'symlink', 'symlinkat', 'unlink', 'unlinkat'],
  ...['mkdir', 'mkdirat', 'rmdir', 'utime', 'utimes', 'utimensat', 'futimesat'],
  ...['chmod', 'fchmod', 'fchmodat', 'chown', 'fchown', 'lchown', 'fchownat'],
  ...['stat', 'lstat', 'fstat', 'newfstatat', 'statx', 'access', 'faccessat', 'faccessat2'],
  ...['readlink', 'readlinkat', 'copy_file_range', 'sendfile'],
]
  .map((name) => `?${name}`)
  .join();

const changing =
  /^(?:creat|p?write(?:v|64)?|f?truncate|f(?:data)?sync|rename\w*|link(?:at)?|symlink\w*|unlink\w*|mkdir\w*|rmdir|f?utime\w*|l?f?ch(?:mod|own)\w*|copy_file_range|sendfile)$/;

const stracing = (trace: string, more: readonly string[] = []): string[] => [
  ...['strace', '-qq', '-y', '-s', '0', '-o', trace, '-e', `trace=${traced}`],
  ...more,
];

const injection = ({ call, what }: Fault): string =>
  `inject=${call.name}:${what === 'KILL' ? 'signal=KILL' : `error=${what}`}:when=${call.nth}`;

/** Runs what follows with each of these calls on one of these paths made to do this, say `error=EIO`. */
export const injecting = (calls: string, what: string, paths: readonly string[]): string[] => [
  ...['strace', '-qq', '-o', '/dev/null', ...paths.flatMap((path) => ['-P', path])],
  ...['-e', `trace=${calls}`, '-e', `inject=${calls}:${what}`],
];

/** What tests need and this machine does not have; null when it is all there. */
export function straceMissing(): string | null {
  if (process.platform !== 'linux') return 'Linux';
  const tried = spawnSync('strace', ['-qq', '-o', '/dev/null', '-e', 'inject=fsync:error=EIO', 'true']);
  return tried.status === 0 ? null : 'strace, and the right to trace';
}

/** The calls of the process's main thread, which makes all that hooks and commands wait for. */
function callsIn(trace: string): Call[] {
  const counts = new Map<string, number>();
  const calls: Call[] = [];
  /** Open for writing: closing them may fail. */
  const written = new Set<string>();
  const lines = existsSync(trace) ? readFileSync(trace, 'latin1').split('\n') : [];
  for (const line of lines) {
    const name = line.match(/^(\w+)\(/)?.[1];
    if (!name) continue;
    const nth = (counts.get(name) ?? 0) + 1;
    counts.set(name, nth);
    const own = line
      .replace(/AT_FDCWD<[^>]*>/g, '')
      .replace(/\b1<(?:pipe|socket|UNIX[^:]*):[^>]*>/g, '1</dev/stdout>')
      .replace(/\) += .*$/, '');
    const paths = [...own.matchAll(/"((?:\\.|[^"\\])*)"(?!\.\.\.)|\b\d+<(\/[^>]*)>/g)]
      .map(([, named, opened]) => named || opened || '')
      .filter((path) => path.startsWith('/'));
    const opens = /^open/.test(name) && /O_(?:WRONLY|RDWR|CREAT|TRUNC|APPEND)/.test(own);
    if (opens) written.add(paths[0]!);
    const closes = name === 'close' && written.delete(paths[0]!);
    calls.push({
      name,
      nth,
      paths,
      changes: opens || closes || changing.test(name),
      creates: opens && own.includes('O_CREAT'),
      injected: line.includes('(INJECTED)'),
      failed: / = (?:-1|\?)/.test(line),
    });
  }
  return calls;
}

/** Faults at the kernel's door. */
export const straceInjector: Injector = {
  observed: (log) => ({ through: stracing(log) }),
  faulted: (log, fault) => ({ through: stracing(log, ['-e', injection(fault)]) }),
  calls: callsIn,
};
