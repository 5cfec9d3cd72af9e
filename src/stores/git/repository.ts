/** The private bare repository of the git store. The user's own repository never holds a ref or an object of ours. */
import fs from 'node:fs';
import { join } from 'node:path';
import type { Birth } from '../../core/member.ts';
import { makePrivateDirectory } from '../../io/atomic-write.ts';
import { safeRead } from '../../io/safe-read.ts';
import { type Objects, objectsIn } from './objects.ts';
import { encodeRecord, type RecordCommit } from './record.ts';
import { type Refs, refsIn } from './refs.ts';

/** What git keeps of ours, opened. */
export interface Repository {
  readonly path: string;
  readonly refs: Refs;
  readonly objects: Objects;
  /** Makes the repository when there is none. Throws with a sentence when it cannot be made or used. */
  ensure(): Promise<void>;
  /** The name of this clone: records that carry it were born here. Only after `ensure`. */
  clone(): string;
  /** Keeps a record as a commit and returns its name. Only after `ensure`, as the ones below. */
  keep(record: Omit<RecordCommit, 'clone'>, durable: boolean): string;
  keepBirth(birth: Birth, seq: number): string;
  /** What stands for a birth that was lost, so that its number stays taken. */
  keepLost(seq: number): string;
  /** Keeps a record as a remote gets it: the same record is the same object. */
  keepShared(record: RecordCommit): string;
}

const gitLimitMs = 1500;

const settings = (clone: string): string => `[core]
	fsync = reference,loose-object
	logAllRefUpdates = false
	commitGraph = false
[gc]
	auto = 0
	writeCommitGraph = false
[maintenance]
	auto = false
[fetch]
	unpackLimit = 5000
	writeCommitGraph = false
[flowloom]
	clone = ${clone}
`;

const random = (): string => Math.random().toString(36).slice(2, 8);

/** The repository at this path; nothing is made yet. `userGit` is the git directory whose object format it shares. */
export function repositoryAt(path: string, userGit: string | null): Repository {
  const objects = objectsIn(path);
  const refs = refsIn(path);
  let known: { clone: string; sha256: boolean } | null = null;

  /** What its configuration says; null when there is no repository. */
  const configured = (): { clone: string; sha256: boolean } | null => {
    if (known) return known;
    const text = safeRead(join(path, 'config'), 64 * 1024);
    if (text === null) return null;
    if (/^\s*refstorage\s*=\s*(?!files)/im.test(text))
      throw new Error(
        `${path} keeps its refs in a way that is not supported; move it away and a new one is made`,
      );
    const clone = text.match(/^\s*clone\s*=\s*([\w-]+)\s*$/m)?.[1];
    if (!clone) throw new Error(`${path} was not made by flowloom; move it away and a new one is made`);
    known = { clone, sha256: /^\s*objectformat\s*=\s*sha256\s*$/im.test(text) };
    return known;
  };

  const make = async (): Promise<void> => {
    const { git } = await import('../../io/git.ts');
    const above = join(path, '..');
    makePrivateDirectory(above);
    const format = sha256In(userGit) ? 'sha256' : 'sha1';
    // Made beside and moved into place: complete or not there at all, and of several the first one stays.
    const temporary = `${path}.${process.pid}-${random()}.tmp`;
    try {
      const made = git(
        above,
        [
          ...[
            '-c',
            'init.defaultRefFormat=files',
            'init',
            '--quiet',
            '--bare',
            '--shared=0600',
            '--template=',
          ],
          ...[`--object-format=${format}`, temporary],
        ],
        gitLimitMs,
      );
      if (!made.ok && made.why === 'missing')
        throw new Error('the git store needs git, which is not on the PATH');
      if (!made.ok)
        throw new Error(`git cannot make ${path} (2.31 or newer is needed): ${made.message.slice(0, 300)}`);
      fs.appendFileSync(join(temporary, 'config'), settings(`c${random()}${random()}`));
      objectsIn(temporary).write('tree', Buffer.alloc(0), format, true);
      try {
        fs.renameSync(temporary, path);
      } catch (cause) {
        if (!['ENOTEMPTY', 'EEXIST', 'EPERM'].includes((cause as NodeJS.ErrnoException).code ?? ''))
          throw cause;
        if (!configured()) throw cause;
      }
    } finally {
      fs.rmSync(temporary, { recursive: true, force: true });
    }
  };

  const writer = (): string => `${process.pid}-${process.hrtime.bigint().toString(36)}-${random()}`;
  const write = (record: RecordCommit, by: string, durable: boolean): string => {
    const algorithm = configured()!.sha256 ? 'sha256' : 'sha1';
    return objects.write('commit', encodeRecord(record, emptyTree[algorithm], by), algorithm, durable);
  };

  return {
    path,
    refs,
    objects,

    async ensure() {
      if (!configured()) await make();
    },

    clone: () => configured()!.clone,

    keep: (record, durable) => write({ ...record, clone: configured()!.clone }, writer(), durable),

    keepBirth(birth, seq) {
      const subject = `join ${seq}: ${birth.cause} of ${birth.id}`;
      const at = Date.parse(birth.joinedAt) / 1000 || Date.now() / 1000;
      const { clone } = configured()!;
      return write({ subject, text: JSON.stringify(birth), at, clone }, writer(), true);
    },

    keepLost(seq) {
      const record = { subject: `join ${seq}: its record was lost`, text: '{}', at: Date.now() / 1000 };
      return write({ ...record, clone: configured()!.clone }, writer(), true);
    },

    keepShared: (record) => write(record, 'shared', true),
  };
}

/** The name of a tree without anything in it, which git knows without having it. */
export const emptyTree = {
  sha1: '4b825dc642cb6eb9a060e54bf8d69288fbee4904',
  sha256: '6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321',
};

/** Whether a repository names its objects by SHA-256. */
function sha256In(gitDirectory: string | null): boolean {
  if (!gitDirectory) return false;
  try {
    return /^\s*objectformat\s*=\s*sha256\s*$/im.test(safeRead(join(gitDirectory, 'config'), 1 << 20) ?? '');
  } catch {
    return false;
  }
}
