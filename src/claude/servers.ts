/** What `.mcp.json` says about our server: the entry we add, and how to recognise it again. */
import { isRecord } from '../core/shape.ts';

/** The model sees the tools as `mcp__flowloom__<tool>`. */
export const serverName = 'flowloom';

/** The server among the installed scripts. */
export const serverFile = 'mcp.mjs';

/**
 * The entry. The path counts from the directory a session is started in, which is the one where Claude Code found the file: it
 * does not look further up. `CLAUDE_PROJECT_DIR` is no help: Claude Code refuses to start a server that names it, and with a
 * default (`:-.`) it uses the default (seen: 2.1.330).
 */
export const serverEntry = { command: 'node', args: [`.claude/flowloom/${serverFile}`] };

/** Whether an entry runs our script. Other fields may differ, so an edited one counts. */
export function isOurServer(entry: unknown): boolean {
  if (!isRecord(entry) || entry.command !== 'node' || !Array.isArray(entry.args)) return false;
  return entry.args.length === 1 && /(?:^|[\\/])flowloom[\\/]mcp\.mjs$/.test(String(entry.args[0]));
}
