/** The client's own judgement of settings files, against the table that ours is tested with. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { judgeSettings } from '../../src/claude/judge-settings.ts';
import { settingsKeys } from '../../src/claude/settings-rules.ts';
import { missing } from '../support/missing.ts';
import { hooklessCases, settingsCases } from '../support/settings-cases.ts';
import { inPlayCases, textWith, variableCases } from '../support/settings-in-play-cases.ts';
import { findClient } from './support/client.ts';
import { managedNeeds, type SettingsFiles, startWithSettings } from './support/settings-run.ts';
import { type StubApi, startStubApi } from './support/stub-api.ts';
import { scenario, scenarios } from './support/world.ts';

const client = findClient();

// Hardly a minute where nothing else runs.
const timeout = 600_000;

describe.skipIf(!client.found)('settings files as the client takes them', { timeout }, () => {
  let api: StubApi;
  beforeAll(async () => {
    api = await startStubApi();
  });
  afterAll(() => api.close());

  const start = (files: Parameters<typeof startWithSettings>[2], env?: Record<string, string>) =>
    startWithSettings(client.found ? client.path : '', api, files, env);

  test('one file: what becomes of a hook in it', async () => {
    // Three files to a start, since none of these says anything about the others.
    const threes = settingsCases
      .filter((_, index) => index % 3 === 0)
      .map((_, index) => settingsCases.slice(3 * index, 3 * index + 3));
    const fates = await twoAtATime(threes, async (three) => {
      const { ran } = await start((hook) => {
        const [user, project, local] = three.map(({ text }, index) =>
          text({ own: hook(`own${index}`), beside: hook(`beside${index}`) }),
        );
        return Object.fromEntries(Object.entries({ user, project, local }).filter(([, text]) => text));
      });
      return three.map(({ name }, index) => {
        const counts = ran.includes(`beside${index}`);
        return [name, ran.includes(`own${index}`) ? 'works' : counts ? 'dropped' : 'skipped'] as const;
      });
    });
    expect(Object.fromEntries(fates.flat())).toEqual(
      Object.fromEntries(settingsCases.map(({ name, fate }) => [name, fate])),
    );
  });

  test('one wrong value: each well-known key spoils the file', async () => {
    const keys = Object.keys(settingsKeys);
    const threes = keys.filter((_, index) => index % 3 === 0).map((_, at) => keys.slice(3 * at, 3 * at + 3));
    const spoilt = await twoAtATime(threes, async (three) => {
      const places = ['user', 'project', 'local'] as const;
      const { ran } = await start((hook) =>
        Object.fromEntries(
          three.map((key, at) => [places[at], textWith({ [key]: wrongFor(key) }, hook(key))]),
        ),
      );
      return three.filter((key) => !ran.includes(key));
    });
    expect(spoilt.flat()).toEqual(keys);
  });

  test('one file without a hook: whether it counts', async () => {
    // It disables the hooks of another file, if it counts.
    const counted = await twoAtATime(hooklessCases, async ({ name, hooks }) => {
      const { ran } = await start((hook) => ({
        user: JSON.stringify({ disableAllHooks: true, hooks }),
        project: textWith({}, hook('project')),
      }));
      return [name, ran.length === 0] as const;
    });
    expect(Object.fromEntries(counted)).toEqual(
      Object.fromEntries(hooklessCases.map(({ name, counts }) => [name, counts])),
    );
  });

  test('variables of the environment', async () => {
    const outcomes = await twoAtATime(variableCases, async ({ variable, value }) => {
      const { ran } = await start(
        (hook) => ({ user: textWith({}, hook('user')), local: textWith({}, hook('local')) }),
        { [variable]: value },
      );
      return [`${variable}=${value}`, ran.length === 0] as const;
    });
    expect(Object.fromEntries(outcomes)).toEqual(
      Object.fromEntries(
        variableCases.map(({ variable, value, silent }) => [`${variable}=${value}`, silent]),
      ),
    );
  });

  const whoRuns = async (cases: typeof inPlayCases) => {
    const outcomes = await twoAtATime(cases, async ({ name, files }) => {
      const { started, ran } = await start(
        (hook) =>
          Object.fromEntries(
            Object.entries(files).map(([place, settings]) => [place, textWith(settings, hook(place))]),
          ) as SettingsFiles,
      );
      return [name, started ? ran : null] as const;
    });
    const expected = cases.map(({ name, run }) => [name, run?.toSorted() ?? null] as const);
    expect(Object.fromEntries(outcomes)).toEqual(Object.fromEntries(expected));
  };

  const isManaged = ({ files }: (typeof inPlayCases)[number]): boolean =>
    'managed' in files || 'dropIn' in files;

  test('several files: whose hooks run', () => whoRuns(inPlayCases.filter((one) => !isManaged(one))));

  if (managedNeeds) missing(managedNeeds);
  else test("with the administrator's files: whose hooks run", () => whoRuns(inPlayCases.filter(isManaged)));
});

scenarios('installed beside odd entries of others', () => {
  scenario('what install says is what the client does', async (world) => {
    const file = join(world.scratch.repository, '.claude', 'settings.json');
    const command = { type: 'command', command: 'true' };
    const odd = JSON.stringify({ hooks: { SessionStart: null, Stop: [command, null], Foo: 'x' } });
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, odd);
    const told = () => world.api.contextsSeen().filter((text) => text.includes('You are master')).length;
    world.install('project');
    await world.headless('Build the shop');
    const before = told();
    expect(before).toBeGreaterThan(0);
    expect(world.flowloom(['uninstall']).status).toBe(0);
    expect(readFileSync(file, 'utf8')).toBe(odd);

    writeFileSync(file, JSON.stringify({ hooks: { PreToolUse: [command] } }));
    const installed = world.flowloom(['install', '--json']);
    expect(installed.status).toBe(1);
    expect(JSON.parse(installed.stdout).obstacles).toMatchObject([{ code: 'file-skipped', file }]);
    await world.headless('Build the shop');
    expect(told()).toBe(before);
  });
});

/** A value of the key that we say spoils the file. */
const wrongFor = (key: string): unknown =>
  [{ wrong: true }, 'wrong', { wrong: { source: { source: 'wrong' } } }].find(
    (value) => judgeSettings(JSON.stringify({ [key]: value })).kind === 'skipped',
  );

/** In the order of the list. */
async function twoAtATime<T, R>(list: readonly T[], act: (one: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  const waiting = [...list.entries()];
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next; next = waiting.shift()) results[next[0]] = await act(next[1]);
  };
  await Promise.all([work(), work()]);
  return results;
}
