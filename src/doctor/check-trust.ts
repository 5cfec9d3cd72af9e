/** Interactive sessions run hooks only in folders that somebody has trusted; the client remembers where. */
import os from 'node:os';
import { dirname, join } from 'node:path';
import { asObject, readCapped } from '../io/read-capped.ts';
import { type Finding, finding } from './finding.ts';

const mostBytes = 32 << 20;

/** Internal to the client (seen: 2.1.330), so what it does not say is only unknown. */
export function checkTrust(directory: string, env: NodeJS.ProcessEnv): Finding[] {
  const home = env.CLAUDE_CONFIG_DIR || env.HOME || env.USERPROFILE || os.homedir();
  const file = join(home, '.claude.json');
  const found = readCapped(file, mostBytes);
  if (found.kind === 'unreadable') return [finding('info', 'trust-unknown', { file, reason: found.reason })];
  if (found.kind === 'absent')
    return [finding('info', 'trust-unknown', { file, reason: 'there is no such file' })];
  try {
    const projects = asObject(asObject(JSON.parse(found.text))?.projects) ?? {};
    return [judgeTrust(directory, projects)];
  } catch {
    return [finding('info', 'trust-unknown', { file, reason: 'it is not JSON' })];
  }
}

/** Trust in a folder covers what lies below it. */
function judgeTrust(directory: string, projects: Readonly<Record<string, unknown>>): Finding {
  for (let at = directory; ; at = dirname(at)) {
    const names = [at, at.replaceAll('\\', '/')];
    if (names.some((name) => asObject(projects[name])?.hasTrustDialogAccepted === true))
      return finding('ok', 'trust-ok', { directory: at });
    if (dirname(at) === at) return finding('info', 'trust-missing', { directory });
  }
}
