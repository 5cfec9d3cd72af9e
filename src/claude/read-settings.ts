/**
 * The settings files of a session, read as the client reads them. What an organisation sends over the network, policies of macOS and
 * of the Windows registry, and the options a session is started with are not in files, so they are not known here.
 */
import fs from 'node:fs';
import { join } from 'node:path';
import { readCapped } from '../io/read-capped.ts';
import { judgeManagedSettings, judgeSettings, type Verdict } from './judge-settings.ts';
import type { FileInPlay } from './settings-in-play.ts';
import { mostSettingsBytes } from './settings-rules.ts';

export type SettingsReading =
  | { readonly kind: 'absent' }
  | { readonly kind: 'unreadable'; readonly reason: string }
  | { readonly kind: 'judged'; readonly text: string; readonly verdict: Verdict };

/** Never throws. */
export function readSettingsFile(file: string, scope: FileInPlay['scope']): SettingsReading {
  const found = readCapped(file, mostSettingsBytes);
  if (found.kind !== 'read') return found;
  const isUtf16 = found.bytes[0] === 0xff && found.bytes[1] === 0xfe;
  const text = isUtf16 ? found.bytes.toString('utf16le') : found.bytes.toString('utf8');
  const judge = scope === 'managed' ? judgeManagedSettings : judgeSettings;
  return { kind: 'judged', text, verdict: judge(text) };
}

/** Where the client looks for settings of the administrator. */
export function managedDirectory(): string {
  if (process.platform === 'darwin') return '/Library/Application Support/ClaudeCode';
  return process.platform === 'win32' ? 'C:\\Program Files\\ClaudeCode' : '/etc/claude-code';
}

/** The administrator's files that are there, in the order of their weight: the main one, then those of its directory by name. */
export function managedFiles(root: string): string[] {
  const main = join(root, 'managed-settings.json');
  const parts = join(root, 'managed-settings.d');
  let names: string[] = [];
  try {
    names = fs.readdirSync(parts).filter((name) => name.endsWith('.json') && !name.startsWith('.'));
  } catch {
    // There is none, or nobody may look.
  }
  return [main, ...names.sort().map((name) => join(parts, name))].filter((file) => fs.existsSync(file));
}
