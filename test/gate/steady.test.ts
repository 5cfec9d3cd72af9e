/** What the gate answers is what Node would have answered. */
import { describe, expect, test } from 'vitest';
import { isByGate, pair, settle, shells, through } from './kit.ts';

describe.each(shells)('in $name', ({ name, shell, isHere }) => {
  if (!isHere) {
    test.skip(`skipped: needs ${name}`, () => {});
    return;
  }
  test('a steady prompt is told what Node tells it', async () => {
    const { worker } = await pair(shell);
    const gate = await settle(worker, shell);
    const node = await worker.prompt('go on');
    expect(gate.stdout).toBe(node.stdout);
    expect(gate.context).toMatch(/^You are worker \(epoch 2\); 2 live sessions/);
    expect(isByGate(node)).toBe(false);
  });
});
