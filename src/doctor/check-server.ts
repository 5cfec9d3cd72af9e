/** The MCP server in `.mcp.json`, for those who added it: can the client read that, is the server switched on, does it answer? */
import { dirname, join } from 'node:path';
import { InstallError } from '../../install/error.ts';
import { wayOut } from '../../install/fence.ts';
import { planServer } from '../../install/server-plan.ts';
import { serverTest } from '../../install/server-test.ts';
import { serverFile, serverName } from '../claude/servers.ts';
import { type FileText, readCapped } from '../io/read-capped.ts';
import { type Finding, finding } from './finding.ts';
import type { SettingsFile } from './settings-files.ts';

const mostBytes = 1 << 20;
const mostScriptBytes = 8 << 20;

/** `root`: the directory whose `.mcp.json` a session reads. Nothing is found where no server was added. */
export async function checkServer(
  root: string,
  files: readonly SettingsFile[],
  env: NodeJS.ProcessEnv,
  hooksSource: string,
): Promise<Finding[]> {
  const file = join(root, '.mcp.json');
  const found = readCapped(file, mostBytes);
  if (found.kind !== 'read' || !found.text.includes(serverName)) return [];
  try {
    if (!planServer(found.text, file).found) return [];
  } catch (cause) {
    if (!(cause instanceof InstallError)) throw cause;
    return [finding('warning', 'mcp-file', { file, reason: cause.message })];
  }
  const off = files.find(({ value }) => {
    const list: unknown = value.disabledMcpjsonServers;
    return Array.isArray(list) && list.includes(serverName);
  });
  if (off) return [finding('warning', 'mcp-off', { file: off.file })];
  // Whoever wrote the repository wrote this script too; the client asks before it runs it, and so nothing else is run here.
  const script = join(root, '.claude', 'flowloom', serverFile);
  const held = readCapped(script, mostScriptBytes);
  if (held.kind === 'absent')
    return [finding('error', 'mcp-dead', { file, reason: `there is no ${script}` })];
  if (wayOut(root, script) || !isShipped(held, hooksSource))
    return [finding('info', 'mcp-not-run', { file, script })];
  const { ok, ms, detail = '' } = await serverTest(root, env);
  return [
    ok ? finding('ok', 'mcp-ok', { file, ms }) : finding('error', 'mcp-dead', { file, reason: detail }),
  ];
}

/** The build puts the server beside the hooks. */
function isShipped(held: FileText, hooksSource: string): boolean {
  const own = readCapped(join(dirname(hooksSource), serverFile), mostScriptBytes);
  return held.kind === 'read' && own.kind === 'read' && own.bytes.equals(held.bytes);
}
