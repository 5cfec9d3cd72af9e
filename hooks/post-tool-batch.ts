import { runHook } from '../src/claude/run-hook.ts';
import { afterTools } from '../src/flows/orient.ts';

runHook('PostToolBatch', (session, payload) => afterTools(session, payload.toolCalls));
