/** Each system call that a hook makes on a file fails once, and once is the last thing the hook ever does. */
import { afterAll } from 'vitest';
import { campaign } from './support/campaign.ts';
import { HookLane, hookOperations } from './support/hook-lane.ts';
import { straceInjector, straceMissing } from './support/strace.ts';

campaign({
  name: 'system calls of hooks',
  operations: hookOperations,
  injector: straceInjector,
  lanes: () => [new HookLane(afterAll), new HookLane(afterAll)],
  sample: { changes: 24, reads: 8 },
  missing: straceMissing(),
});
