import { runHook } from '../src/claude/run-hook.ts';
import { atPrompt } from '../src/flows/orient.ts';

runHook('UserPromptSubmit', (session, payload) => atPrompt(session, payload.prompt));
