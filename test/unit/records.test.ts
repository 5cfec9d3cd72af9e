import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { asBirth, asPresence, displayName } from '../../src/core/member.ts';
import { birth, member, presence } from '../support/records.ts';

const good = birth('4711-abc');

describe('a birth record', () => {
  test('a good one is taken as it is', () => {
    expect(asBirth(JSON.parse(JSON.stringify(good)))).toEqual(good);
  });

  test.each<[string, unknown]>([
    ['nothing', null],
    ['a list', [good]],
    ['a text', 'x'],
    ['another version', { ...good, version: 2 }],
    ['no id', { ...good, id: undefined }],
    ['an id that is a path', { ...good, id: '../../x' }],
    ['an id with a NUL', { ...good, id: 'a\0b' }],
    ['an id that is a folder', { ...good, id: '..' }],
    ['an endless id', { ...good, id: 'x'.repeat(101) }],
    ['no process', { ...good, process: null }],
    ['pid 0', { ...good, process: { ...good.process, pid: 0 } }],
    ['a negative pid', { ...good, process: { ...good.process, pid: -1 } }],
    ['half a pid', { ...good, process: { ...good.process, pid: 1.5 } }],
    ['a pid as text', { ...good, process: { ...good.process, pid: '4711' } }],
    ['no start time', { ...good, process: { ...good.process, start: 5 } }],
    ['no domain', { ...good, process: { ...good.process, domain: 'host' } }],
    ['half a domain', { ...good, process: { ...good.process, domain: { host: 'a', boot: 'b' } } }],
    ['an unknown candidacy', { ...good, candidacy: 'king' }],
    ['attended as text', { ...good, attended: 'yes' }],
    ['no time', { ...good, joinedAt: 0 }],
  ])('%s is none', (_what, value) => {
    expect(asBirth(value)).toBeNull();
  });

  test('every value is taken or refused, never thrown at', () => {
    fc.assert(fc.property(fc.jsonValue(), (value) => void asBirth(value)));
  });
});

describe('a presence record', () => {
  test('a good one is taken, with and without an end', () => {
    const left = presence({ left: { seq: 3, at: '2026-11-22T09:00:00.000Z', reason: 'other' } });
    expect(asPresence(JSON.parse(JSON.stringify(left)))).toEqual(left);
    expect(asPresence(presence())).toEqual(presence());
  });

  test.each<[string, unknown]>([
    ['nothing', null],
    ['another version', { ...presence(), version: 0 }],
    ['a name that is no text', { ...presence(), name: null }],
    ['no end given', { ...presence(), left: undefined }],
    ['an end without a number', { ...presence(), left: { at: 'x', reason: 'x' } }],
    ['an end that is a flag', { ...presence(), left: true }],
  ])('%s is none', (_what, value) => {
    expect(asPresence(value)).toBeNull();
  });

  test('every value is taken or refused, never thrown at', () => {
    fc.assert(fc.property(fc.jsonValue(), (value) => void asPresence(value)));
  });
});

test('a member without a name is called by its process', () => {
  expect(displayName(member(1, 'api'))).toBe('api');
  expect(displayName(member(1, 'x', { name: '' }))).toBe('session-4711');
});
