import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { mostSeq } from '../../src/core/seq.ts';
import {
  badLinesIn,
  type Found,
  type GraphRecord,
  type HandoffRecord,
  lineOf,
  looksLikeGraph,
  recordsIn,
  type SessionRecord,
} from '../../src/stores/memory-graph/records.ts';
import {
  birthIn,
  forgettingOf,
  isStale,
  latestOf,
  noteIn,
  presenceIn,
  type View,
  viewOf,
} from '../../src/stores/memory-graph/view.ts';
import { theirs } from '../support/graph.ts';
import { birth, presence } from '../support/records.ts';

const scope = 'shop-abc';
const at = '2026-11-22T08:00:00.000Z';
const session = (seq: number, id: string, more: Partial<SessionRecord> = {}): SessionRecord => ({
  kind: 'session',
  seq,
  birth: birth(id),
  presence: presence({ name: id }),
  seen: 1000,
  at,
  ...more,
});
const handoff = (id: string, note: string, more: Partial<HandoffRecord> = {}): HandoffRecord => ({
  kind: 'handoff',
  id,
  first: false,
  note,
  at,
  ...more,
});
const line = (record: GraphRecord): string => lineOf(record, scope);
const readIn = (text: string): (GraphRecord | null)[] => recordsIn(text, scope).map((one) => one.read());
const keysIn = (text: string): string[] => recordsIn(text, scope).map(({ key }) => key);
/** All that a reader can learn from a view. */
const told = ({ top, claims, said, notes }: View): unknown => {
  const each = (map: ReadonlyMap<unknown, readonly Found[]>): unknown[] =>
    [...map].map(([key, list]) => [key, list.map((one) => [one.key, one.seq, one.first, one.read()])]);
  return [top, each(claims), each(said), each(notes)];
};
const ownersIn = (view: View): Map<number, string | undefined> =>
  new Map([...view.claims.keys()].map((seq) => [seq, birthIn(view, seq)?.id]));
const view = (lines: readonly string[], forgotten: readonly string[] = []) =>
  viewOf(recordsIn(lines.join('\n'), scope), new Set(forgotten));

/** As the server writes what it read: entities, then relations, of each only the fields that it knows. */
function asServerWrites(lines: readonly string[]): string[] {
  const items = lines.filter((text) => text.trim() !== '').map((text) => JSON.parse(text));
  const entities = items
    .filter(({ type }) => type === 'entity')
    .map(({ name, entityType, observations }) =>
      JSON.stringify({ type: 'entity', name, entityType, observations }),
    );
  const relations = items
    .filter(({ type }) => type === 'relation')
    .map(({ from, to, relationType }) => JSON.stringify({ type: 'relation', from, to, relationType }));
  return [...entities, ...relations];
}

const words = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom('a\nb', '":shop-abc:"', '{"type":', '\r'),
);
const anyRecord: fc.Arbitrary<GraphRecord> = fc.oneof(
  fc
    .record({
      seq: fc.integer({ min: 1, max: mostSeq }),
      id: fc.constantFrom('a', 'b'),
      name: words,
      host: words,
      left: words,
    })
    .map(({ seq, id, name, host, left }) =>
      session(seq, id, {
        birth: birth(id, { host }),
        presence: presence({ name, branch: name, left: { seq, at: left, reason: left } }),
      }),
    ),
  fc
    .record({ note: words, first: fc.boolean() })
    .map(({ note, first }) => handoff('000001-abc.reconstructed', note, { first })),
);

