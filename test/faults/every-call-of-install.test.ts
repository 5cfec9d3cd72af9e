/** Each system call that install and uninstall make on a file fails once, and once is the last: the user's settings stay whole. */
import { afterAll } from 'vitest';
import { campaign } from './support/campaign.ts';
import { InstallLane, installOperations, looksAlike } from './support/install-lane.ts';
import { straceInjector, straceMissing } from './support/strace.ts';

campaign({
  name: 'system calls of install',
  operations: installOperations,
  injector: straceInjector,
  lanes: () => [new InstallLane(afterAll), new InstallLane(afterAll)],
  sample: { changes: 12, reads: 4 },
  looksAlike,
  missing: straceMissing(),
});
