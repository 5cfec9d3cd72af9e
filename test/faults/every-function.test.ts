/** As every-call, by the functions of Node's `fs` instead of system calls: on any system. */
import { afterAll } from 'vitest';
import { campaign } from './support/campaign.ts';
import { fsInjector, lastingInjector } from './support/fs-injector.ts';
import { HookLane, hookOperations } from './support/hook-lane.ts';

campaign({
  name: 'fs functions of hooks',
  operations: hookOperations,
  injector: fsInjector,
  lanes: () => [new HookLane(afterAll), new HookLane(afterAll)],
  sample: { changes: 10, reads: 2 },
  missing: null,
});

campaign({
  name: 'fs functions of hooks, to the end',
  operations: hookOperations,
  injector: lastingInjector,
  lanes: () => [new HookLane(afterAll), new HookLane(afterAll)],
  sample: { changes: 6, reads: 2 },
  missing: null,
});
