/** As every-call, with a gate in front of the hooks: each system call of the shell, and of Node where the gate asks it for an answer. */
import { afterAll } from 'vitest';
import { campaign } from './support/campaign.ts';
import { gateOperations, HookLane } from './support/hook-lane.ts';
import { straceInjector, straceMissing } from './support/strace.ts';

campaign({
  name: 'system calls of the gate',
  operations: gateOperations,
  injector: straceInjector,
  lanes: () => [new HookLane(afterAll), new HookLane(afterAll)],
  sample: { changes: 16, reads: 12 },
  missing: straceMissing(),
});
