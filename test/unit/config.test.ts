import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { defaults, resolveConfig } from '../../src/core/config.ts';

describe('a configuration', () => {
  test.each([undefined, null, {}])('%j is the defaults, without a word', (written) => {
    expect(resolveConfig(written)).toEqual({ config: defaults, problems: [] });
  });

  test('every good value is taken', () => {
    const written = {
      store: 'file',
      unattended: 'eligible',
      prompt: 'on-change',
      roles: { master: 'decides.', worker: 'helps.' },
      handoff: { maxChars: 3000, keep: 5 },
      leaseHours: 0.5,
    };
    const { config, problems } = resolveConfig(written);
    expect(problems).toEqual([]);
    expect(config).toMatchObject(written);
  });

  test.each<[string, unknown, string]>([
    ['an unknown store', { store: 'floppy' }, 'store'],
    ['an unknown word', { unattended: 'master' }, 'unattended'],
    ['a word of another case', { prompt: 'Always' }, 'prompt'],
    ['a number as text', { leaseHours: '8' }, 'leaseHours'],
    ['no time at all', { leaseHours: 0 }, 'leaseHours'],
    ['endless', { leaseHours: 1e9 }, 'leaseHours'],
    ['half a character', { handoff: { maxChars: 600.5 } }, 'handoff.maxChars'],
    ['too short', { handoff: { maxChars: 10 } }, 'handoff.maxChars'],
    ['too long for the client', { handoff: { maxChars: 1e6 } }, 'handoff.maxChars'],
    ['none kept', { handoff: { keep: 0 } }, 'handoff.keep'],
    ['an empty sentence', { roles: { master: '  ' } }, 'roles.master'],
    ['a novel', { roles: { worker: 'x'.repeat(201) } }, 'roles.worker'],
    ['a group that is none', { roles: 'x' }, 'roles'],
    ['a list for a group', { handoff: [] }, 'handoff'],
    ['an unknown key', { stroe: 'file' }, 'stroe'],
    ['an unknown key in a group', { roles: { boss: 'x' } }, 'roles.boss'],
    ['the name of a prototype', JSON.parse('{"__proto__":{"polluted":1}}'), '__proto__'],
    ['the name of a method', { toString: 'x' }, 'toString'],
    ['a dotted name', { 'roles.boss': 'x' }, 'roles.boss'],
  ])('%s: the default, and a problem that names the key', (_what, written, key) => {
    const { config, problems } = resolveConfig(written);
    expect(config).toEqual(defaults);
    expect(problems.map((problem) => problem.key)).toEqual([key]);
    expect(problems[0]!.expected).not.toBe('');
  });

  test.each([5, 'x', true, []])('%j instead of an object is one problem with the whole file', (written) => {
    const { config, problems } = resolveConfig(written);
    expect(config).toEqual(defaults);
    expect(problems).toEqual([{ key: '(the whole file)', expected: 'an object' }]);
  });

  test('one bad value costs nothing else', () => {
    const { config, problems } = resolveConfig({
      prompt: 'on-change',
      leaseHours: -1,
      roles: { master: 5, worker: 'helps.' },
    });
    expect(config).toEqual({
      ...defaults,
      prompt: 'on-change',
      roles: { ...defaults.roles, worker: 'helps.' },
    });
    expect(problems.map(({ key }) => key).sort()).toEqual(['leaseHours', 'roles.master']);
  });

  test('any JSON gives a whole configuration, the defaults stay as they are, nothing is polluted', () => {
    const before = structuredClone(defaults);
    const key = fc.constantFrom(
      'store',
      'prompt',
      'roles',
      'handoff',
      'leaseHours',
      'master',
      'maxChars',
      '__proto__',
      'constructor',
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.jsonValue(),
          fc.dictionary(key, fc.oneof(fc.jsonValue(), fc.dictionary(key, fc.jsonValue()))),
        ),
        (written) => {
          const { config } = resolveConfig(written);
          const { roles, handoff } = config;
          for (const text of [roles.master, roles.worker])
            expect(typeof text === 'string' && text.trim() !== '').toBe(true);
          for (const number of [handoff.maxChars, handoff.keep, config.leaseHours])
            expect(number).toBeGreaterThan(0);
          expect(defaults).toEqual(before);
          expect(({} as Record<string, unknown>).polluted).toBeUndefined();
        },
      ),
      { numRuns: 1000 },
    );
  });
});
