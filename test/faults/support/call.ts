/** A call on a file, as the kernel or Node's `fs` sees it, and what can happen to it. */

/** One call of an observed process. */
export interface Call {
  readonly name: string;
  /** The how-manieth of its name since the process began. */
  readonly nth: number;
  /** The paths that it names, or that its descriptor is open on. */
  readonly paths: readonly string[];
  /** It changes something, or opens a file to do so. */
  readonly changes: boolean;
  /** It creates a file that was not there. */
  readonly creates: boolean;
  /** It was made to fail. */
  readonly injected: boolean;
  /** It failed, for whatever reason. */
  readonly failed: boolean;
}

/** A call, and what happens to it: `KILL` or the name of an error. */
export interface Fault {
  readonly call: Call;
  readonly what: string;
}

/** A path without what differs from run to run: names of temporary files, of claims and of seals. */
const lasting = (path: string): string =>
  path
    .replace(/\.\d+-\w+-\w+-(\d+)\.tmp$/, '.$1.tmp')
    .replace(/\.(?:[\w-]{21}|\d+)\.tmp$/, '.tmp')
    .replace(/\/claims\/.*$/, '/claims/one')
    .replace(/\/seals\/\w+\.(seal|writing)$/, '/seals/one.$1')
    .replace(/\/flowloom-[\w-]+-\w{6}(?=\/|$)/, '');

/** The same call in another run. */
export const likeness = ({ name, paths }: Call): string => [name, ...paths.map(lasting)].join(' ');

/** One hook in sixteen, by its number, adds to its entry of the code cache: what it did then is not done again. */
export const isByChance = ({ paths }: Call): boolean =>
  paths.some((path) => Number(/\.bin\.(\d+)\.tmp$/.exec(path)?.[1] ?? 1) % 16 === 0);

const any = ['ENOSPC', 'EIO', 'EACCES', 'EROFS', 'EXDEV', 'EPERM', 'EMLINK'];

/** Which of the errors that are all the same to whoever looks; `test/conventions` holds that they are. */
export interface Looking {
  /** Nothing in the program tells EIO from a refusal. */
  readonly alike: boolean;
  readonly turn: number;
}

/** What looking can give: of errors that are the same to the program one, in turn. */
function lookingErrors({ alike, turn }: Looking): readonly string[] {
  const refusals = ['EACCES', 'EPERM'];
  return alike ? [['EIO', ...refusals][turn % 3]!] : ['EIO', refusals[turn % 2]!];
}

/** Those of `ENOSPC EIO EACCES EROFS EXDEV EPERM EMLINK` that the call can give, on whatever drive. */
export function errorsOf({ name, changes, creates }: Call, how: Looking): readonly string[] {
  const looking = lookingErrors(how);
  if (/^(?:rename|link)/.test(name)) return any;
  if (/^(?:unlink|rmdir|rm)/.test(name)) return ['EIO', 'EACCES', 'EROFS', 'EPERM'];
  if (/^mkdir/.test(name)) return ['ENOSPC', 'EIO', 'EACCES', 'EROFS', 'EPERM', 'EMLINK'];
  if (/^symlink/.test(name)) return ['ENOSPC', 'EIO', 'EACCES', 'EROFS', 'EPERM'];
  if (/utim|ch(?:mod|own)/.test(name)) return ['EIO', 'EACCES', 'EROFS', 'EPERM'];
  if (/^(?:open|creat|writeFile)/.test(name)) {
    if (creates) return ['ENOSPC', 'EIO', 'EACCES', 'EROFS', 'EPERM'];
    return changes ? ['EIO', 'EACCES', 'EROFS', 'EPERM'] : looking;
  }
  if (/^p?write|truncate|copy_?[fF]ile|sendfile/.test(name)) return ['ENOSPC', 'EIO', 'EPERM'];
  if (/sync$|^f(?:data)?syncSync$/.test(name)) return ['ENOSPC', 'EIO', 'EROFS'];
  // What was only read has nothing left to be written.
  if (/^close/.test(name)) return changes ? ['ENOSPC', 'EIO'] : [];
  return looking;
}
