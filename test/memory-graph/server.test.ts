/** Our store and the official memory server on one file: what each sees of the other, and what happens when both write. */
import { spawnSync } from 'node:child_process';
import fs, { appendFileSync, existsSync, readFileSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Store } from '../../src/core/store.ts';
import { graphAt, graphOf, linesOf, rewrite, theirs } from '../support/graph.ts';
import { type MemoryServer, memoryServer } from '../support/memory-server.ts';
import { bundled, run } from '../support/other-process.ts';
import { birth, presence } from '../support/records.ts';
import { scratch, write } from '../support/scratch.ts';

const sessionName = (id: string): string => `flowloom:session:shop-abc:${id}`;

async function both(content: string | null = theirs): Promise<{
  place: string;
  file: string;
  store: Store;
  server: MemoryServer;
}> {
  const place = scratch('memory-graph');
  const file = graphOf(place);
  if (content !== null) write(file, content);
  return { place, file, store: graphAt(place), server: await memoryServer(file) };
}

const namesIn = async (server: MemoryServer): Promise<string[]> =>
  (await server.call('read_graph')).entities.map(({ name }) => name);

describe('the official memory server', () => {
  test('finds our members and handoffs with search_nodes and open_nodes', async () => {
    const { store, server } = await both();
    await store.announce('a', presence({ name: 'api' }));
    const seq = await store.join(birth('a'), 0);
    const note = '---\ntitle: "x"\n---\n\n## Goal\n\n```text\nteach the teapot\n```\n';
    await store.putHandoff('000001-abc', note, { durable: true });

    const opened = await server.call('open_nodes', { names: [sessionName('a')] });
    expect(opened.entities).toHaveLength(1);
    expect(opened.entities[0]!.observations[0]).toBe(
      `Claude Code session "api" in shop-abc, join number ${seq} (startup) at 2026-11-22T08:00:00.000Z`,
    );
    const found = async (query: string): Promise<string[]> =>
      (await server.call('search_nodes', { query })).entities.map(({ name }) => name);
    expect(await found('flowloom-session')).toEqual([sessionName('a')]);
    expect(await found('branch main')).toEqual([sessionName('a')]);
    expect(await found('the teapot')).toEqual(['flowloom:handoff:shop-abc:000001-abc']);
    const [handoff] = (await server.call('open_nodes', { names: ['flowloom:handoff:shop-abc:000001-abc'] }))
      .entities;
    expect(handoff!.observations).toContain(note);
    expect(await found('likes tea')).toEqual(['Ada']);
  });

  test('and we write in turn, and nobody loses anything', async () => {
    const { place, store, server } = await both();
    const seqs: number[] = [];
    for (let i = 0; i < 8; i++) {
      await store.announce(`m${i}`, presence({ name: `m${i}` }));
      seqs.push(await store.join(birth(`m${i}`), 0));
      await server.create(`thing ${i}`);
      await server.call('add_observations', {
        observations: [{ entityName: 'Ada', contents: [`saw ${i}`] }],
      });
      await store.announce(`m${i}`, presence({ name: `m${i}`, branch: 'other' }));
    }
    await server.call('create_relations', {
      relations: [{ from: 'Ada', to: sessionName('m3'), relationType: 'watches' }],
    });
    const reader = graphAt(place);
    expect((await reader.numbers()).above).toEqual(seqs);
    for (const [i, seq] of seqs.entries()) expect(await reader.birth(seq)).toEqual(birth(`m${i}`));
    const names = await namesIn(server);
    for (let i = 0; i < 8; i++)
      expect(names).toEqual(expect.arrayContaining([`thing ${i}`, sessionName(`m${i}`)]));
    const [ada] = (await server.call('open_nodes', { names: ['Ada'] })).entities;
    expect(ada!.observations).toHaveLength(2 + 8);
    const graph = await server.call('read_graph');
    expect(graph.relations.map(({ relationType }) => relationType)).toEqual(['owns', 'watches']);
  });

  test('reads a file that we began', async () => {
    const { file, store, server } = await both(null);
    expect(existsSync(file)).toBe(false);
    await store.join(birth('a'), 0);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(await namesIn(server)).toEqual([sessionName('a')]);
  });

  test('is not told twice what has not changed, and not of each prompt', async () => {
    const { file, store } = await both();
    await store.announce('a', presence());
    await store.join(birth('a'), 0);
    const before = readFileSync(file, 'utf8');
    for (let i = 0; i < 5; i++) {
      await store.renew('a');
      await store.announce('a', presence({ doing: `prompt ${i}`, cwd: `/${i}` }));
      await store.putHandoff('000001-abc', `checkpoint ${i}`);
    }
    expect(readFileSync(file, 'utf8')).toBe(before);
    expect((await store.presence('a'))?.presence.doing).toBe('prompt 4');
    await store.announce('a', presence({ left: { seq: 1, at: 'now', reason: 'other' } }));
    expect(linesOf(file).filter((line) => line.includes(sessionName('a')))).toHaveLength(2);
    expect(readFileSync(file, 'utf8').startsWith(before)).toBe(true);
  });
});

