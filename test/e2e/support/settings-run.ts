/** One start of the real client with settings files of all kinds, and which of the hooks in them ran. */
import { spawn, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createScratch } from './scratch.ts';
import type { StubApi } from './stub-api.ts';

type Place = 'user' | 'project' | 'local' | 'managed' | 'dropIn';

/** The text of each file; `mark` makes a hook that says by running that it ran. */
export type SettingsFiles = Partial<Record<Place, string | Buffer>>;

export interface SettingsRun {
  readonly started: boolean;
  /** The marks of the hooks that ran, sorted. */
  readonly ran: readonly string[];
}

const asRoot = process.getuid?.() === 0 ? [] : ['--user', '--map-root-user'];
const privately = [...asRoot, '--mount', '--propagation', 'private'];

/** What this machine lacks to give a client settings of an administrator; empty when it lacks nothing. */
export const managedNeeds: string =
  process.platform === 'linux' &&
  spawnSync('unshare', [...privately, 'mount', '--bind', '/tmp', '/etc'], { stdio: 'ignore' }).status === 0
    ? ''
    : 'unshare, and the right to mount in a namespace of its own';

/** What programs look up in /etc; the client gets a copy, so that nothing of the machine's own is touched. */
const needed = [
  'passwd',
  'group',
  'hosts',
  'resolv.conf',
  'nsswitch.conf',
  'ld.so.cache',
  'ld.so.conf',
  'ssl',
];

/** Starts the client for as long as its hooks of the start take. `files` gets a maker of hooks that leave a mark when they run. */
export async function startWithSettings(
  client: string,
  api: StubApi,
  files: (hook: (mark: string) => object) => SettingsFiles,
  env: Record<string, string> = {},
): Promise<SettingsRun> {
  const scratch = createScratch(api);
  try {
    const marks = join(scratch.root, 'marks');
    mkdirSync(marks);
    const hook = (mark: string) => ({ type: 'command', command: 'touch', args: [join(marks, mark)] });
    const texts = files(hook);
    const etc = join(scratch.root, 'etc');
    const where: Record<Place, string> = {
      user: join(scratch.home, '.claude', 'settings.json'),
      project: join(scratch.repository, '.claude', 'settings.json'),
      local: join(scratch.repository, '.claude', 'settings.local.json'),
      managed: join(etc, 'claude-code', 'managed-settings.json'),
      dropIn: join(etc, 'claude-code', 'managed-settings.d', '10-more.json'),
    };
    for (const [place, text] of Object.entries(texts)) {
      const file = where[place as Place];
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, text);
    }
    const isManaged = existsSync(etc);
    if (isManaged)
      for (const name of needed.filter((one) => existsSync(join('/etc', one))))
        cpSync(join('/etc', name), join(etc, name), { recursive: true, dereference: true });
    const start = [client, '--init-only'];
    const command = isManaged
      ? ['unshare', ...privately, 'sh', '-c', 'mount --bind "$0" /etc && exec "$@"', etc, ...start]
      : start;
    const child = spawn(command[0]!, command.slice(1), {
      cwd: scratch.repository,
      env: { ...scratch.env, ...env },
      stdio: 'ignore',
    });
    if (child.pid) scratch.owns(child.pid);
    const exitCode = await new Promise<number | null>((resolve, reject) => {
      child.on('error', reject);
      child.on('close', resolve);
    });
    return { started: exitCode === 0, ran: readdirSync(marks).sort() };
  } finally {
    scratch.dispose();
  }
}
