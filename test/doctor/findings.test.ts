/** Every code, out of a situation that really causes it. */
import fs from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { serverEntry } from '../../src/claude/servers.ts';
import { asNotebook } from '../../src/core/notebook.ts';
import { judgeStore } from '../../src/doctor/check-store.ts';
import {
  type DoctorRequest,
  type Finding,
  type FindingCode,
  renderFindings,
  type Severity,
} from '../../src/doctor/doctor.ts';
import { finding } from '../../src/doctor/finding.ts';
import { notebooksIn } from '../../src/io/notebook-file.ts';
import { statePlaces } from '../../src/io/places.ts';
import { locateScope } from '../../src/io/scope.ts';
import { findingCodes, wordingOf } from '../../src/messages/doctor.ts';
import { fileStore } from '../../src/stores/file-store.ts';
import { presence } from '../support/records.ts';
import { filesBelow } from '../support/scratch.ts';
import { trust } from '../support/trust.ts';
import { addGhosts, createWorld, hooksSource, type World } from './world.ts';

interface Situation {
  readonly code: FindingCode;
  readonly severity: Severity;
  readonly when: string;
  /** Returns what `diagnose` is asked beyond the usual. */
  readonly arrange: (world: World) => unknown;
  /** Facts that the finding must hold. */
  readonly args?: (world: World) => object;
}

/** The user's own configuration. */
const ownConfig = 'home/.config/flowloom/config.json';

/** Shares through a remote, with that as the report of its last sync. */
function shares(world: World, last: object | null): void {
  world.write(ownConfig, { store: 'git', git: { remote: 'origin' } });
  const at = new Date().toISOString();
  const viewAt = '2026-11-22T08:00:00.000Z';
  if (last) world.write('project/.git/flowloom/sync.json', { version: 1, at, viewAt, ...last });
}

function addServer(world: World): void {
  world.write('project/.mcp.json', { mcpServers: { flowloom: serverEntry } });
  world.write('project/.claude/flowloom/README', 'scripts lie here');
}

const settingsOf = (world: World): string => join(world.project, '.claude/settings.json');

function edit(file: string, change: (text: string) => string): void {
  fs.writeFileSync(file, change(fs.readFileSync(file, 'utf8')));
}

interface Settings {
  hooks: Record<string, { matcher?: string; hooks: Record<string, unknown>[] }[]>;
}

function editJson(file: string, change: (settings: Settings) => void): void {
  edit(file, (text) => {
    const value = JSON.parse(text);
    change(value);
    return JSON.stringify(value, null, 2);
  });
}

/** Writes the receipts of a member that is not otherwise there. */
function writeReceipts(
  world: World,
  receipts: Record<string, { at: string; ms: number; count: number }>,
): void {
  notebooksIn(world.state).write('somebody', { ...asNotebook({}), receipts });
}

const minutesAgo = (minutes: number): string => new Date(Date.now() - minutes * 60_000).toISOString();

const fileInTheWay = (world: World): string => world.write('project/.git/flowloom', 'not a directory');