describe('a record that goes', () => {
  test('because a model deleted its entity: is filed again under its number, with its presence', async () => {
    const { place, store, server } = await both();
    await store.announce('a', presence({ name: 'api' }));
    const seq = await store.join(birth('a'), 0);
    const later = await store.join(birth('b'), 0);
    await server.call('delete_entities', { entityNames: [sessionName('a')] });
    expect((await store.numbers()).above).toEqual([later]);
    expect(await store.refile(birth('a'), seq)).toBe(true);
    expect((await graphAt(place).numbers()).above).toEqual([seq, later]);
    const [entity] = (await server.call('open_nodes', { names: [sessionName('a')] })).entities;
    expect(entity!.observations).toContain('branch main in /home/dev/shop');
  });

  test('because a model took our observation out of it: likewise; what it added does not matter', async () => {
    const { place, store, server } = await both();
    const seq = await store.join(birth('a'), 0);
    const open = async (): Promise<readonly string[]> =>
      (await server.call('open_nodes', { names: [sessionName('a')] })).entities[0]!.observations;
    await server.call('add_observations', {
      observations: [{ entityName: sessionName('a'), contents: ['flowloom: is odd', 'owes Ada a tea'] }],
    });
    expect(await graphAt(place).birth(seq)).toEqual(birth('a'));
    const ours = (await open()).filter((text) => text.startsWith('flowloom: {'));
    await server.call('delete_observations', {
      deletions: [{ entityName: sessionName('a'), observations: ours }],
    });
    expect(await store.birth(seq)).toBeNull();
    expect((await store.damaged()).map(({ record }) => record)).toEqual([
      expect.stringContaining(sessionName('a')),
    ]);
    expect(await store.refile(birth('a'), seq)).toBe(true);
    expect(await graphAt(place).birth(seq)).toEqual(birth('a'));
    expect(await open()).toContain('owes Ada a tea');
  });

  test('does not free its number for a session that starts at the same place', async () => {
    const { place, store, server } = await both();
    const seq = await store.join(birth('a'), 0);
    await server.call('delete_entities', { entityNames: [sessionName('a')] });
    const later = await graphAt(place).join(birth('b'), 0);
    expect(later).toBeGreaterThan(seq);
    expect(await store.refile(birth('c'), seq)).toBe(false);
    expect(await store.refile(birth('a', { cause: 'late' }), seq)).toBe(true);
    expect((await store.numbers()).above).toEqual([seq, later]);
  });

  test('with all the others, because somebody emptied the file: the handoffs are still here', async () => {
    const { place, file, store } = await both();
    await store.join(birth('a'), 0);
    await store.putHandoff('000001-abc', 'as it was', { durable: true });
    write(file, '');
    expect(await graphAt(place).handoff('000001-abc')).toBe('as it was');
    expect(await graphAt(place).handoffs()).toEqual(['000001-abc']);
  });
});

