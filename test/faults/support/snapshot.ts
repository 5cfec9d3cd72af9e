/** A directory that is put back as it was, again and again: only what was touched meanwhile is written. */
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  type Stats,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { filesBelow } from '../../support/scratch.ts';

/** Changes with every change: nobody can set the time of a change back. */
const stampOf = ({ ino, size, mode, ctimeMs }: Stats): string => [ino, size, mode, ctimeMs].join(' ');

/** How every file below a directory looks, but for those that are `left out`. */
export const stampsBelow = (
  directory: string,
  leftOut: (name: string) => boolean = () => false,
): Record<string, string> =>
  Object.fromEntries(
    filesBelow(directory)
      .filter((name) => !leftOut(name))
      .map((name) => [name, stampOf(lstatSync(join(directory, name)))]),
  );

export class Snapshot {
  readonly #root: string;
  readonly #files: ReadonlyMap<string, { bytes: Buffer; stat: Stats }>;
  readonly #folders: ReadonlyMap<string, number>;
  /** How the files looked when they were put back last. */
  #stamps = new Map<string, string>();

  /** Of plain files and directories. */
  constructor(root: string) {
    this.#root = root;
    const names = readdirSync(root, { recursive: true, encoding: 'utf8' });
    const all = names.map((name) => ({ name, stat: lstatSync(join(root, name)) }));
    this.#files = new Map(
      all
        .filter(({ stat }) => stat.isFile())
        .map(({ name, stat }) => [name, { bytes: readFileSync(join(root, name)), stat }]),
    );
    this.#folders = new Map(
      ['', ...all.filter(({ stat }) => stat.isDirectory()).map(({ name }) => name)].map((name) => [
        name,
        lstatSync(join(root, name)).mode,
      ]),
    );
  }

  restore(): void {
    if (existsSync(this.#root))
      for (const name of readdirSync(this.#root, { recursive: true, encoding: 'utf8' })) {
        const path = join(this.#root, name);
        const stat = lstatSync(path, { throwIfNoEntry: false });
        if (!stat) continue;
        const stays = stat.isDirectory()
          ? this.#folders.get(name) === stat.mode
          : this.#stamps.get(name) === stampOf(stat);
        if (!stays) rmSync(path, { recursive: true, force: true });
      }
    for (const [name, mode] of this.#folders) {
      const path = join(this.#root, name);
      if (existsSync(path)) continue;
      mkdirSync(path);
      // With the sticky bit, which a new directory does not take.
      chmodSync(path, mode & 0o7777);
    }
    for (const [name, { bytes, stat }] of this.#files) {
      const path = join(this.#root, name);
      if (existsSync(path)) continue;
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, bytes);
      chmodSync(path, stat.mode & 0o777);
      utimesSync(path, stat.atime, stat.mtime);
      this.#stamps.set(name, stampOf(lstatSync(path)));
    }
  }
}
