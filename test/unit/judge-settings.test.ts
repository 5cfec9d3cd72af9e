import { describe, expect, test } from 'vitest';
import { judgeManagedSettings, judgeSettings } from '../../src/claude/judge-settings.ts';
import { hooklessCases, settingsCases } from '../support/settings-cases.ts';

const own = { type: 'command', command: 'own', args: ['a'] };
const beside = { type: 'command', command: 'beside' };

const pathsOf = (text: string): string[] => {
  const verdict = judgeSettings(text);
  if (verdict.kind === 'unread') return [verdict.because];
  return (verdict.kind === 'skipped' ? verdict.dislikes : verdict.dropped).map(({ path }) => path);
};

describe('what becomes of a hook in a file with', () => {
  test.each(settingsCases)('$name: $fate', ({ text, fate }) => {
    const verdict = judgeSettings(text({ own, beside }).toString());
    const runs = (word: string): boolean =>
      verdict.kind === 'read' && JSON.stringify(verdict.value.hooks).includes(`"${word}"`);
    expect({ own: runs('own'), beside: runs('beside') }).toEqual({
      own: fate === 'works',
      beside: fate !== 'skipped',
    });
  });

  test.each(hooklessCases)('hooks that are $name: counts is $counts', ({ hooks, counts }) => {
    expect(judgeSettings(JSON.stringify({ hooks })).kind).toBe(counts ? 'read' : 'skipped');
  });
});

describe('the place is named', () => {
  test.each([
    [
      '{"hooks":{"PreToolUse":[{"hooks":[{"type":"command","command":"x","timeout":"5"}]}]}}',
      'hooks.PreToolUse.0.hooks.0.timeout',
    ],
    ['{"hooks":{"PreToolUse":[{"type":"command","command":"x"}]}}', 'hooks.PreToolUse.0.hooks'],
    ['{"hooks":{"PreToolUse":[{"matcher":null,"hooks":[]}]}}', 'hooks.PreToolUse.0.matcher'],
    ['{"hooks":{"Stop":[{"hooks":[{"command":"x"}]}]}}', 'hooks.Stop.0.hooks.0.type'],
    ['{"hooks":{"Stop":null}}', 'hooks.Stop'],
    ['{"hooks":null}', 'hooks'],
    ['{"PreToolUse":[1]}', 'PreToolUse'],
    ['{"old":{"PreToolUse":[1]}}', 'old'],
    ['{"permissions":{"allow":"Bash"}}', 'permissions.allow'],
    ['{"enabledPlugins":{"a@b":1}}', 'enabledPlugins.a@b'],
    ['{"model":3}', 'model'],
    ['[]', 'not-object'],
    ['{', 'not-json'],
  ])('%s', (text, path) => {
    expect(pathsOf(text)).toEqual([path]);
  });

  test('all of them, when there are several', () => {
    expect(pathsOf('{"model":3,"env":[],"hooks":{"PreToolUse":"x"}}')).toEqual([
      'hooks.PreToolUse',
      'model',
      'env',
    ]);
  });
});

test('a file without anything counts', () => {
  for (const text of ['', ' \n', '\uFEFF', '{}'])
    expect(judgeSettings(text)).toMatchObject({ kind: 'read', dropped: [] });
});

describe('a file of the administrator', () => {
  test('keeps counting with a wrong value', () => {
    const text = '{"model":3,"hooks":{"Stop":[{"hooks":[]}]}}';
    expect(judgeManagedSettings(text)).toMatchObject({ kind: 'read', value: { hooks: { Stop: [{}] } } });
  });

  test('loses its hooks, and nothing else, with a guard that cannot be loaded', () => {
    const text = '{"disableAllHooks":true,"hooks":{"PreToolUse":[{}],"Stop":[{"hooks":[]}]}}';
    const verdict = judgeManagedSettings(text);
    expect(verdict).toMatchObject({ kind: 'read', value: { disableAllHooks: true, hooks: undefined } });
  });

  test('is not taken when it is no JSON object', () => {
    expect(judgeManagedSettings('{')).toEqual({ kind: 'unread', because: 'not-json' });
    expect(judgeManagedSettings('[]')).toEqual({ kind: 'unread', because: 'not-object' });
  });
});