describe('a race with the server', () => {
  const member = bundled(`
    import { graphAt } from './test/support/graph.ts';
    const [place, id, birth] = process.argv.slice(2);
    (async () => {
      const store = graphAt(place);
      const own = { ...JSON.parse(birth), id };
      let seq = await store.join(own, 0);
      let dropped = 0;
      let moved = 0;
      // As hooks do: look whether it is there, and say it again.
      for (const until = Date.now() + 3000; Date.now() < until; ) {
        if ((await store.birth(seq))?.id !== id) {
          dropped++;
          if (!(await store.refile(own, seq))) { seq = await store.join(own, seq); moved++; }
        }
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      console.log(JSON.stringify({ id, seq, dropped, moved }));
    })();
  `);

  test('loses nothing of the server, and ours are all there in the end, each under a number of its own', async () => {
    const { place, store, server } = await both();
    const created: string[] = [];
    let racing = true;
    const members = Promise.all(
      Array.from({ length: 6 }, (_, index) => run(member, [place, `m${index}`, JSON.stringify(birth('x'))])),
    ).finally(() => {
      racing = false;
    });
    while (racing) {
      const name = `thing ${created.length}`;
      await server.create(name);
      created.push(name);
    }
    const ended = (await members).map(
      (text) => JSON.parse(text) as { id: string; seq: number; moved: number },
    );
    // The last write of the server may have dropped one; its member's next hook files it again.
    for (const { id, seq } of ended) expect(await store.refile(birth(id), seq)).toBe(true);
    expect(new Set(ended.map(({ seq }) => seq)).size).toBe(6);
    expect(ended.map(({ moved }) => moved)).toEqual([0, 0, 0, 0, 0, 0]);
    for (const { id, seq } of ended) expect((await graphAt(place).birth(seq))?.id).toBe(id);
    const names = await namesIn(server);
    expect(created.length).toBeGreaterThan(10);
    expect(names).toEqual(
      expect.arrayContaining([...created, 'Ada', ...ended.map(({ id }) => sessionName(id))]),
    );
    expect(await store.damaged()).toEqual([]);
  });

  test('that it wins: what it dropped is there again, in its own place in the order', async () => {
    const { place, file, store, server } = await both();
    // Large enough that the server takes its time between reading and writing.
    const ballast = JSON.stringify({
      type: 'entity',
      name: 'ballast',
      entityType: 'x',
      observations: ['x'.repeat(1000)],
    });
    appendFileSync(file, `\n${Array.from({ length: 20_000 }, () => ballast).join('\n')}`);
    const joined: { id: string; seq: number }[] = [];
    const dropped = async (): Promise<typeof joined> => {
      const missing: typeof joined = [];
      for (const one of joined) if ((await store.birth(one.seq))?.id !== one.id) missing.push(one);
      return missing;
    };
    for (let round = 0; round < 20 && (await dropped()).length === 0; round++) {
      let writing = true;
      const done = server.create(`slow ${round}`).finally(() => {
        writing = false;
      });
      while (writing) {
        const id = `m${joined.length}`;
        joined.push({ id, seq: await store.join(birth(id), 0) });
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
      await done;
    }
    const missing = await dropped();
    expect(missing.length).toBeGreaterThan(0);
    for (const { id, seq } of missing) expect(await store.refile(birth(id), seq)).toBe(true);
    expect((await graphAt(place).numbers()).above).toEqual(joined.map(({ seq }) => seq));
    const wanted = [...missing.map(({ id }) => sessionName(id)), 'slow 0', 'Ada'];
    const { entities } = await server.call('open_nodes', { names: wanted });
    expect(entities.map(({ name }) => name)).toEqual(expect.arrayContaining(wanted));
  });
});

describe('a line that is gone before we looked for it', () => {
  /** Puts the file as it was in the place of ours, as the server does, right after an append; so many times. */
  const replacedAfterAppends = (file: string, times: number): void => {
    const { fsyncSync } = fs;
    const before = readFileSync(file);
    let left = times;
    onTestFinished(() => {
      fs.fsyncSync = fsyncSync;
    });
    fs.fsyncSync = (fd) => {
      fsyncSync(fd);
      if (fs.fstatSync(fd).ino !== statSync(file).ino || left-- <= 0) return;
      write(`${file}.tmp`, before);
      renameSync(`${file}.tmp`, file);
    };
  };

  test('is written again', async () => {
    const place = scratch('memory-graph');
    const file = write(graphOf(place), theirs);
    const store = graphAt(place);
    replacedAfterAppends(file, 3);
    await store.announce('a', presence());
    const seq = await store.join(birth('a'), 0);
    expect(await graphAt(place).birth(seq)).toEqual(birth('a'));
    expect(linesOf(file).filter((line) => line.includes(sessionName('a')))).toHaveLength(1);
  });

  test('five times in a row is not the server, and is said', async () => {
    const place = scratch('memory-graph');
    const file = write(graphOf(place), theirs);
    const store = graphAt(place);
    replacedAfterAppends(file, 100);
    await expect(store.join(birth('a'), 0)).rejects.toThrow(/does not keep what is appended/);
    await expect(store.putHandoff('000001-abc', 'kept here', { durable: true })).rejects.toThrow(
      /does not keep/,
    );
    expect(await store.handoff('000001-abc')).toBe('kept here');
    expect(readFileSync(file, 'utf8')).toBe(theirs);
  });
});

describe('a malformed line', () => {
  test.each([
    ['half of one of ours', `{"type":"entity","name":"flowloom:session:shop-abc:x","observ`],
    ['half of somebody else’s', '{"type":"entity","name":"Ada'],
    ['two that ran together', '{"type":"entity","name":"a"}{"type":"entity","name":"b"}'],
  ])('%s stops the server until it is taken out, and not us', async (_what, bad) => {
    const { place, file, store, server } = await both();
    const first = await store.join(birth('a'), 0);
    appendFileSync(file, bad);
    await expect(server.call('read_graph')).rejects.toThrow(/JSON/);
    await expect(server.create('thing')).rejects.toThrow(/JSON/);

    const second = await store.join(birth('b'), 0);
    await store.announce('b', presence());
    const reader = graphAt(place);
    expect((await reader.numbers()).above).toEqual([first, second]);
    expect(await reader.refile(birth('a'), first)).toBe(true);
    expect(await reader.damaged()).toEqual([
      {
        record: expect.stringContaining(`${file}, line ${linesOf(file).indexOf(bad) + 1}: {"type"`),
        reason: expect.stringContaining('every tool of the memory server fails'),
      },
    ]);

    rewrite(file, (lines) => lines.filter((line) => line !== bad));
    expect(await namesIn(server)).toEqual(
      expect.arrayContaining(['Ada', sessionName('a'), sessionName('b')]),
    );
  });

  test('is not what a full disk leaves of ours', async () => {
    const place = scratch('memory-graph');
    const file = write(graphOf(place), `${theirs}\n`);
    // Half of the line that a join takes would still fit below the limit on the size of files.
    const filler = JSON.stringify({ type: 'entity', name: 'filler', entityType: 'x', observations: [''] });
    appendFileSync(
      file,
      filler.replace('""', JSON.stringify('x'.repeat(8192 - 300 - theirs.length - filler.length))),
    );
    const before = readFileSync(file, 'utf8');
    const joiner = bundled(`
      import { graphAt } from './test/support/graph.ts';
      const [place, birth] = process.argv.slice(2);
      graphAt(place).join(JSON.parse(birth), 0).then(
        (seq) => console.log('joined', seq),
        (error) => console.log(error.code, error.message),
      );
    `);
    const limited = write(join(place, 'limited.sh'), 'ulimit -f 16; exec "$@"\n');
    const { stdout, stderr } = spawnSync(
      'sh',
      [limited, process.execPath, joiner, place, JSON.stringify(birth('a'))],
      { encoding: 'utf8', env: { PATH: process.env.PATH } },
    );
    expect([stdout, stderr]).toEqual([
      expect.stringMatching(/^ENOSPC .*memory\.jsonl could not take.*nothing of it was left/),
      '',
    ]);
    expect(readFileSync(file, 'utf8')).toBe(before);
    expect(await namesIn(await memoryServer(file))).toContain('Ada');
  });
});
