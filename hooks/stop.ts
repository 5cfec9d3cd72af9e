import { runHook } from '../src/claude/run-hook.ts';
import { atStop } from '../src/flows/hand-off.ts';

runHook('Stop', (session, payload) => atStop(session, payload.lastAssistantMessage, payload.scheduled));
