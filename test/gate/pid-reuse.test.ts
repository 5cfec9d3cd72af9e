/** A process that takes over the number of a member is not that member: tried in a pid namespace, where numbers can be chosen. */
import { describe, expect, onTestFinished, test } from 'vitest';
import { missing } from '../support/missing.ts';
import { pidNamespace, pidNamespaceNeeds } from '../support/pid-namespace.ts';
import { world } from '../support/world.ts';
import { isByGate, settle, shells, steadySession, through } from './kit.ts';

describe.each(shells)('in $name', ({ name, shell, isHere }) => {
  const needs = [isHere ? '' : name, pidNamespaceNeeds].filter(Boolean).join(', ');
  if (needs) return missing(needs);

  test('a reused pid is another process', async () => {
    const pids = await pidNamespace();
    onTestFinished(() => pids.end());
    const place = world({ ground: pids });
    const ada = await steadySession(place, shell, { client: await pids.startClient() });
    const bob = await steadySession(place, shell, { client: await pids.startClient() });
    expect((await settle(ada, shell)).context).toContain('2 live sessions');

    await bob.client.kill();
    await pids.startAgain(bob.client.pid);
    const told = await ada.prompt('go on', through(shell));
    expect(isByGate(told)).toBe(false);
    expect(told.context).toMatch(/1 live session;[\s\S]*Changed: /);
  });
});