describe('a record in the graph', () => {
  test('is one line of JSON and comes back as it was, whatever it holds', () => {
    fc.assert(
      fc.property(anyRecord, (record) => {
        const text = line(record);
        expect(text).not.toMatch(/[\n\r]/);
        expect(readIn(text)).toEqual([record]);
      }),
    );
  });

  test('comes back after the server wrote it, and after a model added to it', () => {
    fc.assert(
      fc.property(anyRecord, words, (record, more) => {
        const [written] = asServerWrites([line(record)]);
        const entity = JSON.parse(written!);
        const added = JSON.stringify({ ...entity, observations: [more, ...entity.observations, more] });
        for (const text of [
          written!,
          `${added}\r`,
          JSON.stringify(JSON.parse(added), null, 1).replaceAll('\n', ' '),
        ])
          expect([readIn(text), keysIn(text)]).toEqual([[record], keysIn(line(record))]);
      }),
    );
  });

  test('says for people and models who it is, on which branch, and whether it left', () => {
    const left = { seq: 7, at, reason: 'prompt_input_exit' };
    const { name, entityType, observations } = JSON.parse(
      line(session(7, 'a', { presence: presence({ name: 'api', left }) })),
    );
    expect([name, entityType]).toEqual(['flowloom:session:shop-abc:a', 'flowloom-session']);
    expect(observations.slice(0, -1)).toEqual([
      'Claude Code session "api" in shop-abc, join number 7 (startup) at 2026-11-22T08:00:00.000Z',
      'process 4711 on desk, attended, eligible',
      'branch main in /home/dev/shop',
      'left at 2026-11-22T08:00:00.000Z (prompt_input_exit)',
    ]);
  });

  test('of a handoff carries the note as it is', () => {
    const { name, observations } = JSON.parse(line(handoff('000007-abc', '# It\n\nwas about hello.')));
    expect(name).toBe('flowloom:handoff:shop-abc:000007-abc');
    expect(observations[1]).toBe('# It\n\nwas about hello.');
  });

  test.each<[string, (entity: Record<string, unknown>) => unknown]>([
    ['another scope', (entity) => ({ ...entity, name: 'flowloom:session:shop-abcd:a' })],
    ['a longer scope', (entity) => ({ ...entity, name: 'flowloom:session:my:shop-abc:a' })],
    ['another member', (entity) => ({ ...entity, name: 'flowloom:session:shop-abc:b' })],
    ['another kind', (entity) => ({ ...entity, name: 'flowloom:handoff:shop-abc:a' })],
    ['a relation', (entity) => ({ ...entity, type: 'relation' })],
    ['no name', ({ name: _, ...entity }) => entity],
    ['no observations', ({ observations: _, ...entity }) => entity],
    ['a list', (entity) => [entity]],
  ])('%s is none', (_what, change) => {
    const text = JSON.stringify(change(JSON.parse(line(session(1, 'a')))));
    expect(recordsIn(text, scope)).toEqual([]);
  });

  test('that is quoted in another is not taken for it', () => {
    const inner = line(session(9, 'a'));
    for (const note of [
      inner,
      JSON.parse(inner).observations.join(','),
      `,${inner.slice(inner.indexOf('"flowloom: '))}`,
    ]) {
      const outer = handoff('000001-abc', note);
      expect(readIn(line(outer))).toEqual([outer]);
      const quoting = session(3, 'b', {
        presence: presence({ name: note, branch: note, left: { seq: 1, at: note, reason: note } }),
      });
      expect([readIn(line(quoting)), recordsIn(line(quoting), scope)[0]!.seq]).toEqual([[quoting], 3]);
    }
  });

  test('of which only the head is left holds its number, and nobody owns it', () => {
    const broken = line(session(4, 'a')).replace('\\"pid\\":4711', '\\"pid\\":null');
    const seen = view([broken]);
    expect([[...seen.claims.keys()], birthIn(seen, 4), presenceIn(seen, 'a'), latestOf(seen, 'a')]).toEqual([
      [4],
      null,
      null,
      null,
    ]);
    const again = view([broken, line(session(4, 'b')), line(session(4, 'a'))]);
    expect(birthIn(again, 4)?.id).toBe('b');
  });

  test.each([0, -1, 1.5, mostSeq + 1, '7', null])('the number %j is none', (seq) => {
    expect(recordsIn(line(session(seq as number, 'a')), scope)).toEqual([]);
  });
});

describe('the lines of others', () => {
  const any = fc.oneof(
    fc.string({ unit: 'binary' }).map((text) => text.replaceAll('\n', '')),
    fc.constantFrom(
      ...theirs.split('\n'),
      '',
      '{ half',
      'null',
      '[]',
      '{"type":"mystery","name":"flowloom:session:shop-abc:a"}',
    ),
    fc.json(),
    fc.integer({ min: 1, max: 400 }).map((most) => line(session(9, 'cut')).slice(0, most)),
  );

  test('change nothing, wherever they stand', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(anyRecord.map(line), any), { maxLength: 12 }), (lines) => {
        const ours = lines.filter((text) => recordsIn(text, scope).length > 0);
        expect(told(view(lines))).toEqual(told(view(ours)));
      }),
    );
  });

  test('are told apart: what stops the server, and what is only ours', () => {
    const mute = JSON.stringify({
      type: 'entity',
      name: 'flowloom:session:shop-abc:x',
      entityType: 'x',
      observations: [],
    });
    const lines = [...theirs.split('\n'), '', line(session(1, 'a')), '{ half', mute, '{"type":"mystery"}'];
    expect(badLinesIn(lines.join('\n'), scope)).toEqual([
      { line: 6, entity: null, start: '{ half' },
      { line: 7, entity: 'flowloom:session:shop-abc:x', start: expect.stringContaining('"flowloom:session') },
    ]);
  });

  test('make a memory graph, or something of which we keep off', () => {
    for (const text of ['', '\n \n', theirs, `junk\n${theirs}`, '{ "type" : "entity" }'])
      expect([text, looksLikeGraph(text)]).toEqual([text, true]);
    for (const text of ['ssh-ed25519 AAAA', '{"mcpServers":{}}', '#!/bin/sh\n'])
      expect([text, looksLikeGraph(text)]).toEqual([text, false]);
  });
});

/** What can happen to the file: a claim, somebody else's line, the server writing what it read with some of it gone. */
const event = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ claim: fc.integer({ min: 1, max: 6 }), by: fc.constantFrom('a', 'b', 'c', 'd') }),
  },
  { weight: 1, arbitrary: fc.record({ foreign: fc.constantFrom(...theirs.split('\n'), '', '{ half') }) },
  { weight: 1, arbitrary: fc.record({ dropped: fc.array(fc.nat(20), { maxLength: 3 }) }) },
);

