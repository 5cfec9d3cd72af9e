import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { graphAt, graphOf, rewrite, theirs } from '../support/graph.ts';
import { filesBelow, write } from '../support/scratch.ts';
import { type StoreKit, storeContract } from './store-contract.ts';

type What = { seq: number; id: string; note: string };

const own = (place: string, ...names: string[]): string => join(place, 'state', 'memory-graph', ...names);
const isOf = (id: string) => (line: string) => line.includes(`flowloom:session:shop-abc:${id}"`);

/** Puts something in place of all that the graph holds of the member. */
const lineBecomes =
  (make: (line: string) => string) =>
  (place: string, { id }: What): void =>
    rewrite(graphOf(place), (lines) => {
      const first = lines.findIndex(isOf(id));
      return lines.flatMap((line, at) => (at === first ? [make(line)] : isOf(id)(line) ? [] : [line]));
    });
const observationsBecome = (change: (observations: string[]) => string[]) =>
  lineBecomes((line) => {
    const entity = JSON.parse(line);
    return JSON.stringify({ ...entity, observations: change(entity.observations) });
  });
const ofNote =
  (make: (path: string) => void) =>
  (place: string, { note }: What): void => {
    const path = own(place, 'handoffs', `${note}.md`);
    rmSync(path);
    make(path);
  };

const kit: StoreKit = {
  open: graphAt,
  capabilities: { exclusive: false, keeps: false, forgets: false },
  prepare: (place) => void write(graphOf(place), theirs),
  holds: (place, id) =>
    filesBelow(place).some(
      (file) => file.includes(id) || readFileSync(join(place, file), 'utf8').includes(id),
    ),
  // Members whose state lies elsewhere have nothing but the file: what was given out here does not hold for them.
  drop(place, seq) {
    rewrite(graphOf(place), (lines) => lines.filter((line) => !line.includes(`"seq\\":${seq},`)));
    rmSync(own(place, 'seq', `${String(seq).padStart(12, '0')}.json`));
  },
  module: join(import.meta.dirname, '..', 'support', 'graph.ts'),
  factory: 'graphAt',
  damage: {
    'half a line': lineBecomes((line) => line.slice(0, line.length / 2)),
    'garbage in the middle of a line': lineBecomes((line) => `${line.slice(0, 70)}\0\u00ff{\u0001`),
    'a line of two that ran together': lineBecomes((line) => line + line),
    'a record that a model took out of its entity': observationsBecome((list) => list.slice(0, -1)),
    'half a record': observationsBecome((list) => list.map((entry) => entry.slice(0, 60))),
    'a record of a later version': observationsBecome((list) =>
      list.map((entry) => entry.replace('"version":1', '"version":99')),
    ),
    'an entity without observations': lineBecomes((line) =>
      JSON.stringify({ ...JSON.parse(line), observations: 7 }),
    ),
    'a FIFO for a note': ofNote((path) => void execFileSync('mkfifo', [path])),
    'a directory for a note': ofNote((path) => void mkdirSync(path)),
    'a symbolic link for a note': ofNote((path) => symlinkSync('/etc/hostname', path)),
    'a note of 100 MB': ofNote((path) => {
      writeFileSync(path, '');
      truncateSync(path, 100 << 20);
    }),
  },
  litter(place) {
    const entity = (name: string): string =>
      JSON.stringify({ type: 'entity', name, entityType: 'x', observations: ['flowloom: {"version":1}'] });
    const lines = [
      entity('flowloom'),
      entity('flowloom:session:other:a'),
      '{"type":"unknown"}',
      '[]',
      'null',
      '{ half',
    ];
    appendFileSync(graphOf(place), `\n${lines.join('\n')}`);
    for (const name of ['notes.txt', 'memory.jsonl.0123456789abcdef.tmp', 'state/memory-graph/seq/README'])
      write(join(place, name), 'not ours');
  },
  leftovers(place) {
    const names = [
      own(place, 'seq', 'claim.1-2-3.tmp'),
      own(place, 'members', 'a', 'presence.json.1-2-3.tmp'),
      own(place, 'file.1-2-3.tmp'),
    ];
    const minuteAgo = new Date(Date.now() - 60_000);
    for (const name of names) utimesSync(write(name, 'half'), minuteAgo, minuteAgo);
    return names.length;
  },
};

storeContract('memory graph', kit);
