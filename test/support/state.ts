/** Looks into the state that hooks leave on disk, as a reader of the file store would. */
import { existsSync, lstatSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { asBirth, asPresence, type Birth, type Presence } from '../../src/core/member.ts';
import type { Notebook } from '../../src/core/notebook.ts';
import type { LogEntry } from '../../src/io/log.ts';
import { notebooksIn } from '../../src/io/notebook-file.ts';

const names = (directory: string): string[] => (existsSync(directory) ? readdirSync(directory).sort() : []);

export interface Joined {
  readonly seq: number;
  readonly birth: Birth;
}

/** All births, lowest number first; a record that cannot be read fails the test. */
export function births(state: string): Joined[] {
  return names(join(state, 'seq'))
    .filter((name) => /^\d{12}\.json$/.test(name))
    .map((name) => {
      const birth = asBirth(JSON.parse(readFileSync(join(state, 'seq', name), 'utf8')));
      if (!birth) throw new Error(`${name} is no birth`);
      return { seq: Number(name.slice(0, 12)), birth };
    });
}

export const joinsOf = (state: string, pid: number): number[] =>
  births(state)
    .filter(({ birth }) => birth.process.pid === pid)
    .map(({ seq }) => seq);

export const idOf = (state: string, pid: number): string => {
  const found = births(state).findLast(({ birth }) => birth.process.pid === pid);
  if (!found) throw new Error(`process ${pid} has no birth`);
  return found.birth.id;
};

export function presenceOf(state: string, pid: number): Presence {
  const text = readFileSync(join(state, 'members', idOf(state, pid), 'presence.json'), 'utf8');
  const presence = asPresence(JSON.parse(text));
  if (!presence) throw new Error('no presence');
  return presence;
}

export function notebookOf(state: string, pid: number): Notebook {
  const notebook = notebooksIn(state).read(idOf(state, pid));
  if (!notebook) throw new Error('no notebook');
  return notebook;
}

/** As if all hooks of that member had fired so much earlier. */
export function backdateReceipts(state: string, pid: number, ms: number): void {
  const notebook = notebookOf(state, pid);
  const receipts = Object.entries(notebook.receipts).map(([event, receipt]) => {
    const at = new Date(Date.parse(receipt.at) - ms).toISOString();
    return [event, { ...receipt, at }] as const;
  });
  notebooksIn(state).write(idOf(state, pid), { ...notebook, receipts: Object.fromEntries(receipts) });
}

/** Every handoff note by id. */
export const notes = (state: string): Record<string, string> =>
  Object.fromEntries(
    names(join(state, 'handoffs')).map((name) => [
      name.replace(/\.md$/, ''),
      readFileSync(join(state, 'handoffs', name), 'utf8'),
    ]),
  );

/** The lines of all logs below these directories, whatever place took them. */
export function logLines(...directories: string[]): LogEntry[] {
  const found: LogEntry[] = [];
  const walk = (directory: string): void => {
    for (const entry of readdirSync(directory, { withFileTypes: true })) {
      const path = join(directory, entry.name);
      if (entry.isDirectory()) walk(path);
      else if (entry.name === 'log.jsonl' && lstatSync(path).isFile())
        for (const line of readFileSync(path, 'utf8').split('\n'))
          if (line.startsWith('{')) found.push(JSON.parse(line));
    }
  };
  for (const directory of directories) if (existsSync(directory)) walk(directory);
  return found;
}
