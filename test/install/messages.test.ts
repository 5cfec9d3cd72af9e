import { describe, expect, it } from 'vitest';
import { diffLines } from '../../install/diff.ts';
import type { InstallReport, UninstallReport } from '../../install/report.ts';
import { wiredHooks } from '../../src/claude/settings.ts';
import {
  type InstallProblem,
  installProblem,
  renderInstall,
  renderProblem,
  renderUninstall,
} from '../../src/messages/install.ts';

const events = wiredHooks.map((hook) => hook.event);

const installed: InstallReport = {
  scope: 'project',
  form: 'node',
  version: '1.0.0',
  root: '/home/dev/shop',
  settingsFile: '/home/dev/shop/.claude/settings.json',
  scriptsDir: '/home/dev/shop/.claude/flowloom',
  dryRun: false,
  changed: true,
  events,
  files: ['hooks/stop.cjs', 'manifest.json'],
  diff: ['+ {', '+ }'],
  server: null,
  selfTest: events.map((event, index) => ({ event, ok: true, ms: 100 + index })),
  obstacles: [],
  notes: [{ code: 'commit' }],
};

const silence = { file: '/p', variable: null, managedRun: true } as const;
const obstacles: InstallReport['obstacles'] = [
  {
    code: 'file-skipped',
    file: '/p',
    dislikes: [{ path: 'permissions.allow', why: { code: 'expected', expected: { listOf: 'anything' } } }],
  },
  { code: 'file-skipped', file: '/p', dislikes: [{ path: 'old', why: { code: 'stray-guard' } }] },
  { code: 'file-too-large', file: '/p' },
  { code: 'client-refuses', file: '/p' },
  { code: 'silenced', silence: { ...silence, key: 'disableAllHooks' }, managed: false },
  { code: 'silenced', silence: { ...silence, key: 'strictPluginOnlyCustomization' }, managed: true },
  { code: 'silenced', silence: { ...silence, key: 'env', variable: 'CLAUDE_CODE_SIMPLE' }, managed: false },
];

const uninstalled: UninstallReport = {
  scope: 'project',
  root: installed.root,
  settingsFile: installed.settingsFile,
  scriptsDir: installed.scriptsDir,
  dryRun: false,
  changed: true,
  installed: true,
  events,
  files: ['manifest.json'],
  diff: ['- {'],
  server: null,
  kept: [],
};

describe('renderInstall', () => {
  it('says that it works and what to do next', () => {
    expect(renderInstall(installed)).toMatchInlineSnapshot(`
      "flowloom-hooks 1.0.0 is installed for everybody in /home/dev/shop, and it works.

        6 hooks in /home/dev/shop/.claude/settings.json
        2 files in /home/dev/shop/.claude/flowloom

      Prompts are answered by Node, on every system. Faster, and without an error at
      each event for teammates who have no Node, when nobody here uses Windows:
      node /home/dev/shop/.claude/flowloom/cli.mjs install --posix

      Self-test: all 6 hooks ran, the slowest in 105 ms.

      Commit .claude/settings.json and .claude/flowloom, so that teammates and git
      worktrees have the hooks too.

      Start a Claude Code session in /home/dev/shop: it is told that it is master.
      Start a second one, and the second is master and the first a worker.
      Who is there: node /home/dev/shop/.claude/flowloom/cli.mjs status"
    `);
  });

  it('says what does not work, and nothing about a next step', () => {
    const selfTest = installed.selfTest!.map((check) =>
      check.event === 'Stop'
        ? { ...check, ok: false, problem: { code: 'failed', detail: 'exit 1' } as const }
        : check,
    );
    expect(renderInstall({ ...installed, selfTest, notes: [] })).toMatchInlineSnapshot(`
      "flowloom-hooks 1.0.0 is installed for everybody in /home/dev/shop, but it does
      not work yet.

        6 hooks in /home/dev/shop/.claude/settings.json
        2 files in /home/dev/shop/.claude/flowloom

      Prompts are answered by Node, on every system. Faster, and without an error at
      each event for teammates who have no Node, when nobody here uses Windows:
      node /home/dev/shop/.claude/flowloom/cli.mjs install --posix

      Self-test: 1 of 6 hooks do not work.
        Stop: it failed (exit 1)
      For the cause: npx flowloom-hooks doctor"
    `);
  });

  it('says once that there is no node', () => {
    const selfTest = events.map((event) => ({
      event,
      ok: false,
      ms: 1,
      problem: { code: 'no-node' } as const,
    }));
    expect(renderInstall({ ...installed, selfTest }).match(/no "node"/g)).toHaveLength(1);
  });

  it('shows the change in a dry run', () => {
    const text = renderInstall({ ...installed, dryRun: true, selfTest: null });
    expect(text).toContain('Nothing was written');
    expect(text).toContain('+ {\n+ }');
  });

  it('fits into 80 columns, but for paths', () => {
    const notes: InstallReport['notes'] = [
      { code: 'root-only' },
      { code: 'personal', file: '/p' },
      { code: 'other-scope', file: '/p', scope: 'user' },
      { code: 'set-aside', files: ['hooks/stop.cjs'], directory: '/p' },
    ];
    for (const scope of ['project', 'local', 'user'] as const)
      expectNarrow(renderInstall({ ...installed, scope, notes, obstacles }));
  });

  it('says what keeps Claude Code from running the hooks, and does not say that they work', () => {
    for (const obstacle of obstacles) {
      const text = renderInstall({ ...installed, obstacles: [obstacle] }).replaceAll('\n', ' ');
      expect(text).toContain('/p');
      expect(text).toContain('but Claude Code will not run it yet');
      expect(text).not.toContain('it works');
      expect(text).not.toContain('Start a Claude Code session');
    }
    const [skipped] = obstacles;
    const text = renderInstall({ ...installed, obstacles: [skipped!] }).replaceAll('\n', ' ');
    expect(text).toContain('Claude Code will skip this file: "permissions.allow" should be a list.');
  });
});

