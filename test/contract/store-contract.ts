/**
 * What every store promises, whatever it keeps its records in. A store's own test file calls `storeContract` with a kit; a new
 * store is done when it passes.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Birth } from '../../src/core/member.ts';
import { type Capabilities, checksum, type Store } from '../../src/core/store.ts';
import { bundled, run, runKilled, runWatched } from '../support/other-process.ts';
import { birth, presence } from '../support/records.ts';
import { contentsBelow, scratch, write } from '../support/scratch.ts';

export interface StoreKit {
  /** A new handle on the records at this place; two handles on one place are two hooks. */
  open(place: string): Store | Promise<Store>;
  /** The same for other processes: `import { factory } from module`, called with the place. */
  readonly capabilities: Capabilities;
  /** Whether anything of this member is left in the medium, for whatever reader. */
  readonly holds: (place: string, id: string) => boolean;
  /** Takes the record of a join out, as another program does; for stores that cannot keep theirs. */
  readonly drop?: (place: string, seq: number) => void;
  readonly module: string;
  readonly factory: string;
  readonly nodeArgs?: readonly string[];
  /** A writer that is killed can leave a birth that nobody can read; its number is taken all the same. */
  readonly tearsWhenKilled?: boolean;
  /** Changes the world for these tests and returns how to change it back. */
  readonly surround?: () => () => void;
  /** Makes the place ready before a store is opened, when a store expects something to be there. */
  readonly prepare?: (place: string) => void;
  /** Ways in which a birth record, a presence or a note of this store can go bad. */
  readonly damage: Readonly<
    Record<string, (place: string, what: { seq: number; id: string; note: string }) => void>
  >;
  /** Puts things among the records that are nobody's; they must be ignored and left alone. */
  readonly litter: (place: string) => void;
  /** Leaves what a killed writer leaves, older than a minute; returns how many. */
  readonly leftovers?: (place: string) => number;
}

const note = (words: string): string =>
  `---\ntitle: "x"\ntype: "handoff"\nseq: "1"\n---\n\n## Goal\n\n${words}\n`;

