/** Scratch projects and stand-in hooks for the tests of the installer. */
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { InstallRequest } from '../../install/install.ts';
import type { Scope } from '../../install/target.ts';
import { commandFiles, wiredHooks } from '../../src/claude/settings.ts';

export interface Scratch {
  base: string;
  home: string;
  project: string;
  hooksSource: string;
  /** A request for this project, with nothing of the real user in it. */
  request(scope: Scope, more?: Partial<InstallRequest>): InstallRequest;
  /** The text of a file of the project; null when there is none. */
  read(path: string): string | null;
  write(path: string, content: string | Buffer): string;
}

/** A home, a git project and compiled stand-in hooks, removed after the test. */
export function scratch(): Scratch {
  const base = realpathSync(mkdtempSync(join(tmpdir(), 'flowloom-install-')));
  onTestFinished(() => rmSync(base, { recursive: true, force: true }));
  const [home, project, hooksSource] = ['home', 'project', 'hooks-source'].map((name) =>
    join(base, name),
  ) as [string, string, string];
  mkdirSync(home);
  mkdirSync(join(project, '.git'), { recursive: true });
  writeFileSync(join(project, '.git/HEAD'), 'ref: refs/heads/main\n');
  writeHooks(hooksSource);
  writeFileSync(join(base, 'mcp.mjs'), server);
  for (const name of commandFiles) writeFileSync(join(base, name), '// the command\n');
  return {
    base,
    home,
    project,
    hooksSource,
    request: (scope, more) => ({
      directory: project,
      scope,
      env: { PATH: process.env.PATH },
      home,
      hooksSource,
      version: '1.0.0',
      ...more,
    }),
    read: (path) => readIfThere(join(project, path)),
    write(path, content) {
      const file = join(project, path);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, content);
      return file;
    },
  };
}

const sessionStart =
  'console.log(JSON.stringify({hookSpecificOutput:{hookEventName:"SessionStart",additionalContext:"You are master (epoch 1)"}}))';

/** Behaves like the server as far as the installer looks. */
const server =
  'process.stdin.once("data", () => console.log(JSON.stringify({jsonrpc:"2.0",id:1,result:{serverInfo:{}}}))).on("end", () => process.exit());\n';
const gate = new URL('../../hooks/gate.sh', import.meta.url);

/** Scripts that behave like hooks; `scripts` replaces the source of some. */
export function writeHooks(dir: string, scripts: Record<string, string> = {}): void {
  mkdirSync(join(dir, 'lazy'), { recursive: true });
  for (const { file } of wiredHooks) {
    writeFileSync(join(dir, file), scripts[file] ?? (file === 'session-start.cjs' ? sessionStart : ''));
  }
  writeFileSync(join(dir, 'gate.sh'), scripts['gate.sh'] ?? readFileSync(gate));
  writeFileSync(join(dir, 'lazy/git-store.cjs'), scripts['lazy/git-store.cjs'] ?? '// a part\n');
}

export function readIfThere(file: string): string | null {
  try {
    return readFileSync(file, 'latin1');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** Every file below a directory with its bytes, every directory with a slash at its end. */
export function snapshot(dir: string): Record<string, string> {
  const entries = readdirSync(dir, { withFileTypes: true, recursive: true });
  const facts = entries.map((entry): [string, string] => {
    const path = join(entry.parentPath, entry.name);
    const name = path.slice(dir.length + 1);
    return entry.isDirectory()
      ? [`${name}/`, '']
      : [name, entry.isFile() ? (readIfThere(path) ?? '') : 'link'];
  });
  return Object.fromEntries(facts.sort(([a], [b]) => (a < b ? -1 : 1)));
}
