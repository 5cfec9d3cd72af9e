/** A file system without hard links, for the contract of stores that keep births in files. */
import fs from 'node:fs';
import { withoutHardLinks } from '../support/other-process.ts';
import type { StoreKit } from './store-contract.ts';

/** What such a file system changes in a store's kit. Call it while tests are collected. */
export const onSuchAFileSystem = (): Pick<StoreKit, 'nodeArgs' | 'tearsWhenKilled' | 'surround'> => ({
  nodeArgs: ['--require', withoutHardLinks()],
  tearsWhenKilled: true,
  surround() {
    const link = fs.linkSync;
    fs.linkSync = () => {
      throw Object.assign(new Error('EPERM: operation not permitted, link'), { code: 'EPERM' });
    };
    return () => {
      fs.linkSync = link;
    };
  },
});