const situations: readonly Situation[] = [
  {
    code: 'directory-missing',
    severity: 'error',
    when: 'the directory is not there',
    arrange: ({ base }) => ({ directory: join(base, 'nowhere') }),
  },
  {
    code: 'check-failed',
    severity: 'warning',
    when: 'a check meets what it did not foresee, here a variable that is no text',
    arrange: (world) => ({ env: { ...world.env, CLAUDE_CONFIG_DIR: 5 } }),
    args: () => ({ check: 'settings' }),
  },

  {
    code: 'node-ok',
    severity: 'ok',
    when: 'node is there',
    arrange: () => {},
    args: () => ({ version: process.version.slice(1) }),
  },
  {
    code: 'node-missing',
    severity: 'error',
    when: 'there is no node',
    arrange: ({ bin }) => fs.rmSync(join(bin, 'node')),
  },
  {
    code: 'node-broken',
    severity: 'error',
    when: 'node is a shim without a version',
    arrange: (world) => world.program('node', 'echo "no version set" >&2; exit 126'),
    args: () => ({ reason: 'no version set' }),
  },
  {
    code: 'node-old',
    severity: 'error',
    when: 'node is old',
    arrange: (world) => world.program('node', 'echo "v18.20.4 /opt/node"'),
  },

  {
    code: 'client-ok',
    severity: 'ok',
    when: 'the client is new',
    arrange: () => {},
    args: () => ({ version: '2.1.330' }),
  },
  {
    code: 'client-missing',
    severity: 'info',
    when: 'there is no client',
    arrange: ({ bin }) => fs.rmSync(join(bin, 'claude')),
  },
  {
    code: 'client-unreadable',
    severity: 'info',
    when: 'the client says something else',
    arrange: (world) => world.program('claude', 'echo hello'),
  },
  {
    code: 'client-too-old',
    severity: 'error',
    when: 'the client knows no exec form',
    arrange: (world) => world.program('claude', 'echo 2.1.138'),
  },
  {
    code: 'client-old',
    severity: 'warning',
    when: 'the client names no process',
    arrange: (world) => world.program('claude', 'echo 2.1.139'),
  },

  {
    code: 'git-ok',
    severity: 'ok',
    when: 'git answers',
    arrange: (world) => world.program('git', 'if [ "$3" = --version ]; then echo "git version 2.50.1"; fi'),
    args: () => ({ version: '2.50.1' }),
  },
  {
    code: 'git-none',
    severity: 'info',
    when: 'there is no repository',
    arrange: ({ project }) => fs.rmSync(join(project, '.git'), { recursive: true }),
  },
  {
    code: 'git-missing',
    severity: 'warning',
    when: 'there is no git',
    arrange: ({ bin }) => fs.rmSync(join(bin, 'git')),
  },
  {
    code: 'git-slow',
    severity: 'warning',
    when: 'git takes its time',
    arrange: (world) => world.program('git', '/bin/sleep 0.4'),
  },
  {
    code: 'git-hangs',
    severity: 'warning',
    when: 'git hangs',
    arrange: (world) => world.program('git', '/bin/sleep 20'),
  },
  {
    code: 'git-dubious',
    severity: 'warning',
    when: 'the repository is somebody else’s',
    arrange: () => void vi.stubEnv('GIT_TEST_ASSUME_DIFFERENT_OWNER', '1'),
  },
  {
    code: 'git-failed',
    severity: 'warning',
    when: 'the index is damaged',
    arrange: (world) => void world.write('project/.git/index', 'damaged'),
  },

  {
    code: 'settings-absent',
    severity: 'ok',
    when: 'there are no user settings',
    arrange: () => {},
    args: () => ({ scope: 'user' }),
  },
  {
    code: 'settings-fine',
    severity: 'ok',
    when: 'all is installed',
    arrange: (world) => world.install('project'),
    args: () => ({ scope: 'project', hooks: 6 }),
  },
  {
    code: 'settings-relaxed',
    severity: 'error',
    when: 'the settings hold a comment',
    arrange: (world) => void world.write('project/.claude/settings.json', '{\n  // mine\n  "env": {}\n}\n'),
    args: (world) => ({ file: settingsOf(world), line: 2 }),
  },
  {
    code: 'settings-relaxed',
    severity: 'error',
    when: 'the settings hold a trailing comma',
    arrange: (world) => void world.write('home/.claude/settings.json', '{\n  "env": {},\n}\n'),
    args: () => ({ scope: 'user', line: 3 }),
  },
  {
    code: 'settings-broken',
    severity: 'error',
    when: 'a bracket is missing',
    arrange: (world) => void world.write('project/.claude/settings.local.json', '{\n  "env": {\n'),
    args: () => ({ scope: 'local' }),
  },
  {
    code: 'settings-broken',
    severity: 'error',
    when: 'the settings are a list',
    arrange: (world) => void world.write('project/.claude/settings.json', '[]'),
  },
  {
    code: 'settings-refused',
    severity: 'error',
    when: 'a file of the administrator is no JSON',
    arrange: (world) => void world.write('managed/managed-settings.d/10-more.json', '{\n'),
    args: (world) => ({ file: join(world.managedRoot, 'managed-settings.d', '10-more.json') }),
  },
  {
    code: 'settings-skipped',
    severity: 'error',
    when: 'a hook of somebody else is written without a group',
    arrange: (world) =>
      void world.write('home/.claude/settings.json', {
        hooks: { PreToolUse: [{ type: 'command', command: 'true' }] },
      }),
    args: () => ({
      scope: 'user',
      dislikes: [expect.objectContaining({ path: 'hooks.PreToolUse.0.hooks' })],
    }),
  },
  {
    code: 'settings-skipped',
    severity: 'error',
    when: 'a well-known key has a wrong value',
    arrange: (world) => void world.write('project/.claude/settings.json', { permissions: { allow: 'Bash' } }),
    args: (world) => ({
      file: settingsOf(world),
      dislikes: [expect.objectContaining({ path: 'permissions.allow' })],
    }),
  },
  {
    code: 'settings-dropped',
    severity: 'warning',
    when: 'the group of our hook has no usable matcher',
    async arrange(world) {
      await world.install('project');
      const settings = JSON.parse(fs.readFileSync(settingsOf(world), 'utf8'));
      settings.hooks.Stop[0].matcher = null;
      world.write('project/.claude/settings.json', settings);
    },
    args: () => ({ dislikes: [expect.objectContaining({ path: 'hooks.Stop.0.matcher' })] }),
  },
  {
    code: 'settings-ignored',
    severity: 'info',
    when: 'hooks of somebody else have odd shapes',
    async arrange(world) {
      await world.install('project');
      const settings = JSON.parse(fs.readFileSync(settingsOf(world), 'utf8'));
      settings.hooks.Stop.push(null, { type: 'command', command: 'true' }, 3);
      settings.hooks.Foo = 'x';
      world.write('project/.claude/settings.json', settings);
    },
    args: () => ({
      dislikes: ['hooks.Stop.1', 'hooks.Stop.2.hooks', 'hooks.Stop.3', 'hooks.Foo'].map((path) =>
        expect.objectContaining({ path }),
      ),
    }),
  },
  {
    code: 'settings-unreadable',
    severity: 'error',
    when: 'a directory is in the place of the settings',
    arrange: (world) => void fs.mkdirSync(settingsOf(world), { recursive: true }),
  },
  {
    code: 'settings-partial',
    severity: 'warning',
    when: 'an event was removed',
    arrange: async (world) => {
      await world.install('project');
      editJson(settingsOf(world), (settings) => delete settings.hooks.Stop);
    },
    args: () => ({ missing: ['Stop'] }),
  },
  {
    code: 'settings-matcher',
    severity: 'warning',
    when: 'somebody added a matcher',
    arrange: async (world) => {
      await world.install('local');
      editJson(join(world.project, '.claude/settings.local.json'), (settings) => {
        settings.hooks.SessionStart![0]!.matcher = 'startup|resume';
      });
    },
    args: () => ({ event: 'SessionStart', matcher: 'startup|resume' }),
  },
  {
    code: 'settings-edited',
    severity: 'warning',
    when: 'a hook was made asynchronous',
    arrange: async (world) => {
      await world.install('project');
      editJson(settingsOf(world), (settings) => {
        settings.hooks.Stop![0]!.hooks[0]!.async = true;
      });
    },
    args: () => ({ event: 'Stop', keys: ['async'] }),
  },
  {
    code: 'settings-edited',
    severity: 'info',
    when: 'a timeout was changed',
    arrange: async (world) => {
      await world.install('project');
      editJson(settingsOf(world), (settings) => {
        settings.hooks.Stop![0]!.hooks[0]!.timeout = 3;
      });
    },
    args: () => ({ event: 'Stop', keys: ['timeout'] }),
  },
  {
    code: 'settings-repeated',
    severity: 'warning',
    when: 'an entry of a moved project is left',
    arrange: async (world) => {
      await world.install('local');
      editJson(join(world.project, '.claude/settings.local.json'), (settings) => {
        const old = structuredClone(settings.hooks.Stop![0]!);
        old.hooks[0] = {
          ...old.hooks[0]!,
          command: 'node',
          args: ['/old/project/.claude/flowloom.local/hooks/stop.cjs'],
        };
        settings.hooks.Stop!.push(old);
      });
    },
    args: () => ({ events: ['Stop'] }),
  },
  {
    code: 'settings-plugin',
    severity: 'ok',
    when: 'the plugin is enabled',
    arrange: (world) =>
      void world.write('home/.claude/settings.json', { enabledPlugins: { 'flowloom@market': true } }),
  },
  { code: 'settings-missing', severity: 'error', when: 'nothing is installed', arrange: () => {} },
  {
    code: 'settings-missing',
    severity: 'error',
    when: 'the plugin is installed and disabled',
    arrange: (world) => {
      world.write('home/.claude/settings.json', { enabledPlugins: { 'flowloom@market': false } });
      world.write('home/.claude/plugins/installed_plugins.json', {
        version: 2,
        plugins: { 'flowloom@market': [] },
      });
    },
  },
  {
    code: 'settings-subdirectory',
    severity: 'info',
    when: 'the session starts below the top',
    arrange: async (world) => {
      await world.install('project');
      return { directory: dirname(world.write('project/packages/a/readme.md', '')) };
    },
  },
  {
    code: 'settings-uncommitted',
    severity: 'info',
    when: 'nothing is committed',
    arrange: (world) => world.install('project'),
  },
  {
    code: 'settings-scripts-uncommitted',
    severity: 'warning',
    when: 'git ignores the scripts',
    arrange: async (world) => {
      await world.install('project');
      world.write('project/.gitignore', 'flowloom/\n');
      world.git('add', '.');
      world.git('commit', '--quiet', '--message', 'settings only');
    },
  },
  {
    code: 'settings-worktree',
    severity: 'error',
    when: 'a worktree has not what is not committed',
    arrange: async (world) => {
      world.git('commit', '--quiet', '--allow-empty', '--message', 'first');
      await world.install('project');
      world.git('worktree', 'add', '--quiet', '../side');
      return { directory: join(world.base, 'side') };
    },
    args: (world) => ({ worktree: join(world.base, 'side'), file: settingsOf(world) }),
  },

  { code: 'silenced-no', severity: 'ok', when: 'nothing is off', arrange: () => {} },
  {
    code: 'silenced-disabled',
    severity: 'error',
    when: 'hooks are disabled',
    arrange: (world) => void world.write('home/.claude/settings.json', { disableAllHooks: true }),
  },
  {
    code: 'silenced-managed',
    severity: 'error',
    when: 'the administrator allows only managed hooks',
    arrange: (world) => void world.write('managed/managed-settings.json', { allowManagedHooksOnly: true }),
    args: () => ({ key: 'allowManagedHooksOnly' }),
  },
  {
    code: 'silenced-managed',
    severity: 'error',
    when: 'a part of the managed settings disables hooks',
    arrange: (world) =>
      void world.write('managed/managed-settings.d/10-hooks.json', { disableAllHooks: true }),
    args: () => ({ key: 'disableAllHooks' }),
  },
  {
    code: 'silenced-managed',
    severity: 'error',
    when: 'the administrator reserves hooks for plugins',
    arrange: (world) =>
      void world.write('managed/managed-settings.json', { strictPluginOnlyCustomization: ['hooks'] }),
    args: () => ({ key: 'strictPluginOnlyCustomization' }),
  },
  {
    code: 'silenced-variable',
    severity: 'error',
    when: 'the user makes every session a simple one',
    arrange: (world) => void world.write('home/.claude/settings.json', { env: { CLAUDE_CODE_SIMPLE: '1' } }),
    args: () => ({ variable: 'CLAUDE_CODE_SIMPLE' }),
  },
  {
    code: 'silenced-client',
    severity: 'warning',
    when: 'the shell makes every session a safe one',
    arrange: ({ env }) => ({ env: { ...env, CLAUDE_CODE_SAFE_MODE: '1' } }),
    args: () => ({ variable: 'CLAUDE_CODE_SAFE_MODE' }),
  },
  {
    code: 'silenced-shell',
    severity: 'warning',
    when: 'the shell says off',
    arrange: ({ env }) => ({ env: { ...env, FLOWLOOM: 'off' } }),
  },
  {
    code: 'silenced-environment',
    severity: 'error',
    when: 'the settings say off',
    arrange: (world) => void world.write('project/.claude/settings.json', { env: { FLOWLOOM: 'off' } }),
  },

  {
    code: 'scripts-ok',
    severity: 'ok',
    when: 'all is installed',
    arrange: (world) => world.install('user'),
    args: (world) => ({ scope: 'user', files: filesBelow(join(world.home, '.claude', 'flowloom')).length }),
  },
  {
    code: 'scripts-missing',
    severity: 'error',
    when: 'a script is gone',
    arrange: async (world) => {
      await world.install('project');
      fs.rmSync(join(world.project, '.claude/flowloom/hooks/stop.cjs'));
    },
    args: () => ({ files: ['hooks/stop.cjs'] }),
  },
  {
    code: 'scripts-edited',
    severity: 'warning',
    when: 'a script was edited',
    arrange: async (world) => {
      await world.install('project');
      edit(join(world.project, '.claude/flowloom/hooks/stop.cjs'), (text) => `${text}\n// mine\n`);
    },
    args: () => ({ files: ['hooks/stop.cjs'], replaceable: true }),
  },
  {
    code: 'scripts-edited',
    severity: 'warning',
    when: 'a script was edited beside the command itself, which has no other copy',
    arrange: async (world) => {
      await world.install('project');
      edit(join(world.project, '.claude/flowloom/hooks/stop.cjs'), (text) => `${text}\n// mine\n`);
      return { hooksSource: join(world.project, '.claude/flowloom/hooks') };
    },
    args: () => ({ files: ['hooks/stop.cjs'], replaceable: false }),
  },
  {
    code: 'scripts-backups',
    severity: 'info',
    when: 'an earlier version moved an edited script aside',
    arrange: async (world) => {
      await world.install('project');
      world.write('project/.claude/flowloom/hooks/stop.cjs.a_B-3x.bak', '// mine');
      world.write('project/.claude/flowloom/hooks/notes.bak', 'not from us');
    },
    args: () => ({ files: ['hooks/stop.cjs.a_B-3x.bak'] }),
  },
  {
    code: 'scripts-itself',
    severity: 'info',
    when: 'the command is a file of the folder that it looks at',
    arrange: async (world) => {
      await world.install('project');
      return { hooksSource: join(world.project, '.claude/flowloom/hooks') };
    },
    args: () => ({ version: '9.9.9' }),
  },
  {
    code: 'scripts-outdated',
    severity: 'warning',
    when: 'the command is newer',
    arrange: async (world) => {
      await world.install('project');
      return { version: '10.0.0' };
    },
    args: () => ({ version: '9.9.9', current: '10.0.0' }),
  },
  {
    code: 'scripts-newer',
    severity: 'info',
    when: 'the command is older',
    arrange: async (world) => {
      await world.install('project');
      return { version: '9.9.8' };
    },
  },
  {
    code: 'scripts-unverified',
    severity: 'warning',
    when: 'the manifest is gone',
    arrange: async (world) => {
      await world.install('project');
      fs.rmSync(join(world.project, '.claude/flowloom/manifest.json'));
    },
  },

  { code: 'double-no', severity: 'ok', when: 'installed once', arrange: (world) => world.install('project') },
  {
    code: 'double-scopes',
    severity: 'warning',
    when: 'installed for the project and the user',
    arrange: async (world) => {
      await world.install('project');
      await world.install('user');
    },
    args: () => ({ scopes: ['user', 'project'] }),
  },
  {
    code: 'double-plugin',
    severity: 'warning',
    when: 'the plugin is installed too',
    arrange: async (world) => {
      await world.install('project');
      world.write('home/.claude/plugins/installed_plugins.json', {
        version: 2,
        plugins: { 'flowloom@market': [] },
      });
    },
  },

  {
    code: 'trust-ok',
    severity: 'ok',
    when: 'a folder above is trusted',
    arrange: (world) =>
      void world.write('home/.claude.json', { projects: { [world.base]: { hasTrustDialogAccepted: true } } }),
    args: (world) => ({ directory: world.base }),
  },
  {
    code: 'trust-missing',
    severity: 'info',
    when: 'nobody was asked',
    arrange: (world) => void world.write('home/.claude.json', { projects: { [world.project]: {} } }),
  },
  { code: 'trust-unknown', severity: 'info', when: 'the client never ran', arrange: () => {} },

  {
    code: 'store-place',
    severity: 'ok',
    when: 'nothing has run yet',
    arrange: () => {},
    args: (world) => ({ path: world.state, what: 'git directory', exists: false }),
  },
  {
    code: 'store-degraded',
    severity: 'warning',
    when: 'a file is in the place of the state',
    arrange: (world) => void fileInTheWay(world),
    args: () => ({ from: 'git directory', to: 'user state directory' }),
  },
  {
    code: 'store-configured',
    severity: 'ok',
    when: 'the git store is configured and used',
    arrange: (world) => {
      world.write(ownConfig, { store: 'git' });
      world.fire('SessionStart', world.client(), { source: 'startup' });
    },
    args: (world) => ({ kind: 'git', live: 1, place: expect.stringContaining(world.state) }),
  },
  {
    code: 'store-not-usable',
    severity: 'warning',
    when: 'the configured project of basic-memory is not there',
    arrange: (world) =>
      void world.write(ownConfig, { store: 'basic-memory', basicMemory: { path: '/nowhere' } }),
    args: () => ({ kind: 'basic-memory', reason: expect.stringContaining('/nowhere') }),
  },
  {
    code: 'store-apart',
    severity: 'warning',
    when: 'a session joined before another store was configured',
    arrange: (world) => {
      world.fire('SessionStart', world.client(), { source: 'startup' });
      world.write(ownConfig, { store: 'git' });
    },
    args: () => ({ kind: 'git', sessions: 1 }),
  },
  {
    code: 'store-weak',
    severity: 'info',
    when: 'the memory graph is configured',
    arrange: (world) => {
      const file = world.write('memory/memory.jsonl', '');
      world.write(ownConfig, { store: 'memory-graph', memoryGraph: { file } });
    },
    args: () => ({ kind: 'memory-graph' }),
  },
  {
    code: 'store-sync-never',
    severity: 'info',
    when: 'a remote is configured and no session has run yet',
    arrange: (world) => shares(world, null),
    args: () => ({ remote: 'origin' }),
  },
  {
    code: 'store-synced',
    severity: 'ok',
    when: 'the last sync worked',
    arrange: (world) => shares(world, { outcome: 'synced' }),
    args: () => ({ remote: 'origin' }),
  },
  {
    code: 'store-sync-failed',
    severity: 'warning',
    when: 'the last sync did not reach the remote',
    arrange: (world) => shares(world, { outcome: 'unreachable', message: 'could not resolve host' }),
    args: () => ({ outcome: 'unreachable', message: 'could not resolve host' }),
  },
  {
    code: 'mcp-ok',
    severity: 'ok',
    when: 'the server was added and answers',
    arrange: (world) => {
      addServer(world);
      fs.copyFileSync(join(dirname(hooksSource), 'mcp.mjs'), join(world.project, '.claude/flowloom/mcp.mjs'));
    },
  },
  {
    code: 'mcp-dead',
    severity: 'error',
    when: 'its script is gone',
    arrange: (world) => addServer(world),
  },
  {
    code: 'mcp-not-run',
    severity: 'info',
    when: 'its script is another one than that of this version',
    arrange: (world) => {
      addServer(world);
      world.write('project/.claude/flowloom/mcp.mjs', '// theirs\n');
    },
    args: (world) => ({ script: join(world.project, '.claude/flowloom/mcp.mjs') }),
  },
  {
    code: 'mcp-off',
    severity: 'warning',
    when: 'the settings switch it off',
    arrange: (world) => {
      addServer(world);
      world.write('project/.claude/settings.local.json', { disabledMcpjsonServers: ['flowloom'] });
    },
  },
  {
    code: 'mcp-file',
    severity: 'warning',
    when: 'somebody else has a server of that name',
    arrange: (world) =>
      void world.write('project/.mcp.json', { mcpServers: { flowloom: { command: 'other', args: [] } } }),
  },
  {
    code: 'store-unusable',
    severity: 'error',
    when: 'no place can be written',
    arrange: (world) => {
      const file = fileInTheWay(world);
      vi.stubEnv('TMPDIR', file);
      return { env: { ...world.env, XDG_STATE_HOME: file } };
    },
  },
  {
    code: 'store-broken',
    severity: 'error',
    when: 'a file is in the place of the numbers',
    arrange: (world) => void world.write('project/.git/flowloom/seq', 'not a directory'),
    args: (world) => ({ path: world.state }),
  },
  {
    code: 'store-broken',
    severity: 'error',
    when: 'no seal can be made or broken, so nobody can join',
    arrange: (world) => {
      fs.mkdirSync(world.state, { recursive: true });
      fs.symlinkSync('/nonexistent/x', join(world.state, 'seals'));
    },
    args: (world) => ({ path: world.state }),
  },
  {
    code: 'store-split',
    severity: 'warning',
    when: 'a session lives in the second place while the first one is good again',
    arrange: (world) => {
      const file = fileInTheWay(world);
      world.fire('SessionStart', world.client(), { source: 'startup' });
      fs.rmSync(file);
    },
    args: (world) => ({ path: world.state }),
  },
  {
    code: 'store-moved',
    severity: 'warning',
    when: 'settings move the state of hooks only',
    arrange: (world) =>
      void world.write('project/.claude/settings.json', { env: { FLOWLOOM_STATE_DIR: '/srv/state' } }),
    args: () => ({ variable: 'FLOWLOOM_STATE_DIR', value: '/srv/state' }),
  },
  {
    code: 'store-not-private',
    severity: 'warning',
    when: 'somebody opened the state',
    arrange: async (world) => {
      await addGhosts(world.state, 1);
      fs.chmodSync(world.state, 0o755);
    },
    args: (world) => ({ path: world.state, entries: 1 }),
  },
  {
    code: 'store-damaged',
    severity: 'warning',
    when: 'a record is cut off',
    arrange: (world) => void world.write('project/.git/flowloom/seq/000000000001.json', '{"version":1,"id"'),
  },
  {
    code: 'store-damaged',
    severity: 'warning',
    when: 'a file is in the place of the seals',
    arrange: (world) => void world.write('project/.git/flowloom/seals', 'not a directory'),
    args: (world) => ({ record: join(world.state, 'seals'), reason: 'is not a directory' }),
  },
  {
    code: 'store-notebook',
    severity: 'warning',
    when: 'a notebook is cut off',
    arrange: (world) =>
      void world.write('project/.git/flowloom/members/1-a/notebook.0.json', '{"turn":1,"notebook":{'),
  },
  {
    code: 'store-records-ok',
    severity: 'ok',
    when: 'records are there',
    arrange: ({ state }) => addGhosts(state, 1),
  },
  {
    code: 'store-ghosts',
    severity: 'info',
    when: 'a session was killed',
    arrange: async (world) => {
      const client = world.client();
      world.fire('SessionStart', client, { source: 'startup' });
      const over = new Promise((resolve) => client.once('exit', resolve));
      client.kill('SIGKILL');
      await over;
    },
    args: () => ({ gone: 1, ghosts: 1, prunable: 0 }),
  },
  {
    code: 'store-ghosts',
    severity: 'warning',
    when: 'very many were killed',
    arrange: ({ state }) => addGhosts(state, 201, { joinedAt: minutesAgo(5) }),
    args: () => ({ gone: 201, prunable: 181 }),
  },
  {
    code: 'store-ghosts',
    severity: 'warning',
    when: 'very many ended as they should',
    arrange: async ({ state }) => {
      await addGhosts(state, 201, { joinedAt: minutesAgo(5) });
      const left = { seq: 201, at: minutesAgo(4), reason: 'prompt_input_exit' };
      for (const index of Array(201).keys())
        await fileStore(state).announce(`ghost-${index}`, presence({ left }));
    },
    args: () => ({ gone: 201, ghosts: 0, prunable: 201 }),
  },
  {
    code: 'store-leftovers',
    severity: 'info',
    when: 'a writer was killed',
    arrange: (world) => {
      const file = world.write('project/.git/flowloom/seq/claim.1-2-3.tmp', '');
      fs.utimesSync(file, new Date(0), new Date(0));
    },
  },

  { code: 'clock-ok', severity: 'ok', when: 'all is in order', arrange: ({ state }) => addGhosts(state, 2) },
  {
    code: 'clock-future',
    severity: 'info',
    when: 'the clock was wrong',
    arrange: async (world) => {
      await addGhosts(world.state, 1);
      const later = new Date(Date.now() + 3_600_000);
      fs.utimesSync(join(world.state, 'seq/000000000001.json'), later, later);
    },
    args: () => ({ files: 1, minutes: 60 }),
  },
  {
    code: 'clock-order',
    severity: 'info',
    when: 'the later one joined earlier',
    arrange: async ({ state }) => {
      await addGhosts(state, 1);
      await addGhosts(state, 1, { id: 'other', joinedAt: minutesAgo(60) });
    },
    args: () => ({ earlier: 1, later: 2, minutes: 60 }),
  },

  { code: 'config-none', severity: 'ok', when: 'there is none', arrange: () => {} },
  {
    code: 'config-ok',
    severity: 'ok',
    when: 'it is right',
    arrange: (world) => void world.write('project/.flowloomrc.json', { leaseHours: 4 }),
  },
  {
    code: 'config-problem',
    severity: 'warning',
    when: 'a value is wrong',
    arrange: (world) => void world.write('project/.flowloomrc.json', { prompt: 'never' }),
    args: () => ({ key: 'prompt', expected: 'one of always, on-change' }),
  },
  {
    code: 'consent-missing',
    severity: 'info',
    when: 'the repository wants to share and nobody agreed',
    arrange: (world) =>
      void world.write('project/.flowloomrc.json', { store: 'git', git: { remote: 'origin' } }),
    args: ({ project }) => ({
      file: join(project, '.flowloomrc.json'),
      wish: expect.stringContaining('"origin"'),
      store: 'file',
    }),
  },
  {
    code: 'consent-given',
    severity: 'ok',
    when: 'the repository wants another store and the user agreed',
    arrange: async (world) => {
      world.write('project/.flowloomrc.json', { store: 'git' });
      await trust(world.project, world.env);
    },
    args: ({ project }) => ({ file: join(project, '.flowloomrc.json') }),
  },

  {
    code: 'gate-sh',
    severity: 'ok',
    when: 'it was installed for this machine',
    arrange: (world) => world.install('local'),
    args: () => ({ scope: 'local' }),
  },
  {
    code: 'gate-node',
    severity: 'ok',
    when: 'it was installed for everybody',
    arrange: (world) => world.install('project'),
    args: () => ({ scope: 'project' }),
  },
  {
    code: 'gate-environment',
    severity: 'warning',
    when: 'a debug terminal sets options for Node, which is started directly',
    arrange: async (world) => {
      await world.install('project');
      return { env: { ...world.env, NODE_OPTIONS: '--no-warnings' } };
    },
    args: () => ({ variables: ['NODE_OPTIONS'] }),
  },
  {
    code: 'gate-environment',
    severity: 'warning',
    when: 'the settings of the project set them',
    arrange: async (world) => {
      world.write('project/.claude/settings.local.json', { env: { NODE_PENDING_DEPRECATION: '1' } });
      await world.install('project');
    },
    args: () => ({ variables: ['NODE_PENDING_DEPRECATION'] }),
  },
  {
    code: 'gate-environment',
    severity: 'info',
    when: 'only certificates are set',
    arrange: async (world) => {
      await world.install('project');
      return { env: { ...world.env, NODE_EXTRA_CA_CERTS: '/nowhere' } };
    },
  },
  {
    code: 'gate-no-shell',
    severity: 'error',
    when: 'a block for POSIX systems is read where there is no sh',
    arrange: async (world) => {
      await world.install('local');
      fs.rmSync(join(world.bin, 'sh'));
    },
    args: () => ({ scope: 'local' }),
  },
  {
    code: 'hook-gate',
    severity: 'ok',
    when: 'a gate answered',
    arrange: (world) => {
      const client = world.client();
      world.fire('SessionStart', client, { source: 'startup' });
      const [member] = fs.readdirSync(join(world.state, 'members'));
      fs.writeFileSync(join(world.state, 'members', member!, 'beat'), '', { mode: 0o600 });
    },
  },

  {
    code: 'hook-none',
    severity: 'warning',
    when: 'nothing has fired',
    arrange: (world) => world.install('project'),
  },
  {
    code: 'hook-fired',
    severity: 'ok',
    when: 'a hook fired',
    arrange: (world) => writeReceipts(world, { SessionStart: { at: minutesAgo(3), ms: 62, count: 1 } }),
    args: () => ({ event: 'SessionStart', ms: 62 }),
  },
  {
    code: 'hook-slow',
    severity: 'info',
    when: 'a hook took long',
    arrange: (world) => writeReceipts(world, { Stop: { at: minutesAgo(3), ms: 1500, count: 1 } }),
  },
  {
    code: 'hook-never',
    severity: 'warning',
    when: 'sessions start and never stop',
    arrange: async (world) => {
      await world.install('project');
      writeReceipts(world, { SessionStart: { at: minutesAgo(30), ms: 62, count: 1 } });
    },
    args: () => ({ event: 'Stop' }),
  },
  {
    code: 'hook-never',
    severity: 'info',
    when: 'no tool was ever used',
    arrange: async (world) => {
      await world.install('project');
      writeReceipts(world, { SessionStart: { at: minutesAgo(30), ms: 62, count: 1 } });
    },
    args: () => ({ event: 'PostToolBatch' }),
  },
  {
    code: 'hook-never',
    severity: 'info',
    when: 'the session has only just begun',
    arrange: async (world) => {
      await world.install('project');
      world.fire('SessionStart', world.client(), { source: 'startup' });
    },
    args: () => ({ event: 'Stop' }),
  },

  {
    code: 'log-ok',
    severity: 'ok',
    when: 'the last failure is long ago',
    arrange: (world) =>
      void world.write(
        'project/.git/flowloom/log.jsonl',
        `${JSON.stringify({ at: minutesAgo(60 * 24 * 30), event: 'Stop', code: 'old', message: '' })}\n`,
      ),
  },
  {
    code: 'log-failures',
    severity: 'warning',
    when: 'a hook failed',
    arrange: (world) => {
      // A payload that is no JSON.
      const entry = {
        at: minutesAgo(5),
        event: 'Stop',
        code: 'bad-input',
        message: 'stdin held 3 characters\n  at somewhere',
      };
      world.write('project/.git/flowloom/log.jsonl', `${JSON.stringify(entry)}\n`);
    },
    args: () => ({ count: 1, newest: [expect.objectContaining({ message: 'stdin held 3 characters' })] }),
  },

  { code: 'session-none', severity: 'ok', when: 'run in a plain terminal', arrange: () => {} },
  {
    code: 'session-member',
    severity: 'ok',
    when: 'run inside a session that takes part',
    arrange: (world) => {
      const client = world.client();
      world.fire('SessionStart', client, { source: 'startup' });
      return { env: { ...world.env, CLAUDE_PID: String(client.pid) } };
    },
    args: () => ({ role: 'master', seq: 1 }),
  },
  {
    code: 'session-stranger',
    severity: 'warning',
    when: 'run inside a session that does not',
    arrange: (world) => ({ env: { ...world.env, CLAUDE_PID: String(world.client().pid) } }),
  },
];

