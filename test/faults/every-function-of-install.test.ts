/** As every-call-of-install, by the functions of Node's `fs` instead of system calls: on any system. */
import { afterAll } from 'vitest';
import { campaign } from './support/campaign.ts';
import { fsInjector } from './support/fs-injector.ts';
import { InstallLane, installOperations, looksAlike } from './support/install-lane.ts';

campaign({
  name: 'fs functions of install',
  operations: installOperations,
  injector: fsInjector,
  lanes: () => [new InstallLane(afterAll), new InstallLane(afterAll)],
  sample: { changes: 8, reads: 2 },
  looksAlike,
  missing: null,
});
