/**
 * What came from outside, mangled: payloads, records, notebooks, handoffs, transcripts, configuration and settings. FLOWLOOM_SEED
 * repeats a run, FLOWLOOM_FUZZ_RUNS makes it longer.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { InstallError } from '../../install/error.ts';
import { parseManifest } from '../../install/manifest.ts';
import { planInstall, planRemoval } from '../../install/plan.ts';
import { parsePayload } from '../../src/claude/payload.ts';
import { projectScriptsDir, settingsBlock } from '../../src/claude/settings.ts';
import { configOf } from '../../src/config/find.ts';
import { keptConfig, resolveConfig } from '../../src/core/config.ts';
import { parseHandoff } from '../../src/core/handoff.ts';
import { digest, emptyDigest } from '../../src/core/transcript.ts';
import { locateScope } from '../../src/io/scope.ts';
import { fileStore } from '../../src/stores/file-store.ts';
import { type HookName, hookNames } from '../support/built.ts';
import { startLongClient } from '../support/clients.ts';
import { invisible } from '../support/hostile.ts';
import { mangled } from '../support/mangled.ts';
import { expectWell, haveRecords, records } from '../support/member-records.ts';
import { write } from '../support/scratch.ts';
import { seed } from '../support/seed.ts';
import { idOf } from '../support/state.ts';
import { recordedTranscript, type SessionUnderTest, world } from '../support/world.ts';

const runs = Number(process.env.FLOWLOOM_FUZZ_RUNS ?? 1) * 300;
const spawned = Math.ceil(runs / 12);

const fixtures = join(import.meta.dirname, '..', 'fixtures');
const settings = join(import.meta.dirname, '..', 'install', 'settings');
const texts = (folder: string): string[] =>
  readdirSync(folder)
    .filter((name) => /\.jsonc?$/.test(name))
    .map((name) => readFileSync(join(folder, name), 'utf8'));

/** The kinds that fields of a payload may have; all others are texts. */
const kinds: Readonly<Record<string, readonly string[]>> = {
  toolCalls: ['list'],
  scheduled: ['list'],
  sinceLastResponse: ['null', 'number'],
};
const kindOf = (value: unknown): string =>
  value === null ? 'null' : Array.isArray(value) ? 'list' : typeof value;

describe(`in one process (seed ${seed})`, () => {
  test('a payload is understood or refused', () => {
    const payloads = texts(join(fixtures, 'payloads'));
    expect(payloads.length).toBeGreaterThan(5);
    fc.assert(
      fc.property(
        fc.constantFrom(...payloads).chain((text) => mangled(text)),
        (text) => {
          const payload = parsePayload(text);
          if (payload)
            for (const [name, value] of Object.entries(payload))
              expect([name, (kinds[name] ?? ['string']).includes(kindOf(value))]).toEqual([name, true]);
        },
      ),
      { numRuns: runs },
    );
  });

  test('a transcript is digested, whatever its lines are', () => {
    fc.assert(
      fc.property(mangled(recordedTranscript(), 8), (text) => {
        const found = digest(emptyDigest, text);
        expect(Object.keys(found).sort()).toEqual(Object.keys(emptyDigest).sort());
        // Once more, on what it has become.
        expect(digest(JSON.parse(JSON.stringify(found)), text)).toBeTypeOf('object');
      }),
      { numRuns: Math.ceil(runs / 4) },
    );
  });

  test('settings are wired and freed again byte for byte, or refused in a sentence', () => {
    const block = settingsBlock(projectScriptsDir);
    let wired = 0;
    fc.assert(
      fc.property(
        fc.constantFrom(...texts(settings), '{}', '{\n  "hooks": {}\n}\n').chain((text) => mangled(text, 3)),
        (text) => {
          try {
            const plan = planInstall(text, block);
            expect(planInstall(plan.text, block).changed).toBe(false);
            if (plan.found) return;
            expect(planRemoval(plan.text, plan.before).text).toBe(text);
            wired++;
          } catch (cause) {
            if (!(cause instanceof InstallError)) throw cause;
            expect(cause.message).toMatch(/settings\.json/);
          }
        },
      ),
      { numRuns: runs },
    );
    expect(wired).toBeGreaterThan(runs / 50);
  });

  test('a manifest of install is read or not, never thrown at but with a sentence', () => {
    const manifest = JSON.stringify({
      name: 'flowloom-hooks',
      scope: 'project',
      version: '0.1.0',
      files: { 'hooks/stop.cjs': 'x' },
    });
    fc.assert(
      fc.property(mangled(manifest), (text) => {
        const read = parseManifest(text);
        if (read) expect(read.files).toBeTypeOf('object');
      }),
      { numRuns: runs },
    );
  });
});

