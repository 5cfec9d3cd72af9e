/** Which files of somebody's list are looked at. */
import fs, { mkdirSync, symlinkSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { changedSince } from '../../src/io/changed-since.ts';
import { scratch, write } from '../support/scratch.ts';

const now = Date.now();

/** The paths that the system was asked for meanwhile. */
function asked(act: () => unknown): string[] {
  const paths: string[] = [];
  const real = { lstatSync: fs.lstatSync, statSync: fs.statSync, realpathSync: fs.realpathSync };
  for (const name of ['lstatSync', 'statSync', 'realpathSync'] as const)
    Object.assign(fs, {
      [name]: (path: string, ...more: unknown[]) => {
        paths.push(path);
        return (real[name] as (...args: unknown[]) => unknown)(path, ...more);
      },
    });
  try {
    act();
  } finally {
    Object.assign(fs, real);
  }
  return paths;
}

test('counts what was written to after that time, and what is gone', () => {
  const root = scratch();
  const old = write(join(root, 'old.txt'), '');
  utimesSync(old, new Date(now - 60_000), new Date(now - 60_000));
  const young = write(join(root, 'deep', 'young.txt'), '');
  const files = [old, young, join(root, 'gone.txt'), 'old.txt'];
  expect(changedSince(files, now - 30_000, [root])).toEqual({ files: 2, of: 4 });
});

test('looks at nothing outside, however it is named', () => {
  const base = scratch();
  const root = join(base, 'shop');
  mkdirSync(join(root, 'src'), { recursive: true });
  write(join(base, 'secret'), '');
  symlinkSync(base, join(root, 'out'));
  symlinkSync(join(base, 'secret'), join(root, 'link'));
  const outside = [
    '/etc/passwd',
    '../secret',
    join(root, '..', 'secret'),
    `${root}/src/../../secret`,
    `${root}-other/x`,
    join(root, 'out', 'secret'),
    'out/secret',
    'link',
    root,
    '.',
    '',
  ];
  const paths = asked(() => expect(changedSince(outside, 0, [root])).toEqual({ files: 0, of: 0 }));
  // Of a link no more than that it is one.
  expect(paths.filter((path) => ![join(root, 'out'), join(root, 'link')].includes(path))).toEqual([]);
});

test('looks at sixty of thousands', () => {
  const root = scratch();
  const files = Array.from({ length: 5002 }, (_, n) => join(root, `f${n}`));
  const paths = asked(() => expect(changedSince(files, 0, [root])).toEqual({ files: 60, of: 60 }));
  expect(new Set(paths).size).toBe(60);
});

test('one work tree or another: where the file lies counts', () => {
  const [one, two] = [scratch(), scratch()];
  const file = write(join(two, 'a.txt'), '');
  expect(changedSince([file], 0, [one, two])).toEqual({ files: 1, of: 1 });
  expect(changedSince([file], 0, [one])).toEqual({ files: 0, of: 0 });
});
