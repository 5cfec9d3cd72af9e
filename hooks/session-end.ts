import { runHook } from '../src/claude/run-hook.ts';
import { atSessionEnd } from '../src/flows/leave.ts';

runHook('SessionEnd', (session, payload) => atSessionEnd(session, payload.reason));