describe(`in files (seed ${seed})`, () => {
  const w = world({ name: 'fuzz', until: afterAll });
  const clients = [startLongClient(), startLongClient()];
  const [other, victim] = clients.map((client) => w.session({ client })) as [
    SessionUnderTest,
    SessionUnderTest,
  ];
  let id = '';
  beforeAll(async () => {
    await haveRecords(w, [other, victim]);
    id = idOf(w.state, victim.client.pid);
  });
  afterAll(() => Promise.all(clients.map((client) => client.kill())));

  test('a configuration gives a valid one and says what is wrong', async () => {
    const written: [string, string][] = [
      [
        '.flowloomrc.json',
        '{"store": "file", "prompt": "always", "unattended": "ignore", "leaseHours": 12, "handoff": {"keep": 5, "maxChars": 4000}}',
      ],
      [
        '.flowloomrc.yaml',
        'store: git\nprompt: changes\nhandoff:\n  keep: 3\n  maxChars: 2000\nleaseHours: 2\n',
      ],
      [
        'package.json',
        '{"name":"shop","flowloom":{"store":"memory-graph","memoryGraph":{"file":"memory.jsonl"}}}',
      ],
    ];
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...written).chain(([name, text]) => fc.tuple(fc.constant(name), mangled(text))),
        async ([name, text]) => {
          const folder = join(w.base, 'config', name);
          write(join(folder, name), text);
          const { config } = await configOf(locateScope(folder), { HOME: w.home });
          const { foreignRoles, ...written } = JSON.parse(JSON.stringify(config));
          expect(resolveConfig(written)).toEqual({ config: { ...config, foreignRoles: [] }, problems: [] });
          expect(keptConfig({ ...written, foreignRoles })).toEqual(config);
        },
      ),
      { numRuns: Math.ceil(runs / 2) },
    );
  });

  test('births, presences and handoffs are read or named as damage', async () => {
    const store = fileStore(w.state);
    const kinds = ['its birth', 'its presence', 'its handoff'] as const;
    const whole = Object.fromEntries(
      kinds.map((kind) => [kind, readFileSync(records[kind]!(w, id), 'utf8')]),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...kinds).chain((kind) => fc.tuple(fc.constant(kind), mangled(whole[kind]!))),
        async ([kind, text]) => {
          const path = records[kind]!(w, id);
          write(path, text);
          const birth = await store.birth(2);
          const presence = await store.presence(id);
          for (const note of await store.handoffs()) parseHandoff((await store.handoff(note)) ?? '', note);
          const damaged = (await store.damaged()).map(({ record }) => record);
          // Empty for a moment is not damage: it may be on its way.
          if (kind === 'its birth' && text !== '') expect(damaged.includes(path)).toBe(birth === null);
          if (kind === 'its presence' && text !== '') expect(damaged.includes(path)).toBe(presence === null);
          write(path, whole[kind]!);
        },
      ),
      { numRuns: runs },
    );
  });

  test('hooks with mangled payloads, and among mangled records, are well and say nothing odd', async () => {
    const kinds = [
      'its birth',
      'its presence',
      'its notebook',
      'the other half of its notebook',
      'its handoff',
      'the log',
    ] as const;
    const whole = Object.fromEntries(
      kinds.map((kind) => [kind, readFileSync(records[kind]!(w, id), 'utf8')]),
    );
    const blows = fc.tuple(
      fc.constantFrom<HookName>(...hookNames),
      fc.constantFrom(...kinds).chain((kind) => fc.tuple(fc.constant(kind), mangled(whole[kind]!))),
      fc.boolean(),
    );
    await fc.assert(
      fc.asyncProperty(blows, fc.gen(), async ([name, [kind, text], spoilPayload], gen) => {
        write(records[kind]!(w, id), text);
        const payload = JSON.stringify(victim.payload(name, { prompt_id: `fuzz-${gen(fc.nat)}` }));
        const stdin = spoilPayload ? gen(mangled, payload) : payload;
        const fired = await victim.fire(name, { stdin });
        expectWell(name, fired);
        if (fired.context) expect(fired.context).toMatch(/^You are (?:master|worker) \(epoch \d+\)/);
        expect(fired.context).not.toMatch(invisible);
        expectWell('another', await other.prompt());
        expect((await other.prompt()).context).toMatch(/^You are (?:master|worker) \(epoch \d+\)/);
      }),
      { numRuns: spawned },
    );
  });
});
