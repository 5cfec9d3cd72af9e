import { describe, expect, test } from 'vitest';
import { judgeManagedSettings, judgeSettings } from '../../src/claude/judge-settings.ts';
import {
  type FileInPlay,
  isSwitchedOn,
  silencesIn,
  silencingVariables,
} from '../../src/claude/settings-in-play.ts';
import { inPlayCases, textWith, variableCases } from '../support/settings-in-play-cases.ts';

const order = ['user', 'project', 'local', 'managed', 'dropIn'] as const;
const isManaged = (place: string): boolean => place === 'managed' || place === 'dropIn';

describe('whose hooks run', () => {
  test.each(inPlayCases)('$name', ({ files, run }) => {
    const hook = { type: 'command', command: 'true' };
    const verdicts = order.flatMap((place) => {
      const settings = files[place];
      if (settings === undefined) return [];
      const judge = isManaged(place) ? judgeManagedSettings : judgeSettings;
      return [{ place, verdict: judge(textWith(settings, hook)) }];
    });
    const starts = verdicts.every(({ place, verdict }) => !isManaged(place) || verdict.kind === 'read');
    expect(starts).toBe(run !== null);
    if (run === null) return;
    const inPlay = verdicts.flatMap(({ place, verdict }): FileInPlay[] =>
      verdict.kind === 'read'
        ? [{ scope: place === 'dropIn' ? 'managed' : place, file: place, value: verdict.value }]
        : [],
    );
    const silences = silencesIn(inPlay);
    const running = inPlay.filter(
      ({ scope, value }) =>
        (value.hooks as { SessionStart?: unknown } | undefined)?.SessionStart !== undefined &&
        silences.every(({ managedRun }) => managedRun && scope === 'managed'),
    );
    expect(running.map(({ file }) => file).sort()).toEqual(run.toSorted());
  });
});

test.each(variableCases)('$variable=$value: silent is $silent', ({ variable, value, silent }) => {
  expect(silencingVariables).toContain(variable);
  expect(isSwitchedOn(value)).toBe(silent);
});

test('a silence names the file and the key', () => {
  const files: FileInPlay[] = [
    { scope: 'user', file: '/u', value: { env: { CLAUDE_CODE_SIMPLE: '1' } } },
    { scope: 'project', file: '/p', value: { disableAllHooks: true } },
    { scope: 'managed', file: '/m', value: { strictPluginOnlyCustomization: ['hooks'] } },
  ];
  expect(silencesIn(files)).toEqual([
    { file: '/p', key: 'disableAllHooks', variable: null, managedRun: true },
    { file: '/m', key: 'strictPluginOnlyCustomization', variable: null, managedRun: true },
    { file: '/u', key: 'env', variable: 'CLAUDE_CODE_SIMPLE', managedRun: false },
  ]);
});