describe('the order, for any interleaving of claims, lines of others and drops', () => {
  test('a number has at most one owner in every view: whoever claimed it first of what is there', () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 25 }), (events) => {
        let lines: string[] = [];
        let claims: { seq: number; id: string; text: string }[] = [];
        for (const one of events) {
          if ('claim' in one) {
            const text = line(session(one.claim, one.by, { at: `${claims.length}` }));
            claims.push({ seq: one.claim, id: one.by, text });
            lines.push('', text, '');
          } else if ('foreign' in one) lines.push(one.foreign);
          else {
            const whole = lines.filter((text) => text !== '{ half');
            lines = asServerWrites(whole.filter((_, index) => !one.dropped.includes(index)));
            claims = claims.filter(({ text }) => lines.includes(text));
          }
          const seen = view(lines);
          const first = new Map<number, string>();
          for (const { seq, id } of claims) if (!first.has(seq)) first.set(seq, id);
          expect(ownersIn(seen)).toEqual(first);
          expect(seen.top).toBe(Math.max(0, ...first.keys()));
        }
      }),
    );
  });

  test('while nothing is dropped, what is owned stays owned and the highest number only grows', () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 25 }), (events) => {
        const lines: string[] = [];
        let before = view(lines);
        for (const one of events) {
          if ('claim' in one) lines.push(line(session(one.claim, one.by)));
          else if ('foreign' in one) lines.push(one.foreign);
          const now = view(lines);
          for (const [seq, id] of ownersIn(before)) expect(ownersIn(now).get(seq)).toBe(id);
          expect(now.top).toBeGreaterThanOrEqual(before.top);
          before = now;
        }
      }),
    );
  });
});

describe('what is told', () => {
  test('is the last that the member said, and its number is its highest', () => {
    const seen = view([
      line(session(1, 'a', { presence: presence({ name: 'old' }) })),
      line(session(2, 'b')),
      line(session(5, 'a', { presence: presence({ name: 'new' }), seen: 2000 })),
      line(session(2, 'a')),
    ]);
    expect(latestOf(seen, 'a')?.seq).toBe(5);
    expect(latestOf(seen, 'b')?.seq).toBe(2);
    expect(latestOf(seen, 'c')).toBeNull();
    expect(presenceIn(seen, 'a')?.presence.name).toBe('a');
    expect(presenceIn(seen, 'c')).toBeNull();
    expect(presenceIn(view([line(session(1, 'a', { presence: null }))]), 'a')).toBeNull();
  });

  test('in a handoff is the last text, but of reconstructions the first', () => {
    const seen = view([
      line(handoff('000001-abc', 'checkpoint')),
      line(handoff('000001-abc', 'complete')),
      line(handoff('000002-abc.reconstructed', 'one', { first: true })),
      line(handoff('000002-abc.reconstructed', 'two', { first: true })),
      line(handoff('000002-abc.reconstructed', 'three')),
    ]);
    expect(['000001-abc', '000002-abc.reconstructed', 'x'].map((id) => noteIn(seen, id))).toEqual([
      'complete',
      'one',
      null,
    ]);
  });

  test('is stale for what others must know and for silence, not for what the member does now', () => {
    const record = session(1, 'a', { presence: presence() });
    const stale = (more: object, seenAt = 1000): boolean =>
      isStale(record, { presence: presence(more), beat: '', seenAt }, 500);
    expect(stale({})).toBe(false);
    expect(stale({ doing: 'x', cwd: 'x', transcript: 'x' })).toBe(false);
    for (const key of ['sessionId', 'name', 'worktree', 'branch'])
      expect([key, stale({ [key]: 'x' })]).toEqual([key, true]);
    expect(stale({ left: { seq: 1, at: 'x', reason: 'x' } })).toBe(true);
    expect(stale({}, 1501)).toBe(true);
    expect(isStale(null, { presence: presence(), beat: '', seenAt: 1000 }, 500)).toBe(true);
    expect(
      isStale({ ...record, presence: null }, { presence: presence(), beat: '', seenAt: 1000 }, 500),
    ).toBe(true);
  });

  test('and forgotten is not looked at, part by part, and its number is not given again', () => {
    const lines = [line(session(3, 'a')), line(session(3, 'b')), line(handoff('000001-abc', 'x'))];
    const again = line(handoff('000001-abc', 'y', { at: '2026-11-22T08:00:00.001Z' }));
    const found = recordsIn(lines.join('\n'), scope);
    const [first, second, note] = found;
    expect(birthIn(view(lines, [forgettingOf('number', first!)]), 3)?.id).toBe('b');
    const none = view(lines, [forgettingOf('number', first!), forgettingOf('number', second!)]);
    expect([none.claims.size, none.top, none.said.size]).toEqual([0, 3, 2]);
    expect([...view(lines, [forgettingOf('member', first!)]).said.keys()]).toEqual(['b']);
    expect(view(lines, [forgettingOf('handoff', note!)]).notes.size).toBe(0);
    expect(noteIn(view([...lines, again], [forgettingOf('handoff', note!)]), '000001-abc')).toBe('y');
  });
});
