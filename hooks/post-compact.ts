import { runHook } from '../src/claude/run-hook.ts';
import { afterCompaction } from '../src/flows/hand-off.ts';

runHook('PostCompact', (session, payload) => afterCompaction(session, payload.compactSummary));