export function storeContract(name: string, kit: StoreKit): void {
  describe(`the store contract: ${name}`, () => {
    let back = (): void => {};
    beforeAll(() => {
      back = kit.surround?.() ?? back;
    });
    afterAll(() => back());

    /** A place with neighbours that must stay as they are. */
    function placed(): { base: string; place: string } {
      const base = scratch('contract');
      const place = join(base, 'place');
      mkdirSync(place);
      kit.prepare?.(place);
      write(join(base, 'neighbour', 'precious.txt'), 'theirs');
      write(join(base, 'precious.json'), '{}');
      return { base, place };
    }
    const opened = async (): Promise<{ base: string; place: string; store: Store }> => {
      const { base, place } = placed();
      return { base, place, store: await kit.open(place) };
    };
    const newcomer = (id: string, more: Partial<Birth> = {}): Birth => birth(id, more);

    describe('an empty place', () => {
      test('has nothing, and asking makes nothing', async () => {
        const { place, store } = await opened();
        const before = contentsBelow(place);
        expect((await store.numbers()).above).toEqual([]);
        expect(await store.memberIds()).toEqual([]);
        expect(await store.handoffs()).toEqual([]);
        expect(await store.damaged()).toEqual([]);
        expect(await store.birth(1)).toBeNull();
        expect(await store.presence('m')).toBeNull();
        expect(await store.handoff('000001-abc')).toBeNull();
        expect(await store.sweep(0)).toBe(0);
        expect(contentsBelow(place)).toEqual(before);
      });

      test('dropping and forgetting what is not there is no error', async () => {
        const { store } = await opened();
        await store.dropHandoff('000001-abc');
        await store.forget({ seqs: [1, 2], members: ['nobody'] });
        await store.renew('nobody');
        expect(await store.presence('nobody')).toBeNull();
      });
    });

    describe('join', () => {
      test('hands out growing numbers and files the birth under them, complete', async () => {
        const { place, store } = await opened();
        const births = [
          newcomer('a'),
          newcomer('b', { candidacy: 'fallback', attended: false }),
          newcomer('c', { host: 'über "desk"\n' }),
        ];
        const seqs: number[] = [];
        for (const one of births) seqs.push(await store.join(one, 0));
        expect(seqs).toEqual([...seqs].sort((a, b) => a - b));
        expect(new Set(seqs).size).toBe(3);
        const reader = await kit.open(place);
        expect((await reader.numbers()).above).toEqual(seqs);
        for (const [index, seq] of seqs.entries()) expect(await reader.birth(seq)).toEqual(births[index]);
      });

      test('the first number is above the floor, and so is every later one', async () => {
        const { store } = await opened();
        expect(await store.join(newcomer('a'), 41)).toBeGreaterThan(41);
        const second = await store.join(newcomer('b'), 0);
        expect(second).toBeGreaterThan(42 - 1);
        expect(await store.join(newcomer('c'), 1000)).toBeGreaterThan(1000);
        expect((await store.numbers()).above.at(-1)).toBeGreaterThan(1000);
      });

      test('who has listed the numbers gets the next one, above whoever came since', async () => {
        const { place, store } = await opened();
        await store.join(newcomer('a'), 7);
        const top = (await store.numbers()).above.at(-1)!;
        const other = await (await kit.open(place)).join(newcomer('b'), 0);
        const seq = await store.join(newcomer('c'), top, { listed: true });
        expect(seq).toBeGreaterThan(other);
        expect((await store.birth(other))?.id).toBe('b');
      });

      test('the same member joins again with a higher number: that is a promotion', async () => {
        const { store } = await opened();
        const first = await store.join(newcomer('a'), 0);
        const again = await store.join(newcomer('a', { cause: 'promote' }), 0);
        expect(again).toBeGreaterThan(first);
        expect(await store.birth(first)).toEqual(newcomer('a'));
        expect(await store.birth(again)).toEqual(newcomer('a', { cause: 'promote' }));
      });

      test('a join that returned before another began has the lower number, whatever handle or floor', async () => {
        const { place } = await opened();
        await fc.assert(
          fc.asyncProperty(
            fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 2, maxLength: 6 }),
            async (floors) => {
              let before = 0;
              for (const floor of floors) {
                const seq = await (await kit.open(place)).join(newcomer('a'), floor);
                expect(seq).toBeGreaterThan(before);
                before = seq;
              }
            },
          ),
          { numRuns: 8 },
        );
      });

      test.each([2, 16, 50])(
        '%d at the same moment in one process: distinct numbers, none lost',
        async (count) => {
          const { place, store } = await opened();
          const handles = await Promise.all(Array.from({ length: count }, () => kit.open(place)));
          const seqs = await Promise.all(
            handles.map((handle, index) => handle.join(newcomer(`m${index}`), 0)),
          );
          expect(new Set(seqs).size).toBe(count);
          expect((await store.numbers()).above).toEqual([...seqs].sort((a, b) => a - b));
          for (const [index, seq] of seqs.entries()) expect((await store.birth(seq))?.id).toBe(`m${index}`);
        },
      );

      describe('from other processes', () => {
        const joiner = bundled(`
            import { ${kit.factory} as open } from ${JSON.stringify(kit.module)};
            const [place, who, count, birth, startAt] = process.argv.slice(2);
            (async () => {
              const store = await open(place);
              while (Date.now() < Number(startAt));
              const done = [];
              for (let i = 0; i < Number(count); i++) {
                const from = process.hrtime.bigint();
                // As hooks do that looked before, and as commands do that did not.
                const listed = i % 2 === 0;
                const floor = listed ? ((await store.numbers()).above.at(-1) ?? 0) : 0;
                const seq = await store.join({ ...JSON.parse(birth), id: who + '-' + i }, floor, { listed });
                done.push([seq, who + '-' + i, String(from), String(process.hrtime.bigint())]);
              }
              console.log(JSON.stringify(done));
            })();
          `);

        test.each([
          [2, 20],
          [8, 8],
          [16, 3],
        ])(
          '%d processes, %d joins each: distinct, none lost, real-time order kept',
          async (processes, each) => {
            const { place, store } = await opened();
            const startAt = String(Date.now() + 400 + 40 * processes);
            const said = await Promise.all(
              Array.from({ length: processes }, (_, index) =>
                run(
                  joiner,
                  [place, `p${index}`, String(each), JSON.stringify(newcomer('x')), startAt],
                  kit.nodeArgs,
                ),
              ),
            );
            const joins = said.flatMap((text) => JSON.parse(text) as [number, string, string, string][]);
            expect(new Set(joins.map(([seq]) => seq)).size).toBe(processes * each);
            expect((await store.numbers()).above).toEqual(joins.map(([seq]) => seq).sort((a, b) => a - b));
            for (const [seq, id] of joins) expect((await store.birth(seq))?.id).toBe(id);
            for (const [seq, , , end] of joins)
              for (const [other, , start] of joins)
                if (BigInt(end) < BigInt(start)) expect(seq, 'a join that had returned').toBeLessThan(other);
          },
        );
      });
    });

    describe('a number that a birth has already', () => {
      test('is filed again where it was lost, or where it never was, and others do not see it twice', async () => {
        const { place, store } = await opened();
        const own = newcomer('a');
        expect(await store.refile(own, 7)).toBe(true);
        expect(await store.refile(own, 7)).toBe(true);
        const reader = await kit.open(place);
        expect(await reader.birth(7)).toEqual(own);
        expect(await reader.numbers()).toEqual({ above: [7], below: 0, past: [] });
        expect(await store.join(newcomer('b'), 0)).toBeGreaterThan(7);
        expect(await store.refile(newcomer('c'), 3)).toBe(true);
        const { above, below } = await reader.numbers(7);
        expect([above.length, below]).toEqual([1, checksum([3, 7])]);
      });

      test('stays with whoever has it', async () => {
        const { store } = await opened();
        const seq = await store.join(newcomer('a'), 0);
        expect(await store.refile(newcomer('b'), seq)).toBe(false);
        expect(await store.birth(seq)).toEqual(newcomer('a'));
      });
    });

    describe('what it says it can do', () => {
      test('is what this suite was told', async () => {
        const { store } = await opened();
        expect(store.capabilities).toEqual(kit.capabilities);
      });

      test('what was forgotten is gone from the medium, or else it says so', async () => {
        const { place, store } = await opened();
        const seq = await store.join(newcomer('victim'), 0);
        await store.announce('victim', presence());
        await store.join(newcomer('b'), 0);
        expect(kit.holds(place, 'victim')).toBe(true);
        await store.forget({ seqs: [seq], members: ['victim'] });
        expect(kit.holds(place, 'victim')).toBe(!store.capabilities.forgets);
        expect(await (await kit.open(place)).birth(seq)).toBeNull();
      });

      if (!kit.capabilities.keeps)
        test('a record that another program dropped is filed again', async () => {
          const { place, store } = await opened();
          const seq = await store.join(newcomer('a'), 0);
          kit.drop!(place, seq);
          const reader = await kit.open(place);
          expect((await reader.numbers()).above).toEqual([]);
          expect(await reader.refile(newcomer('a'), seq)).toBe(true);
          expect(await (await kit.open(place)).birth(seq)).toEqual(newcomer('a'));
        });

      if (!kit.capabilities.exclusive)
        test('a number whose record was dropped can be taken by somebody else: then it is theirs', async () => {
          const { place, store } = await opened();
          const seq = await store.join(newcomer('a'), 0);
          kit.drop!(place, seq);
          expect(await (await kit.open(place)).join(newcomer('b'), 0)).toBe(seq);
          expect(await (await kit.open(place)).refile(newcomer('a'), seq)).toBe(false);
        });
    });

    /** Every record is whole, numbers are distinct, and the next one is above them all. */
    async function expectWhole(store: Store): Promise<void> {
      if (!kit.tearsWhenKilled) expect(await store.damaged()).toEqual([]);
      const { above } = await store.numbers();
      expect(new Set(above).size).toBe(above.length);
      expect(above.length).toBeGreaterThan(0);
      for (const seq of above) {
        const born = await store.birth(seq);
        if (!born && kit.tearsWhenKilled) continue;
        expect(born, `the birth under ${seq}`).not.toBeNull();
        const told = (await store.presence(born!.id))?.presence;
        if (told) expect([told.name, told.cwd]).toEqual([born!.id, born!.id]);
      }
      for (const id of await store.handoffs()) {
        const lines = (await store.handoff(id))!.split('\n');
        expect([lines.length, lines.at(-1)]).toEqual([3, lines[0]]);
      }
      expect(await store.join(newcomer('next'), 0)).toBeGreaterThan(above.at(-1)!);
    }

    describe('writers that are killed', () => {
      const doomed = bundled(`
        import { ${kit.factory} as open } from ${JSON.stringify(kit.module)};
        const [place, who, birth, presence] = process.argv.slice(2);
        (async () => {
          const store = await open(place);
          console.log('ready');
          for (let i = 0; i < 1000; i++) {
            const id = who + '-' + i;
            const seq = await store.join({ ...JSON.parse(birth), id }, 0);
            await store.announce(id, { ...JSON.parse(presence), name: id, cwd: id });
            await store.putHandoff(String(seq).padStart(6, '0') + '-abc', id + '\\n' + 'x'.repeat(5000) + '\\n' + id);
          }
        })();
      `);

      test('at any moment leave whole records or none, and no number is given twice', async () => {
        const { place, store } = await opened();
        for (let round = 0; round < 12; round++) {
          const args = [place, `p${round}`, JSON.stringify(newcomer('x')), JSON.stringify(presence())];
          await runKilled(doomed, args, 20 + Math.random() * 150, kit.nodeArgs);
        }
        await expectWhole(store);
      });

      const once = bundled(`
        import { ${kit.factory} as open } from ${JSON.stringify(kit.module)};
        const [place, id, birth, presence] = process.argv.slice(2);
        (async () => {
          const store = await open(place);
          const seq = await store.join({ ...JSON.parse(birth), id }, 0);
          await store.announce(id, { ...JSON.parse(presence), name: id, cwd: id });
          const note = id + '\\n' + 'x'.repeat(5000) + '\\n' + id;
          await store.putHandoff(String(seq).padStart(6, '0') + '-abc', note, { durable: true });
          await store.forget({ seqs: [seq - 1] });
        })();
      `);

      test('at each step of joining, telling, leaving a handoff and forgetting do the same', async () => {
        const { base, place, store } = await opened();
        let turns = 0;
        const act = (killAt: Parameters<typeof runWatched>[2]): ReturnType<typeof runWatched> =>
          runWatched(
            once,
            [place, `s${turns++}`, JSON.stringify(newcomer('x')), JSON.stringify(presence())],
            killAt,
            kit.nodeArgs,
          );
        await act(null);
        const { calls } = await act(null);
        const steps = calls.filter(
          ({ changes, paths }) => changes && paths.some((path) => path.startsWith(base)),
        );
        expect(steps.length).toBeGreaterThan(3);
        let killed = 0;
        for (const step of steps) if ((await act(step)).killed) killed++;
        expect(killed).toBeGreaterThan(steps.length / 2);
        await expectWhole(store);
      });

      const again = bundled(`
        import { ${kit.factory} as open } from ${JSON.stringify(kit.module)};
        const [place, id, text] = process.argv.slice(2);
        (async () => (await open(place)).putHandoff(id, text))();
      `);

      test('at each step of replacing a handoff leave the old one or the new one, and the next one counts', async () => {
        const { base, place, store } = await opened();
        const id = '000001-abc';
        const put = (text: string, killAt: Parameters<typeof runWatched>[2]): ReturnType<typeof runWatched> =>
          runWatched(again, [place, id, text], killAt, kit.nodeArgs);
        await put(note('first'), null);
        const { calls } = await put(note('second'), null);
        const steps = calls.filter(
          ({ changes, paths }) => changes && paths.some((path) => path.startsWith(base)),
        );
        expect(steps.length).toBeGreaterThan(1);
        let killed = 0;
        for (const [turn, step] of steps.entries()) {
          // What a killed writer holds may take a while to be let go of.
          const afresh = async (): Promise<string | null> => {
            try {
              await store.dropHandoff(id);
              await put(note(`old ${turn}`), null);
              return await store.handoff(id);
            } catch {
              return null;
            }
          };
          // The calls before a step are not the same in every run, so it may be passed by.
          for (let attempt = 0, met = false; attempt < 3 && !met; attempt++) {
            await expect.poll(afresh, { timeout: 15_000, interval: 200 }).toBe(note(`old ${turn}`));
            met = (await put(note(`new ${turn}`), step)).killed;
            if (met) killed++;
            expect([note(`old ${turn}`), note(`new ${turn}`)]).toContain(await store.handoff(id));
          }
          expect(await store.handoffs()).toEqual([id]);
        }
        expect(killed).toBe(steps.length);
        await store.dropHandoff(id);
        expect(await store.handoff(id)).toBeNull();
        expect(await store.handoffs()).toEqual([]);
      });

      test('a number is given once though every joiner but the last was killed', async () => {
        const { place, store } = await opened();
        const args = (id: string): string[] => [
          place,
          id,
          JSON.stringify(newcomer('x')),
          JSON.stringify(presence()),
        ];
        const { calls } = await runWatched(once, args('first'), null, kit.nodeArgs);
        const last = calls.filter(
          ({ changes, paths }) => changes && paths.some((path) => path.includes(place)),
        );
        await runWatched(once, args('second'), last[Math.floor(last.length / 2)]!, kit.nodeArgs);
        const before = (await store.numbers()).above;
        const seq = await store.join(newcomer('third'), 0);
        expect(before).not.toContain(seq);
      });
    });

    describe('leaving', () => {
      test('is told by its owner, stays told, and a new join comes after it', async () => {
        const { place, store } = await opened();
        const seq = await store.join(newcomer('a'), 0);
        const left = { seq, at: '2026-11-22T10:00:00.000Z', reason: 'logout' };
        await store.announce('a', presence({ left }));
        const reader = await kit.open(place);
        expect((await reader.presence('a'))?.presence.left).toEqual(left);
        await store.renew('a');
        expect((await reader.presence('a'))?.presence.left).toEqual(left);
        expect(await reader.birth(seq)).toEqual(newcomer('a'));
        expect(await store.join(newcomer('a', { cause: 'late' }), 0)).toBeGreaterThan(seq);
      });
    });

    describe('presence', () => {
      test('is absent until it is announced, then as announced, for every handle', async () => {
        const { place, store } = await opened();
        await store.join(newcomer('a'), 0);
        expect(await store.presence('a')).toBeNull();
        const told = presence({ name: 'ünïcode "quotes" \n lines', doing: 'x'.repeat(160) });
        await store.announce('a', told);
        expect((await (await kit.open(place)).presence('a'))?.presence).toEqual(told);
        expect(await store.presence('b')).toBeNull();
      });

      test('is replaced as a whole', async () => {
        const { store } = await opened();
        await store.announce(
          'a',
          presence({ name: 'long '.repeat(50), left: { seq: 1, at: 'x', reason: 'y' } }),
        );
        await store.announce('a', presence({ name: 'short' }));
        expect((await store.presence('a'))?.presence).toEqual(presence({ name: 'short' }));
      });

      test('renewing moves the beat and changes nothing else', async () => {
        const { store } = await opened();
        await store.announce('a', presence());
        const first = (await store.presence('a'))!;
        await new Promise((resolve) => setTimeout(resolve, 20));
        expect(await store.renew('a')).toBe(true);
        const second = (await store.presence('a'))!;
        expect(second.presence).toEqual(first.presence);
        expect(second.beat).not.toBe(first.beat);
        expect(second.seenAt).toBeGreaterThan(first.seenAt);
      });

      test('nobody is renewed who told nothing', async () => {
        const { store } = await opened();
        await store.announce('a', presence());
        expect(await store.renew('b')).toBe(false);
        expect(await store.presence('b')).toBeNull();
      });

      test('looking does not move the beat', async () => {
        const { store } = await opened();
        await store.announce('a', presence());
        const first = await store.presence('a');
        await new Promise((resolve) => setTimeout(resolve, 20));
        expect((await store.presence('a'))?.beat).toBe(first?.beat);
      });

      test('of one member does not touch another', async () => {
        const { store } = await opened();
        await store.announce('a', presence({ name: 'a' }));
        const before = await store.presence('a');
        await store.announce('b', presence({ name: 'b' }));
        await store.renew('b');
        expect(await store.presence('a')).toEqual(before);
        expect((await store.memberIds()).sort()).toEqual(['a', 'b']);
      });
    });

    describe('handoffs', () => {
      test('come back letter by letter', async () => {
        const { place, store } = await opened();
        const text = note('Zeilen — 日本 😀\n\n```text\n# [[x]]\n```\n'.repeat(20));
        expect(await store.putHandoff('000001-abc', text)).toBe(true);
        const reader = await kit.open(place);
        expect(await reader.handoff('000001-abc')).toBe(text);
        expect(await reader.handoff('000001-abd')).toBeNull();
      });

      test('are replaced as a whole', async () => {
        const { store } = await opened();
        await store.putHandoff('000001-abc', note('long '.repeat(1000)));
        await store.putHandoff('000001-abc', note('short'));
        expect(await store.handoff('000001-abc')).toBe(note('short'));
      });

      test('of several first ones the first stays', async () => {
        const { store } = await opened();
        expect(await store.putHandoff('000001-abc.reconstructed', note('one'), { first: true })).toBe(true);
        expect(await store.putHandoff('000001-abc.reconstructed', note('two'), { first: true })).toBe(false);
        expect(await store.handoff('000001-abc.reconstructed')).toBe(note('one'));
      });

      test('of many first ones at the same moment exactly one wins, and it is the one that stays', async () => {
        const { place, store } = await opened();
        const handles = await Promise.all(Array.from({ length: 16 }, () => kit.open(place)));
        const won = await Promise.all(
          handles.map((handle, index) =>
            handle.putHandoff('000001-abc.reconstructed', note(`by ${index}`), { first: true }),
          ),
        );
        expect(won.filter(Boolean)).toHaveLength(1);
        expect(await store.handoff('000001-abc.reconstructed')).toBe(note(`by ${won.indexOf(true)}`));
      });

      test('are listed in the order of their numbers, not of their letters', async () => {
        const { store } = await opened();
        const ids = ['000002-zzz', '000010-aaa', '000009-mmm', '1000000-aaa', '000009-mmm.reconstructed'];
        for (const id of ids) await store.putHandoff(id, note(id));
        expect(await store.handoffs()).toEqual([
          '000002-zzz',
          '000009-mmm',
          '000009-mmm.reconstructed',
          '000010-aaa',
          '1000000-aaa',
        ]);
      });

      test('can be dropped, one by one', async () => {
        const { store } = await opened();
        await store.putHandoff('000001-abc', note('one'));
        await store.putHandoff('000002-abc', note('two'));
        await store.dropHandoff('000001-abc');
        expect(await store.handoffs()).toEqual(['000002-abc']);
        expect(await store.handoff('000001-abc')).toBeNull();
      });

      test('have a place that a person can be told', async () => {
        const { store } = await opened();
        await store.putHandoff('000001-abc', note('one'));
        expect(store.handoffPlace('000001-abc')).toContain('000001-abc');
        expect(store.place).not.toBe('');
      });

      test.each([
        '../../escape',
        '000001-../../x',
        '/etc/passwd',
        'x',
        '',
        '000001-abc/../../y',
        '000001-abc\0',
      ])('an id that is none, %j, is refused and reaches nothing', async (id) => {
        const { base, store } = await opened();
        const before = contentsBelow(base);
        await expect(async () => store.putHandoff(id, 'evil')).rejects.toThrow();
        expect(await store.handoff(id)).toBeNull();
        await Promise.resolve()
          .then(() => store.dropHandoff(id))
          .catch(() => {});
        expect(contentsBelow(base)).toEqual(before);
      });
    });

    describe('a reader at the same time', () => {
      const writer = bundled(`
          import { ${kit.factory} as open } from ${JSON.stringify(kit.module)};
          const [place, birth, presence] = process.argv.slice(2);
          (async () => {
            const store = await open(place);
            for (let i = 0; i < 60; i++) {
              const word = String(i).padStart(4, '0').repeat(1 + (i % 40));
              await store.announce('w', { ...JSON.parse(presence), name: word, cwd: word, transcript: word });
              await store.putHandoff('000001-abc', word + '\\n' + word.repeat(50) + '\\n' + word);
              await store.join({ ...JSON.parse(birth), id: 'w', host: word, cause: word }, 0);
            }
          })();
        `);

      test('sees the old or the new record, never half of one', async () => {
        const { place, store } = await opened();
        let writing = true;
        const done = run(
          writer,
          [place, JSON.stringify(newcomer('w')), JSON.stringify(presence())],
          kit.nodeArgs,
        ).finally(() => {
          writing = false;
        });
        let looked = 0;
        const seen = { births: new Set<number>(), presences: 0, notes: 0 };
        while (writing) {
          const told = (await store.presence('w'))?.presence;
          if (told) {
            expect([told.cwd, told.transcript]).toEqual([told.name, told.name]);
            seen.presences++;
          } else expect(seen.presences, 'a record that was there is gone').toBe(0);
          const text = await store.handoff('000001-abc');
          if (text !== null) {
            const [first, , last] = text.split('\n');
            expect(last).toBe(first);
            seen.notes++;
          } else expect(seen.notes, 'a note that was there is gone').toBe(0);
          for (const seq of (await store.numbers()).above.slice(-2)) {
            const born = await store.birth(seq);
            if (born) {
              expect(born.cause).toBe(born.host);
              seen.births.add(seq);
            } else expect(seen.births.has(seq), 'a birth that was there is gone').toBe(false);
          }
          looked++;
          await new Promise((resolve) => setImmediate(resolve));
        }
        await done;
        expect(looked).toBeGreaterThan(3);
        expect(seen.presences).toBeGreaterThan(0);
        expect((await store.numbers()).above.length).toBe(60);
        expect(await store.damaged()).toEqual([]);
      });
    });

    describe('records that went bad', () => {
      test.each(Object.keys(kit.damage))(
        '%s: absent for readers, named by damaged, nobody else affected',
        async (what) => {
          const { place, store } = await opened();
          const seq = await store.join(newcomer('victim'), 0);
          await store.announce('victim', presence());
          await store.putHandoff('000001-abc', note('victim'));
          const good = await store.join(newcomer('good'), 0);
          await store.announce('good', presence({ name: 'good' }));
          await store.putHandoff('000002-abc', note('good'));
          expect(await store.damaged()).toEqual([]);

          kit.damage[what]!(place, { seq, id: 'victim', note: '000001-abc' });
          const reader = await kit.open(place);
          const found = await reader.damaged();
          expect(found).toHaveLength(1);
          expect(found[0]!.reason).not.toBe('');
          expect(found[0]!.record).toMatch(/victim|abc|0*1/);
          const left = [
            await reader.birth(seq),
            await reader.presence('victim'),
            await reader.handoff('000001-abc'),
          ];
          expect(left.filter((record) => record === null).length).toBeGreaterThanOrEqual(1);
          expect(await reader.birth(good)).toEqual(newcomer('good'));
          expect((await reader.presence('good'))?.presence.name).toBe('good');
          expect(await reader.handoff('000002-abc')).toBe(note('good'));
          expect(await reader.join(newcomer('next'), 0)).toBeGreaterThan(good);
        },
      );

      test('what is not ours is ignored and left alone', async () => {
        const { place, store } = await opened();
        const seq = await store.join(newcomer('a'), 0);
        await store.announce('a', presence());
        await store.putHandoff('000001-abc', note('a'));
        const own = contentsBelow(place);
        kit.litter(place);
        const all = contentsBelow(place);
        const litter = Object.keys(all).filter((name) => !(name in own));
        expect(litter.length).toBeGreaterThan(0);

        expect((await store.numbers()).above).toEqual([seq]);
        expect(await store.handoffs()).toEqual(['000001-abc']);
        const next = await store.join(newcomer('b'), 0);
        await store.announce('b', presence());
        await store.forget({ seqs: [seq, next], members: ['a', 'b'] });
        await store.dropHandoff('000001-abc');
        await store.sweep(0);
        const after = contentsBelow(place);
        for (const name of litter) expect(after[name], name).toBe(all[name]);
      });
    });

    describe('forgetting', () => {
      test('the highest number is kept whatever is asked, and the next one is above it', async () => {
        const { place, store } = await opened();
        const seqs: number[] = [];
        for (let i = 0; i < 5; i++) seqs.push(await store.join(newcomer(`m${i}`), 0));
        await store.forget({ seqs, members: seqs.map((_, index) => `m${index}`) });
        expect((await store.numbers()).above).toEqual([seqs.at(-1)]);
        expect(await (await kit.open(place)).join(newcomer('x'), 0)).toBeGreaterThan(seqs.at(-1)!);
      });

      test('for any wish and any joins in between, no number is ever given twice', async () => {
        await fc.assert(
          fc.asyncProperty(
            fc.array(fc.oneof(fc.constant('join' as const), fc.array(fc.integer({ min: 1, max: 20 }))), {
              maxLength: 14,
            }),
            async (steps) => {
              const { store } = await opened();
              const given = new Set<number>();
              let highest = 0;
              for (const step of steps) {
                if (step !== 'join') await store.forget({ seqs: step });
                else {
                  const seq = await store.join(newcomer('a'), 0);
                  expect(given.has(seq)).toBe(false);
                  expect(seq).toBeGreaterThan(highest);
                  given.add(seq);
                  highest = seq;
                }
                if (highest) expect((await store.numbers()).above.at(-1)).toBe(highest);
              }
            },
          ),
          { numRuns: 12 },
        );
      });

      test('members are forgotten with all they told, others stay', async () => {
        const { store } = await opened();
        for (const id of ['a', 'b']) await store.announce(id, presence({ name: id }));
        await store.forget({ members: ['a'] });
        expect(await store.memberIds()).toEqual(['b']);
        expect(await store.presence('a')).toBeNull();
        expect((await store.presence('b'))?.presence.name).toBe('b');
      });

      test.each(['..', '.', '../..', '/', '', 'a/../..', '../neighbour'])(
        'a member called %j reaches nothing',
        async (id) => {
          const { base, store } = await opened();
          await store.announce('a', presence());
          const before = contentsBelow(base);
          await Promise.resolve()
            .then(() => store.forget({ members: [id] }))
            .catch(() => {});
          await Promise.resolve()
            .then(() => store.announce(id, presence()))
            .catch(() => {});
          await Promise.resolve()
            .then(() => store.renew(id))
            .catch(() => {});
          expect(contentsBelow(base)).toEqual(before);
        },
      );
    });

    if (kit.leftovers)
      test('sweeping takes what killed writers left, once it is old, and nothing else', async () => {
        const { place, store } = await opened();
        const seq = await store.join(newcomer('a'), 0);
        await store.announce('a', presence());
        await store.putHandoff('000001-abc', note('a'));
        const own = contentsBelow(place);
        const left = kit.leftovers!(place);
        expect(await store.sweep(3_600_000)).toBe(0);
        expect(Object.keys(contentsBelow(place)).length).toBe(Object.keys(own).length + left);
        expect(await store.sweep(30_000)).toBe(left);
        expect(contentsBelow(place)).toEqual(own);
        expect(await store.birth(seq)).toEqual(newcomer('a'));
      });

    test('nothing outside its place is touched by anything', async () => {
      const { base, place, store } = await opened();
      const outside = (): Record<string, string> =>
        Object.fromEntries(
          Object.entries(contentsBelow(base)).filter(([path]) => !path.startsWith('place/')),
        );
      const before = outside();
      const seq = await store.join(newcomer('a'), 7);
      await store.announce('a', presence());
      await store.renew('a');
      await store.putHandoff('000001-abc', note('a'));
      await store.putHandoff('000001-abc.reconstructed', note('a'), { first: true });
      await store.forget({ seqs: [seq], members: ['a'] });
      await store.dropHandoff('000001-abc');
      await store.sweep(0);
      await store.damaged();
      expect(outside()).toEqual(before);
      expect(place).toContain(base);
    });
  });
}
