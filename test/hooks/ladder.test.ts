/** The stores of the configuration as sessions meet them: used, broken in the middle of a session, and back again. */
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { write } from '../support/scratch.ts';
import { logLines } from '../support/state.ts';
import { writeOwnConfig } from '../support/trust.ts';
import { type World, world } from '../support/world.ts';

interface Kind {
  readonly kind: string;
  /** Configures the store; what it keeps its records in is there afterwards. */
  readonly configure: (w: World) => void;
  readonly breakIt: (w: World) => void;
  readonly mendIt: (w: World) => void;
}

const notes = (w: World): string => join(w.base, 'notes');
const graph = (w: World): string => join(w.base, 'memory', 'memory.jsonl');
const coord = (w: World): string => join(w.state, 'coord.git');
const config = (w: World, values: object): void => void writeOwnConfig(w.home, values);

const kinds: readonly Kind[] = [
  {
    kind: 'git',
    configure: (w) => config(w, { store: 'git' }),
    breakIt: (w) => {
      renameSync(coord(w), `${coord(w)}.away`);
      write(coord(w), 'not a repository');
    },
    mendIt: (w) => {
      rmSync(coord(w));
      renameSync(`${coord(w)}.away`, coord(w));
    },
  },
  {
    kind: 'basic-memory',
    configure: (w) => {
      mkdirSync(notes(w));
      config(w, { store: 'basic-memory', basicMemory: { path: notes(w) } });
    },
    breakIt: (w) => renameSync(notes(w), `${notes(w)}.away`),
    mendIt: (w) => renameSync(`${notes(w)}.away`, notes(w)),
  },
  {
    kind: 'memory-graph',
    configure: (w) => {
      write(graph(w), '');
      config(w, { store: 'memory-graph', memoryGraph: { file: graph(w) } });
    },
    breakIt: (w) => {
      renameSync(graph(w), `${graph(w)}.away`);
      mkdirSync(graph(w));
    },
    mendIt: (w) => {
      rmSync(graph(w), { recursive: true });
      renameSync(`${graph(w)}.away`, graph(w));
    },
  },
];

const errors = (w: World): unknown[] =>
  logLines(w.state).filter(({ code }) => !['degraded', 'restored'].includes(code));

describe.each(kinds)('$kind', ({ configure, breakIt, mendIt }) => {
  test('sessions see each other in it, the last one is master, and it inherits', async () => {
    const w = world();
    configure(w);
    const a = w.session();
    expect((await a.start()).context).toMatch(/^You are master \(epoch 1\)/);
    await a.prompt('bake the bread');
    await a.stop('The oven is hot. Shall I put it in?');
    const b = w.session();
    const { context, notice } = await b.start();
    expect(context).toMatch(/^You are master \(epoch 2\)/);
    expect(context).toContain('2 live sessions');
    expect(context).toContain('Shall I put it in?');
    expect(notice).toBe('');
    expect((await a.prompt('and now')).context).toMatch(/^You are worker \(epoch 2\)/);
    await b.end();
    expect((await a.prompt('still here')).context).toMatch(/^You are master \(epoch 1\)/);
    a.client.kill();
    const c = w.session();
    expect((await c.start()).context).toMatch(/^You are master \(epoch 3\)/);
    expect(errors(w)).toEqual([]);
    expect(existsSync(join(w.state, 'seq'))).toBe(false);
  });

  test('while it is broken everybody meets in files, with the same master, and is told once why', async () => {
    const w = world();
    configure(w);
    const [a, b] = [w.session(), w.session()];
    await a.start();
    await b.start();
    await a.prompt('one');
    breakIt(w);

    const first = await a.prompt('two');
    expect(first.notice).toContain('cannot be used');
    expect(first.context).toMatch(/^You are worker \(epoch 2\); 2 live sessions/);
    expect(first.context).not.toContain('left');
    const second = await b.prompt('three');
    expect(second.notice).toContain('cannot be used');
    expect(second.context).toMatch(/^You are master \(epoch 2\); 2 live sessions/);
    expect((await a.prompt('four')).notice).toBe('');

    const late = w.session();
    expect((await late.start()).context).toMatch(/^You are master \(epoch 3\)/);
    expect((await b.prompt('five')).context).toMatch(/^You are worker \(epoch 3\); 3 live sessions/);
  });

  test('when it works again they move back, and the master stays who it is', async () => {
    const w = world();
    configure(w);
    const [a, b] = [w.session(), w.session()];
    await a.start();
    await b.start();
    breakIt(w);
    await a.prompt('one');
    await b.prompt('two');
    await b.stop('What shall it be?');
    const c = w.session();
    await c.start();
    mendIt(w);

    expect((await a.prompt('three')).context).toMatch(/^You are worker \(epoch 3\); 3 live sessions/);
    expect((await c.prompt('four')).context).toMatch(/^You are master \(epoch 3\); 3 live sessions/);
    expect((await b.prompt('five')).context).toMatch(/^You are worker \(epoch 3\); 3 live sessions/);
    expect((await a.prompt('six')).context).toBe((await a.prompt('seven')).context);
    const d = w.session();
    const { context } = await d.start();
    expect(context).toMatch(/^You are master \(epoch 4\)/);
    expect(context).toContain('4 live sessions');
    // What was left in files meanwhile came along.
    b.client.kill();
    c.client.kill();
    expect((await w.session().start()).context).toContain('Other handoffs: 1;');
  });
});

