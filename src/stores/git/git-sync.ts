/** The program that hooks start to sync: `node git-sync.cjs <order>`. */
import { syncAsOrdered } from './sync-order.ts';

syncAsOrdered(process.argv[2] ?? '').finally(() => process.exit());