/** Cannot be caused without a second user: judged as data. */
const asData: readonly FindingCode[] = ['store-foreign'];

describe('findings', () => {
  it.each(situations)('$code ($severity) when $when', async ({ code, severity, arrange, args }) => {
    const world = createWorld();
    const request = (await arrange(world)) as Partial<DoctorRequest> | undefined;
    const findings = await world.diagnose(request);
    const shown = (finding: Finding) => `${finding.code} ${finding.severity} ${JSON.stringify(finding.args)}`;
    const expected = { code, severity, args: expect.objectContaining(args?.(world) ?? {}) };
    expect(
      findings.some((finding) => {
        try {
          expect(finding).toEqual(expected);
          return true;
        } catch {
          return false;
        }
      }),
      findings.map(shown).join('\n'),
    ).toBe(true);
    const found = findings.find((finding) => finding.code === code && finding.severity === severity)!;
    const { title, remedy } = wordingOf(found);
    const text = renderFindings(findings, { color: false, columns: 10_000 });
    expect(text).toContain(title);
    expect(text).toContain(remedy);
    if (severity === 'warning' || severity === 'error') expect(remedy, 'a problem has a remedy').not.toBe('');
  });

  it('does not call a session killed that ended as it should', () => {
    const title = (gone: number, ghosts: number) =>
      wordingOf(finding('warning', 'store-ghosts', { path: '/x', gone, ghosts, prunable: gone })).title;
    expect(title(201, 0)).toBe(
      '201 sessions that are over still have records; none of them ended without a word.',
    );
    expect(title(6, 1)).toBe(
      '6 sessions that are over still have records; 1 of them ended without a word: killed, crashed, or without power.',
    );
    const { detail } = wordingOf(
      finding('warning', 'store-ghosts', { path: '/x', gone: 6, ghosts: 1, prunable: 6 }),
    );
    expect(detail).not.toMatch(/killed/);
  });

  it('are all caused here', () => {
    const caused = new Set([...situations.map(({ code }) => code), ...asData]);
    expect(findingCodes.filter((code) => !caused.has(code as FindingCode))).toEqual([]);
  });

  it('store-foreign when a record belongs to another user', () => {
    const world = createWorld();
    const [place] = statePlaces(locateScope(world.project), world.env);
    const entry = { path: '/x/seq/1.json', mode: 0o600, foreign: true, mtimeMs: 0, kind: 'file' as const };
    const facts = {
      place: place!,
      exists: true,
      problem: null,
      broken: null,
      entries: [entry],
      damaged: [],
      roster: { members: [], master: null, epoch: 0, whole: true },
      gone: [],
      notebooks: [],
      badNotebooks: [],
    };
    const found = judgeStore([facts], Date.now()).find(({ code }) => code === 'store-foreign');
    expect(found).toMatchObject({ severity: 'warning', args: { entries: 1 } });
  });
});