test('records that the memory server dropped come back with the next hook, under their numbers', async () => {
  const w = world();
  kinds.find(({ kind }) => kind === 'memory-graph')!.configure(w);
  const [a, b] = [w.session(), w.session()];
  await a.start();
  await b.start();
  await a.prompt('one');
  const full = readFileSync(graph(w), 'utf8');
  write(graph(w), full.split('\n').slice(0, 1).join('\n'));
  expect((await b.prompt('two')).context).toMatch(/^You are master \(epoch 2\)/);
  expect((await a.prompt('three')).context).toMatch(/^You are worker \(epoch 2\); 2 live sessions/);
  const names = (text: string): string[] => [...new Set(text.match(/flowloom:session:[^"]+/g))].sort();
  expect(names(readFileSync(graph(w), 'utf8'))).toEqual(names(full));
  expect(errors(w)).toEqual([]);
});

test('a store that is missing from the start: files, and a notice that names the remedy', async () => {
  const w = world();
  config(w, { store: 'basic-memory', basicMemory: { path: join(w.base, 'nowhere') } });
  const { context, notice } = await w.session().start();
  expect(context).toMatch(/^You are master/);
  expect(notice).toContain(join(w.base, 'nowhere'));
});

test('git that is not there: files, and the notice says so', async () => {
  const w = world();
  config(w, { store: 'git' });
  const empty = join(w.base, 'empty');
  mkdirSync(empty);
  chmodSync(empty, 0o755);
  const { context, notice } = await w.session().start('startup', { env: { PATH: empty } });
  expect(context).toMatch(/^You are master/);
  expect(notice).toMatch(/git/);
});

test('FLOWLOOM_STORE names another store than the configuration', async () => {
  const w = world();
  config(w, { store: 'git' });
  await w.session().start('startup', { env: { FLOWLOOM_STORE: 'file' } });
  expect(existsSync(join(w.state, 'seq'))).toBe(true);
  expect(existsSync(coord(w))).toBe(false);
});

test('a value of FLOWLOOM_STORE that is none is passed over and logged', async () => {
  const w = world();
  expect((await w.session().start('startup', { env: { FLOWLOOM_STORE: 'etcd' } })).context).toMatch(
    /^You are/,
  );
  expect(readFileSync(join(w.state, 'log.jsonl'), 'utf8')).toContain('FLOWLOOM_STORE');
});
