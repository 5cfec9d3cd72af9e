import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { noServer } from '../../messages/cli.ts';
import { fail } from '../terminal.ts';

/** Serves on stdin and stdout until the client is gone. The server is a file of its own: no other command loads it. */
export async function mcp(): Promise<void> {
  if (!existsSync(fileURLToPath(new URL('./mcp.mjs', import.meta.url)))) return fail(noServer);
  await import('../../mcp/main.ts');
}
