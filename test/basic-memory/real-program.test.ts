/** The store beside the real basic-memory: its index finds our notes, and what it does to them does us no harm. */
import { cpSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseHandoff, renderHandoff } from '../../src/core/handoff.ts';
import { basicMemoryStore } from '../../src/stores/basic-memory-store.ts';
import {
  findPython,
  installBasicMemory,
  type Person,
  person,
  serverCommand,
} from '../support/basic-memory.ts';
import { notesFolder, siteIn } from '../support/basic-memory-site.ts';
import { bundled, run } from '../support/other-process.ts';
import { birth, handoff, presence } from '../support/records.ts';
import { contentsBelow, write } from '../support/scratch.ts';

interface Found {
  readonly results: readonly {
    readonly title: string;
    readonly permalink: string;
    readonly content: string;
    readonly category?: string;
  }[];
}

const python = findPython();
const needs = 'skipped: needs Python 3.12 or newer with venv, on the PATH or from pyenv';
if (!python) console.warn(`basic-memory: ${needs}`);

// Where nothing may be skipped, its absence is a failure.
if (!python)
  test('the real basic-memory can be installed', (context) => {
    if (process.env.CI) throw new Error(needs);
    context.skip(needs);
  });

describe.runIf(python)('beside the real basic-memory', { timeout: 300_000 }, () => {
  const links = 'flowloom/shop-app-1-0a1b2c3d4e5';
  const noteId = '000007-2335154421c7';
  let who: Person;
  /** The project is the default one of the configuration that basic-memory wrote. */
  const store = () => basicMemoryStore(siteIn('/nowhere', { basicMemory: { path: '' }, env: who.env }));
  const ours = (kind: 'members' | 'handoffs', id: string): string =>
    join(who.project, notesFolder, kind, `${id}.md`);
  const read = (kind: 'members' | 'handoffs', id: string): string => readFileSync(ours(kind, id), 'utf8');

  beforeAll(() => {
    installBasicMemory(python!);
    who = person(afterAll);
  }, 900_000);

  const hostile = presence({
    name: 'api #tag [[Link]]',
    branch: '12:30:45',
    doing: '- [idea] zebra #todo [[Other]]',
  });
  const left = handoff({
    said: '- [idea] said #x\n[[Foo]] ```\n# Heading\nGiraffe?',
    latestPrompt: 'word '.repeat(40),
  });

  test('it indexes members and handoffs as they are, and finds them', async () => {
    const here = store();
    await here.ready();
    await here.announce('4711-abc', hostile);
    await here.join(birth('4711-abc'), 0);
    await here.announce(
      '4712-def',
      presence({ left: { seq: 2, at: '2026-11-22T09:00:00.000Z', reason: 'end' } }),
    );
    await here.join(birth('4712-def'), 0);
    const note = renderHandoff(left, noteId, 6000);
    await here.putHandoff(noteId, note);
    const before = contentsBelow(who.project);

    who.basicMemory('reindex');
    expect(contentsBelow(who.project)).toEqual(before);

    const members = who.tool<Found>('search-notes', '--type', 'flowloom_member', '--json').results;
    expect(members.map(({ permalink }) => permalink).sort()).toEqual([
      `${links}/members/4711-abc`,
      `${links}/members/4712-def`,
    ]);
    const handoffs = who.tool<Found>('search-notes', 'giraffe', '--tag', 'handoff', '--json').results;
    expect(handoffs.map(({ permalink }) => permalink)).toEqual([`${links}/handoffs/${noteId}`]);
    const shown = who.tool<{ content: string }>('read-note', `${links}/handoffs/${noteId}`, '--json').content;
    expect(shown).toContain('Giraffe?');
    expect(await here.handoff(noteId)).toBe(note);
  });

  test('what it appends to a note of ours stays there, and is not read as ours', async () => {
    const told = parseHandoff((await store().handoff(noteId))!, noteId);
    const review = `- [review] of ${noteId} #mine`;
    who.tool('edit-note', `${links}/handoffs/${noteId}`, '--operation', 'append', '--content', review);
    expect(read('handoffs', noteId)).toContain(review);
    expect(parseHandoff((await store().handoff(noteId))!, noteId)).toEqual(told);

    await store().putHandoff(noteId, renderHandoff({ ...left, said: 'Done.' }, noteId, 6000));
    expect(read('handoffs', noteId)).toContain(`\n${review}`);
    expect(await store().damaged()).toEqual([]);
  });

  test('notes that it rewrites itself, since their permalink was taken, are still ours and are left in peace then', async () => {
    // A person copied notes of ours before they were indexed, so theirs were there first.
    const theirs = join(who.project, 'copies');
    mkdirSync(theirs);
    const here = store();
    const dying = presence({
      name: 'twin: "x"',
      branch: '2026-11-22',
      doing: 'long words '.repeat(14).trim(),
    });
    const late = '000009-9335154421c7';
    const note = renderHandoff(
      { ...left, seq: 9, latestPrompt: 'twelve: "o\'clock" '.repeat(9) },
      late,
      6000,
    );
    await here.announce('4713-fed', dying);
    await here.putHandoff(late, note);
    cpSync(ours('members', '4713-fed'), join(theirs, 'member.md'));
    cpSync(ours('handoffs', late), join(theirs, 'handoff.md'));
    await here.forget({ members: ['4713-fed'] });
    await here.dropHandoff(late);
    who.basicMemory('reindex');

    await here.announce('4713-fed', dying);
    const seq = await here.join(birth('4713-fed'), 0);
    await here.putHandoff(late, note);
    const written = { member: read('members', '4713-fed'), handoff: read('handoffs', late) };
    who.basicMemory('reindex');
    for (const text of [read('members', '4713-fed'), read('handoffs', late)]) {
      expect(text).toMatch(/^permalink: flowloom\/.*-1$/m);
      expect(text).toMatch(/^type: (?:flowloom_member|handoff)$/m);
      expect(Object.values(written)).not.toContain(text);
    }

    const reader = store();
    expect((await reader.presence('4713-fed'))?.presence).toEqual(dying);
    expect(parseHandoff((await reader.handoff(late))!, late)).toEqual(parseHandoff(note, late));
    expect(await reader.damaged()).toEqual([]);
    expect(await reader.birth(seq)).toEqual(birth('4713-fed'));

    await reader.announce('4713-fed', { ...dying, doing: 'next' });
    const next = renderHandoff({ ...left, seq: 9, said: 'Next.' }, late, 6000);
    await reader.putHandoff(late, next);
    expect(await reader.handoff(late)).toBe(next);
    const before = contentsBelow(who.project);
    who.basicMemory('reindex');
    expect(contentsBelow(who.project)).toEqual(before);
  });

  const writer = bundled(`
    import { basicMemoryStore } from ${JSON.stringify(join(import.meta.dirname, '../../src/stores/basic-memory-store.ts'))};
    const [site, who, count, birth, presence] = process.argv.slice(2);
    (async () => {
      const store = basicMemoryStore(JSON.parse(site));
      const done = [];
      for (let i = 0; i < Number(count); i++) {
        const id = who + '-' + i;
        await store.announce(id, { ...JSON.parse(presence), name: id });
        const seq = await store.join({ ...JSON.parse(birth), id }, 0);
        for (let turn = 0; turn < 3; turn++) await store.announce(id, { ...JSON.parse(presence), name: id, doing: 'turn ' + turn });
        const note = String(seq).padStart(6, '0') + '-' + who;
        await store.putHandoff(note, '---\\ntitle: "Handoff ' + note + '"\\ntype: "handoff"\\npermalink: "flowloom/handoffs/' + note + '"\\nseq: "' + seq + '"\\n---\\n\\n## Goal\\n\\n' + id + '\\n');
        done.push([seq, id, note]);
        await new Promise((resolve) => setTimeout(resolve, 30));
      }
      console.log(JSON.stringify(done));
    })();
  `);

  describe('while its MCP server runs', () => {
    const client = new Client({ name: 'flowloom-test', version: '1' });
    const call = async (name: string, args: Record<string, unknown>): Promise<string> => {
      const { content, isError } = await client.callTool({ name, arguments: { project: 'shop', ...args } });
      const [first] = content as { text: string }[];
      expect([isError ?? false, first?.text]).toEqual([
        false,
        expect.not.stringMatching(/^# (?:Edit Failed|Error)/i),
      ]);
      return first!.text;
    };
    const search = async (args: Record<string, unknown>): Promise<Found['results']> =>
      (JSON.parse(await call('search_notes', { output_format: 'json', page_size: 100, ...args })) as Found)
        .results;
    const permalinks = async (args: Record<string, unknown>): Promise<string[]> =>
      (await search(args)).map(({ permalink }) => permalink);

    beforeAll(async () => {
      const env = Object.fromEntries(Object.entries(who.env).map(([name, value]) => [name, value ?? '']));
      await client.connect(
        new StdioClientTransport({ command: serverCommand(), args: ['mcp'], env, stderr: 'ignore' }),
        { timeout: 120_000 },
      );
    }, 180_000);
    afterAll(() => client.close());

    test('our facts are facts to it, and nothing of what others wrote is', async () => {
      expect(await permalinks({ query: 'zebra' })).toEqual([`${links}/members/4711-abc`]);
      expect(await permalinks({ status: 'left' })).toEqual([`${links}/members/4712-def`]);
      expect(await permalinks({ metadata_filters: { branch: '12:30:45' } })).toEqual([
        `${links}/members/4711-abc`,
      ]);
      const facts = await search({ query: 'number', entity_types: ['observation'] });
      const kinds = new Set(facts.map(({ category }) => category));
      expect([...kinds].sort()).toEqual(['join', 'left']);
      for (const query of ['zebra', 'giraffe', 'said', 'Other', 'Link', 'Foo'])
        expect(await search({ query, entity_types: ['observation', 'relation'] })).toEqual([]);
    });

    test("a person's note in our folder stays a person's", async () => {
      const path = write(
        join(who.project, notesFolder, 'members', 'about-us.md'),
        '---\ntitle: About us\ntype: note\npermalink: shop/about-us\n---\n\n- [idea] theirs\n',
      );
      const before = readFileSync(path, 'utf8');
      expect(await store().memberIds()).not.toContain('about-us');
      expect(await store().damaged()).toEqual([]);
      await store().sweep(0);
      await expect
        .poll(() => permalinks({ query: 'About us', search_type: 'title' }), {
          timeout: 60_000,
          interval: 250,
        })
        .toEqual(['shop/about-us']);
      expect(readFileSync(path, 'utf8')).toBe(before);
    });

    test('keys that it puts into the head of a note come through, and so does the text that it appends', async () => {
      const identifier = `${links}/members/4711-abc`;
      await call('edit_note', {
        identifier,
        operation: 'append',
        content: '- [review] fine #mine',
        metadata: { reviewed_by: 'Ada: "x"', rating: 5 },
      });
      await expect.poll(() => read('members', '4711-abc'), { timeout: 60_000 }).toContain('reviewed_by');
      expect((await store().presence('4711-abc'))?.presence).toEqual(hostile);
      await store().announce('4711-abc', { ...hostile, doing: 'an okapi' });
      const text = read('members', '4711-abc');
      expect(text).toContain('\nreviewed_by: "Ada: \\"x\\""\nrating: "5"\n');
      expect(text).toContain('\n- [review] fine #mine');
      expect((await store().presence('4711-abc'))?.presence.doing).toBe('an okapi');
      await expect
        .poll(() => permalinks({ query: 'okapi' }), { timeout: 60_000, interval: 250 })
        .toEqual([identifier]);
    });

    test('both write: nothing is lost and numbers stay unique', async () => {
      const quiet = '4711-abc';
      const site = JSON.stringify(siteIn('/nowhere', { basicMemory: { path: '' }, env: who.env }));
      const taken = (await store().numbers()).above.length;
      const processes = Array.from({ length: 4 }, (_, index) =>
        run(writer, [site, `p${index}`, '10', JSON.stringify(birth('x')), JSON.stringify(presence())]),
      );
      for (let i = 0; i < 12; i++) {
        const content = `- [note] quagga ${i} #keep`;
        await call('write_note', { title: `Idea ${i}`, directory: 'ideas', content });
        await call('edit_note', { identifier: `${links}/members/${quiet}`, operation: 'append', content });
      }
      const joins = (await Promise.all(processes)).flatMap(
        (text) => JSON.parse(text) as [number, string, string][],
      );

      expect(new Set(joins.map(([seq]) => seq)).size).toBe(40);
      const reader = store();
      expect((await reader.numbers()).above).toHaveLength(taken + 40);
      for (const [seq, id, note] of joins) {
        expect((await reader.birth(seq))?.id).toBe(id);
        expect((await reader.presence(id))?.presence.doing).toBe('turn 2');
        expect(parseHandoff((await reader.handoff(note))!, note)).toMatchObject({
          head: { seq },
          body: `## Goal\n\n${id}`,
        });
      }
      expect(await reader.damaged()).toEqual([]);
      // It answers an edit before it has written it.
      for (let i = 0; i < 12; i++) {
        const line = `- [note] quagga ${i} #keep`;
        const kept = (): string[] => [
          contentsBelow(who.project)[`ideas/Idea ${i}.md`] ?? '',
          read('members', quiet),
        ];
        await expect
          .poll(() => kept().every((text) => text.includes(line)), { timeout: 20_000, interval: 200 })
          .toBe(true);
      }

      // Its watcher saw every note of ours, in its last state, and none had to be rewritten.
      const wanted = joins
        .flatMap(([, id, note]) => [`${links}/members/${id}`, `${links}/handoffs/${note}`])
        .sort();
      const isOurs = (permalink: string): boolean => /\/(?:members\/|handoffs\/\d+-)p\d/.test(permalink);
      await expect
        .poll(
          async () =>
            (await permalinks({ query: `${links}/*`, search_type: 'permalink' })).filter(isOurs).sort(),
          {
            timeout: 60_000,
            interval: 500,
          },
        )
        .toEqual(wanted);
      for (const [, id, note] of joins) {
        expect(read('members', id)).toContain(`\npermalink: "${links}/members/${id}"\n`);
        expect(read('handoffs', note)).toContain(`\npermalink: "${links}/handoffs/${note}"\n`);
      }
    });
  });
});
