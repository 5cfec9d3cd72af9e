import { existsSync } from 'node:fs';
import { cliPath, findClient } from './client.ts';

/** Runs once before all scenarios: says which client runs, or why they are skipped and what would make them run. */
export default function announce(): void {
  const client = findClient();
  if (!client.found) {
    console.log(`\n${client.howTo}\n`);
    return;
  }
  if (!existsSync(cliPath)) throw new Error(`There is no ${cliPath}. Build first: npm run build`);
  console.log(`\nClaude Code: ${client.path}\n`);
}