describe('renderUninstall', () => {
  it('says what was removed', () => {
    expect(renderUninstall(uninstalled)).toMatchInlineSnapshot(`
      "flowloom-hooks is uninstalled for everybody in /home/dev/shop.

        6 hooks removed from /home/dev/shop/.claude/settings.json
        1 file removed from /home/dev/shop/.claude/flowloom

      Sessions that are running now go on without it."
    `);
  });

  it('is friendly when there was nothing', () => {
    expect(renderUninstall({ ...uninstalled, installed: false, changed: false })).toMatchInlineSnapshot(`
      "flowloom-hooks is not installed in /home/dev/shop (scope project). Nothing to
      do."
    `);
  });

  it('names what stays', () => {
    expect(renderUninstall({ ...uninstalled, kept: ['notes.md'] })).toMatch(/and\s+stay: notes\.md\./);
  });
});

describe('installProblem', () => {
  const codes: InstallProblem['code'][] = [
    'not-json',
    'relaxed-json',
    'not-utf8',
    'root-not-object',
    'hooks-not-object',
    'event-not-array',
    'duplicate-key',
    'dangling-link',
    'read-only',
    'cannot-read',
    'cannot-write',
    'changed-meanwhile',
    'foreign-file',
    'incomplete-package',
    'no-directory',
    'inside-git',
    'home',
  ];
  it.each(codes)('%s: whole sentences that name the file and fit into 80 columns', (code) => {
    const message = installProblem({ code, file: '/p/file', at: 'Stop', line: 3, reason: 'ENOSPC' });
    expect(message).toContain('/p/file');
    expect(message).toMatch(/\.$/);
    expect(message).not.toContain('undefined');
    expectNarrow(renderProblem({ message }));
  });
});

describe('diffLines', () => {
  it('shows changes with a little around them', () => {
    expect(diffLines('a\nb\nc\nd\ne\nf\n', 'a\nb\nc\nX\ne\nf\n', 1)).toEqual(['  c', '- d', '+ X', '  e']);
    expect(diffLines(null, 'a\r\nb\r\n')).toEqual(['+ a', '+ b']);
    expect(diffLines('a\n', null)).toEqual(['- a']);
    expect(diffLines('a\nb\na\n', 'a\na\n')).toEqual(['  a', '- b', '  a']);
    expect(diffLines('same', 'same')).toEqual([]);
  });
});

function expectNarrow(text: string): void {
  for (const line of text.split('\n')) expect(line.length, line).toBeLessThanOrEqual(80);
}
