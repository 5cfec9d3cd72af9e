import { causeOf } from '../src/claude/payload.ts';
import { runHook } from '../src/claude/run-hook.ts';
import { atSessionStart } from '../src/flows/orient.ts';

runHook('SessionStart', (session, payload) => atSessionStart(session, causeOf(payload.source)));
