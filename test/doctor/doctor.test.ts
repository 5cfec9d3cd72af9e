/** The whole diagnosis: of a machine where all is well, of programs that hang, and what a person sees of it. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  exitCodeOf,
  type Finding,
  type FindingCode,
  jsonOf,
  renderFindings,
  type Severity,
  worstOf,
} from '../../src/doctor/doctor.ts';
import { command } from '../../src/messages/own-command.ts';
import { createWorld, playTurn, type World } from './world.ts';

/** Say something about how busy this machine is. */
const aboutTime: readonly FindingCode[] = ['git-slow', 'git-hangs', 'hook-slow'];

const plain = (findings: readonly Finding[], columns = 80): string =>
  renderFindings(findings, { color: false, columns });

const codesOf = (findings: readonly Finding[], ...severities: Severity[]): FindingCode[] =>
  findings
    .filter(({ severity, code }) => severities.includes(severity) && !aboutTime.includes(code))
    .map(({ code }) => code);

/** Installed, committed and trusted; one session has ended, and another one is there. */
async function healthyWorld(): Promise<World & { pid: number }> {
  const world = createWorld();
  await world.install('project');
  world.git('add', '--all');
  world.git('commit', '--quiet', '--message', 'Add hooks');
  world.write('home/.claude.json', { projects: { [world.project]: { hasTrustDialogAccepted: true } } });
  const first = world.client();
  playTurn(world, first);
  world.fire('SessionEnd', first, { reason: 'prompt_input_exit' });
  const second = world.client();
  playTurn(world, second);
  return { ...world, pid: second.pid };
}

describe('a healthy machine', () => {
  it('has nothing to look at', async () => {
    const world = await healthyWorld();
    const findings = await world.diagnose({ env: { ...world.env, CLAUDE_PID: String(world.pid) } });
    expect(codesOf(findings, 'info', 'warning', 'error'), plain(findings)).toEqual([]);

    const well = findings.filter(({ code }) => !aboutTime.includes(code));
    expect(exitCodeOf(well)).toBe(0);
    expect(plain(well).split('\n').at(-1)).toBe('Everything works.');
    expect(plain(well)).not.toMatch(/[!✗→]/);
    expect(well).toContainEqual({
      code: 'session-member',
      severity: 'ok',
      args: { pid: world.pid, role: 'master', seq: 2 },
    });
    const fired = findings.flatMap(({ code, args }) =>
      code === 'hook-fired' || code === 'hook-slow' ? [args.event] : [],
    );
    expect(fired.sort()).toEqual(
      ['PostCompact', 'PostToolBatch', 'SessionEnd', 'SessionStart', 'Stop', 'UserPromptSubmit'].sort(),
    );
  });

  it('is left as it was', async () => {
    const world = await healthyWorld();
    const before = world.git('status', '--porcelain', '--ignored');
    await world.diagnose();
    expect(world.git('status', '--porcelain', '--ignored')).toBe(before);
  });

  it('is healthy in a worktree too', async () => {
    const world = await healthyWorld();
    world.git('worktree', 'add', '--quiet', '../side');
    world.write('home/.claude.json', { projects: { [world.base]: { hasTrustDialogAccepted: true } } });
    const findings = await world.diagnose({ directory: join(world.base, 'side') });
    expect(codesOf(findings, 'info', 'warning', 'error'), plain(findings)).toEqual([]);
    expect(findings).toContainEqual(
      expect.objectContaining({ code: 'store-place', args: expect.objectContaining({ path: world.state }) }),
    );
  });

  it('knows the hooks of the main checkout’s local settings in a worktree', async () => {
    const world = createWorld();
    world.git('commit', '--quiet', '--allow-empty', '--message', 'first');
    await world.install('local');
    world.git('worktree', 'add', '--quiet', '../side');
    const findings = await world.diagnose({ directory: join(world.base, 'side') });
    expect(codesOf(findings, 'ok')).toContain('scripts-ok');
    expect(codesOf(findings, 'error'), plain(findings)).toEqual([]);
  });
});

describe('a program that hangs', () => {
  it('is given up, with the children that hold its output', async () => {
    const world = createWorld();
    world.program('claude', '/bin/sleep 600 & wait');
    const findings = await world.diagnose();
    expect(findings).toContainEqual({
      code: 'client-unreadable',
      severity: 'info',
      args: { reason: 'no answer within 5 s' },
    });
  });
});

describe('the exit code', () => {
  it('follows the worst finding', () => {
    const of = (...severities: Severity[]): Finding[] =>
      severities.map((severity) => ({ code: 'clock-ok', severity, args: {} }));
    expect(exitCodeOf([])).toBe(0);
    expect(exitCodeOf(of('ok', 'info'))).toBe(0);
    expect(exitCodeOf(of('warning', 'ok'))).toBe(1);
    expect(exitCodeOf(of('warning', 'error', 'info'))).toBe(2);
    expect(worstOf(of('info', 'ok'))).toBe('info');
  });
});

describe('the report', () => {
  it('is grouped, wrapped, and ends with a verdict', async () => {
    const world = createWorld();
    world.write('project/.claude/settings.json', '{\n  // mine\n}\n');
    rmSync(join(world.bin, 'claude'));
    const findings = await world.diagnose();
    const text = plain(findings, 80);
    expect(text).toMatch(/^Programs\n {2}✓ Node\.js/);
    expect(text).toMatch(/\n\nInstallation\n[\s\S]*\n\nState\n[\s\S]*\n\nActivity\n/);
    expect(text).toMatch(/ {2}✗ .*settings\.json,\s+line\s+2:\s+a\s+comment\s+or\s+a\s+trailing\s+comma\./);
    expect(text).toContain('      → Remove the comment or comma in line 2.');
    // Whether the hooks are in that file nobody can say.
    expect(text).not.toContain(`Run: ${command('install')}`);
    expect(text.split('\n').at(-1)).toBe('1 thing to look at.');
    const tooLong = text
      .split('\n')
      .filter((line) => line.length > 80 && !line.trim().slice(2).includes(world.base));
    expect(tooLong).toEqual([]);
  });

  it('has colours only when asked', async () => {
    const world = createWorld();
    const findings = await world.diagnose();
    expect(plain(findings)).not.toContain('\u001b');
    expect(renderFindings(findings, { color: true, columns: 80 })).toContain('\u001b[');
  });

  it('shows nothing that others wrote as it is', () => {
    const evil = '\u001b[2Jgone\u202e\nline';
    const findings: Finding[] = [
      { code: 'config-problem', severity: 'warning', args: { file: evil, key: evil, expected: evil } },
    ];
    expect(plain(findings)).not.toMatch(/[\u001b\u202e]/);
    expect(plain(findings)).toContain('gone');
    expect(plain(findings).split('\n').at(-1)).toBe('1 thing to look at.');
  });

  it('is complete as JSON', async () => {
    const world = createWorld();
    const findings = await world.diagnose();
    const json = JSON.parse(JSON.stringify(jsonOf(findings)));
    expect(json).toMatchObject({ ok: false, worst: 'error', fixed: [] });
    expect(json.findings).toHaveLength(findings.length);
    expect(json.findings.find(({ code }: Finding) => code === 'settings-missing')).toEqual({
      code: 'settings-missing',
      severity: 'error',
      title: expect.stringContaining('not installed'),
      detail: expect.any(String),
      remedy: `Run: ${command('install')}`,
      args: { directory: world.project },
    });
  });
});
