/** File-system calls as the kernel sees them, and faults in them: strace with `--inject`, Linux only. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';

/** One file-system call of a traced process. */
export interface Call {
  readonly name: string;
  /** The how-manieth of its name since the process began: how strace counts. */
  readonly nth: number;
  /** The paths that it names, or that its descriptor is open on. */
  readonly paths: readonly string[];
  /** It changes something, or opens a file to do so. */
  readonly changes: boolean;
  readonly injected: boolean;
  readonly text: string;
}

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

/** What to put before a command; `fault` as strace's own `--inject` has it. */
export const stracing = (trace: string, fault?: string): string[] => [
  ...['strace', '-qq', '-y', '-s', '0', '-o', trace, '-e', `trace=${traced}`],
  ...(fault ? ['-e', `inject=${fault}`] : []),
];

/** Null where strace can trace; else what is missing. */
export function straceMissing(): string | null {
  if (process.platform !== 'linux') return 'Linux';
  const tried = spawnSync('strace', ['-qq', '-o', '/dev/null', '-e', 'inject=fsync:error=EIO', 'true']);
  return tried.status === 0 ? null : 'strace, and the right to trace';
}

/** The calls of the process's main thread, which makes all that hooks and commands wait for. */
export function callsIn(trace: string): Call[] {
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
    const own = line.replace(/AT_FDCWD<[^>]*>/g, '').replace(/\) += .*$/, '');
    const paths = [...own.matchAll(/"((?:\\.|[^"\\])*)"(?!\.\.\.)|\b\d+<(\/[^>]*)>/g)].map(
      ([, named, opened]) => named || opened || '',
    );
    const opens = /^open/.test(name) && /O_(?:WRONLY|RDWR|CREAT|TRUNC|APPEND)/.test(own);
    if (opens) written.add(paths[0]!);
    const closes = name === 'close' && written.delete(paths[0]!);
    calls.push({
      name,
      nth,
      paths: paths.filter((path) => path.startsWith('/')),
      changes: opens || closes || changing.test(name),
      injected: line.includes('(INJECTED)'),
      text: line,
    });
  }
  return calls;
}

/** A path without what differs from run to run: names of temporary files and of claims. */
const lasting = (path: string): string =>
  path
    .replace(/\.\d+-\w+-\w+-(\d+)\.tmp$/, '.$1.tmp')
    .replace(/\.(?:[\w-]{21}|\d+)\.tmp$/, '.tmp')
    .replace(/\/claims\/.*$/, '/claims/one');

/** The same call in another run. */
export const likeness = ({ name, paths }: Call): string => [name, ...paths.map(lasting)].join(' ');

const creates = (call: Call): boolean => /O_CREAT/.test(call.text);

/**
 * Those of `ENOSPC EIO EACCES EROFS EXDEV EPERM EMLINK` that the call can give once. Who may look where does not change from one
 * moment to the next, so looking fails with EIO alone; the tests of places take permissions away for good.
 */
export function errorsOf(call: Call): readonly string[] {
  const { name, changes } = call;
  if (/^rename/.test(name)) return ['ENOSPC', 'EIO', 'EACCES', 'EROFS', 'EXDEV', 'EPERM', 'EMLINK'];
  if (/^link/.test(name)) return ['ENOSPC', 'EIO', 'EACCES', 'EROFS', 'EXDEV', 'EPERM', 'EMLINK'];
  if (/^(?:unlink|rmdir)/.test(name)) return ['EIO', 'EACCES', 'EROFS', 'EPERM'];
  if (/^mkdir/.test(name)) return ['ENOSPC', 'EIO', 'EACCES', 'EROFS', 'EPERM', 'EMLINK'];
  if (/^symlink/.test(name)) return ['ENOSPC', 'EIO', 'EACCES', 'EROFS', 'EPERM'];
  if (/utim|ch(?:mod|own)/.test(name)) return ['EIO', 'EACCES', 'EROFS', 'EPERM'];
  if (/^(?:open|creat)/.test(name)) {
    if (creates(call)) return ['ENOSPC', 'EIO', 'EACCES', 'EROFS', 'EPERM'];
    return changes ? ['EIO', 'EACCES', 'EROFS', 'EPERM'] : ['EIO'];
  }
  if (/^p?write|truncate|copy_file_range|sendfile/.test(name)) return ['ENOSPC', 'EIO', 'EPERM'];
  if (/sync$/.test(name)) return ['ENOSPC', 'EIO', 'EROFS'];
  // What was only read has nothing left to be written.
  if (name === 'close') return changes ? ['ENOSPC', 'EIO'] : [];
  return ['EIO'];
}
