/** Something else in place of a record: the hooks of its owner and of everybody else go on, and nobody's other record changes. */
import { execFileSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startLongClient } from '../support/clients.ts';
import { expectWell, haveRecords, records } from '../support/member-records.ts';
import { contentsBelow, write } from '../support/scratch.ts';
import { idOf } from '../support/state.ts';
import { type SessionUnderTest, world } from '../support/world.ts';

type Spoil = (path: string, precious: string) => void;
const afresh =
  (make: Spoil): Spoil =>
  (path, precious) => {
    rmSync(path, { recursive: true, force: true });
    make(path, precious);
  };

const spoils: Readonly<Record<string, Spoil>> = {
  'a FIFO': afresh((path) => execFileSync('mkfifo', [path])),
  'a symbolic link to a file of somebody else': afresh((path, precious) => symlinkSync(precious, path)),
  'a symbolic link to nowhere': afresh((path) => symlinkSync('/nonexistent/x', path)),
  'a directory': afresh((path) => write(join(path, 'theirs.txt'), 'theirs')),
  garbage: afresh((path) => writeFileSync(path, Buffer.from([0xff, 0xfe, 0, 1, 2, 123, 34]))),
  'an empty file': afresh((path) => writeFileSync(path, '')),
  'JSON of another kind': afresh((path) =>
    writeFileSync(
      path,
      '{"version":1,"told":{},"conversation":{"digest":{"commands":[null],"todos":[null],"files":[5]}}}\n',
    ),
  ),
  'a file of 100 MB': afresh((path) => {
    writeFileSync(path, '{');
    truncateSync(path, 100 << 20);
  }),
};

/** Losing one of these costs a member no more than what it held. */
const aside = new Set([
  'its presence',
  'its notebook',
  'the other half of its notebook',
  'its handoff',
  'the log',
]);
/** In these lie records of everybody. */
const shared = new Set([
  'the folder of births',
  'the folder of members',
  'the folder of handoffs',
  'the whole state',
]);

// The same two sessions for all: before each test their state is put back as it was.
const w = world({ name: 'faults', until: afterAll });
const precious = write(join(w.base, 'precious.json'), '{"theirs":true}');
const asItWas = join(w.base, 'as-it-was');
const clients = [startLongClient(), startLongClient()];
afterAll(() => Promise.all(clients.map((client) => client.kill())));
const [other, victim] = clients.map((client) => w.session({ client })) as [
  SessionUnderTest,
  SessionUnderTest,
];
let otherId = '';
let victimId = '';
beforeAll(async () => {
  await haveRecords(w, [other, victim]);
  [otherId, victimId] = [idOf(w.state, other.client.pid), idOf(w.state, victim.client.pid)];
  cpSync(w.state, asItWas, { recursive: true, preserveTimestamps: true });
});
beforeEach(() => {
  for (const place of [w.state, join(w.home, '.local'), w.temporary])
    rmSync(place, { recursive: true, force: true });
  mkdirSync(w.temporary);
  cpSync(asItWas, w.state, { recursive: true, preserveTimestamps: true });
});

describe.each(Object.keys(records))('%s', (record) => {
  test.each(Object.keys(spoils))('is %s', async (spoil) => {
    const path = records[record]!(w, victimId);
    const before = contentsBelow(w.state);
    spoils[spoil]!(path, precious);
    const theirs = existsSync(join(path, 'theirs.txt'));

    const served = await victim.prompt('go on');
    expectWell('prompt', served);
    expectWell('stop', await victim.stop('Done again.'));
    const told = await w.session().start();
    expectWell('newcomer', told);
    expectWell('end', await victim.end('other'));

    expect(readFileSync(precious, 'utf8')).toBe('{"theirs":true}');
    expect(statSync(precious).mode & 0o777).toBe(0o644);
    if (theirs) expect(readFileSync(join(path, 'theirs.txt'), 'utf8')).toBe('theirs');
    expect(existsSync('/nonexistent')).toBe(false);
    // A place that cannot be used is left for another one, and the user hears of it; a role is told in any case.
    expect(told.context).toMatch(/^You are master \(epoch \d+\)/);
    if (aside.has(record)) expect(served.context).toMatch(/^You are master \(epoch 2\).*2 live sessions/);
    if (shared.has(record)) return;
    // The other one's records are as they were.
    const after = contentsBelow(w.state);
    const own = Object.entries(before).filter(
      ([name]) =>
        name === 'seq/000000000001.json' ||
        name.startsWith('handoffs/000001') ||
        name.startsWith(`members/${otherId}/`),
    );
    expect(own.length).toBeGreaterThan(4);
    for (const [name, content] of own) expect([name, after[name]]).toEqual([name, content]);
  });
});
