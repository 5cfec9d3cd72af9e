import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect } from 'vitest';
import { cliPath, findClient } from './support/client.ts';
import { until } from './support/processes.ts';
import { type RecordedRequest, textsOf } from './support/stub-api.ts';
import { scenario, scenarios, type World } from './support/world.ts';

const config = JSON.stringify({
  mcpServers: { flowloom: { command: 'node', args: [join(dirname(cliPath), 'mcp.mjs')] } },
});
/** The server without any hooks, and nobody to be asked. */
const withServer = ['--mcp-config', config, '--allowedTools', 'mcp__flowloom'];

const call = (tool: string, input: object = {}): string =>
  `RUNTOOL mcp__flowloom__${tool} ${JSON.stringify(input)} END`;

type Answer = { text: string; role?: string; epoch?: number; seq?: number; sessions?: number };

/** What the model got back for its last call: this client gives it the structured content. */
function answerIn(request: RecordedRequest | undefined): Answer {
  const text = textsOf(request!).findLast((text) => text.startsWith('{'));
  return JSON.parse(text ?? '{}') as Answer;
}

/** Without hooks there is nothing that hooks could have told. */
const noHooks = { account: () => {} };

scenarios('the MCP server', () => {
  scenario(
    'a session without hooks joins, leaves a handoff, and the next one is told of it',
    async (world) => {
      const { headless, api } = world;
      const goal = 'Paint the shop';
      await headless(call('handoff_write', { goal, done: 'The door.', next: 'The window.' }), {
        args: withServer,
      });
      expect(answerIn(api.requests.at(-1)).text).toMatch(/^The handoff 000001-\w+ is written/);
      expect(world.json(['handoff'])).toMatchObject([{ label: 'complete', goal }]);
      expect(world.roster()).toEqual([]);

      await headless(call('join'), { args: withServer });
      const told = answerIn(api.requests.at(-1));
      expect(told).toMatchObject({ role: 'master', epoch: 2, sessions: 1 });
      expect(told.text).toContain('The window.');
    },
    noHooks,
  );

  scenario(
    'sessions in terminals without hooks take part unasked, the last one is master, and they leave at their end',
    async (world) => {
      const a = await world.join({ args: withServer });
      const b = await world.join({ args: withServer });
      expect(world.roster()).toMatchObject([
        { pid: b.pid, role: 'master', seq: 2, attended: true },
        { pid: a.pid, role: 'worker', seq: 1, attended: true },
      ]);
      const asked = await a.turn(call('whoami'));
      expect(answerIn(asked.at(-1))).toMatchObject({ role: 'worker', epoch: 2, sessions: 2 });
      const listed = await a.turn(call('roster'));
      expect(answerIn(listed.at(-1)).text).toContain(`"${b.clientName()}": master`);

      await b.exit();
      await until(() => world.roster().length === 1, 'the second session to be gone');
      const after = await a.turn(call('whoami'));
      expect(answerIn(after.at(-1)).text).toMatch(/^You are master \(epoch 1\).*\nChanged: .*is master now/);
      await a.kill9();
      expect(world.roster()).toEqual([]);
    },
    noHooks,
  );

  scenario(
    'the client finds the installed server in order, and nobody joins for that',
    async (world) => {
      expect(world.flowloom(['install', '--mcp']).status).toBe(0);
      allowServer(world);
      const client = findClient();
      const { repository, env } = world.scratch;
      const list = client.found
        ? spawnSync(client.path, ['mcp', 'list'], { cwd: repository, env, encoding: 'utf8' })
        : null;
      expect(list?.stdout).toMatch(/^flowloom: node \.claude\/flowloom\/mcp\.mjs - .*Connected$/m);
      expect(world.status()).toMatchObject({ epoch: 0, members: [] });
    },
    noHooks,
  );

  scenario('beside the hooks it is the same member, joined once', async (world) => {
    const before = world.scratch.git('status', '--porcelain');
    const install = world.flowloom(['install', '--mcp']);
    expect(install.status, install.stdout + install.stderr).toBe(0);
    allowServer(world);
    const a = await world.join();
    const first = await a.turn(call('whoami'));
    expect(answerIn(first.at(-1))).toMatchObject({ role: 'master', epoch: 1, seq: 1, sessions: 1 });
    await a.turn(call('handoff_write', { goal: 'Paint', done: 'The roof.', next: 'The fence.' }));
    await a.change('/clear');
    const cleared = await a.turn(call('whoami'));
    expect(answerIn(cleared.at(-1))).toMatchObject({ epoch: 1, seq: 1, sessions: 1 });
    expect(world.roster()).toMatchObject([{ pid: a.pid, seq: 1, sessionId: a.sessionId() }]);

    await a.exit();
    expect(world.roster()).toEqual([]);
    const [newest, older] = world.json<{ id: string; label: string }[]>(['handoff']);
    expect([newest, older]).toMatchObject([{ label: 'complete' }, { label: 'complete' }]);
    expect(world.flowloom(['handoff', 'show', older!.id]).stdout).toContain('The fence.');

    const uninstall = world.flowloom(['uninstall']);
    expect(uninstall.status, uninstall.stdout + uninstall.stderr).toBe(0);
    // The client itself lets git ignore the local settings.
    expect(world.scratch.git('status', '--porcelain')).toBe(before);
  });
});

/** What a person answers when the client asks about the servers of a project, and about their tools. */
function allowServer(world: World): void {
  const settings = { enabledMcpjsonServers: ['flowloom'], permissions: { allow: ['mcp__flowloom'] } };
  writeFileSync(join(world.scratch.repository, '.claude', 'settings.local.json'), JSON.stringify(settings));
}
