/** What the gate answers is what Node would have answered, and costs no process. */
import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { missing } from '../support/missing.ts';
import { write } from '../support/scratch.ts';
import { idOf, presenceOf } from '../support/state.ts';
import { world } from '../support/world.ts';
import { isByGate, pair, readyFile, settle, shells, steadySession, through } from './kit.ts';

const hasStrace = spawnSync('strace', ['-V']).status === 0;

describe.each(shells)('in $name', ({ name, shell, isHere }) => {
  if (!isHere) return missing(name);

  test('a steady prompt is told what Node tells it', async () => {
    const { worker, master } = await pair(shell);
    for (const session of [worker, master]) {
      const gate = await settle(session, shell);
      rmSync(readyFile(session));
      const node = await session.prompt('go on', through(shell));
      expect([isByGate(gate), isByGate(node)]).toEqual([true, false]);
      expect(gate.stdout).toBe(node.stdout);
      expect(gate.context).toMatch(/^You are \w+ \(epoch 2\); 2 live sessions/);
    }
  });

  test('a steady batch of tools is told nothing', async () => {
    const { worker } = await pair(shell);
    await settle(worker, shell);
    const batch = await worker.tools(undefined, through(shell));
    expect([isByGate(batch), batch.stdout]).toEqual([true, '']);
  });

  test('with prompt: on-change a steady prompt is told nothing', async () => {
    const place = world();
    write(join(place.root, '.flowloomrc.json'), '{"prompt":"on-change"}');
    const session = await steadySession(place, shell);
    expect((await settle(session, shell)).stdout).toBe('');
  });

  test('nothing is quoted wrongly, whatever a session is called', async () => {
    const place = world();
    const session = await steadySession(place, shell);
    const other = place.session();
    const odd = `it's "$(touch pwned)" \\n \`x\` %s ü${String.fromCharCode(0x85)}`;
    await other.start('startup', { payload: { session_title: odd } });
    await session.prompt('go on', through(shell));
    const gate = await settle(session, shell);
    rmSync(readyFile(session));
    expect(gate.stdout).toBe((await session.prompt('go on', through(shell))).stdout);
    expect(gate.context).toContain(`it's`);
  });

  test('the heartbeat is renewed', async () => {
    const { place, worker } = await pair(shell);
    const beat = join(place.state, 'members', idOf(place.state, worker.client.pid), 'beat');
    expect(statSync(beat).mtimeMs).toBeGreaterThanOrEqual(0);
    await settle(worker, shell);
    const { mtimeMs } = statSync(beat);
    expect(mtimeMs).toBeGreaterThan(0);
    await settle(worker, shell);
    expect(statSync(beat).mtimeMs).toBeGreaterThan(mtimeMs);
  });

  test('what was asked meanwhile is known at the stop', async () => {
    const { place, worker, master } = await pair(shell);
    await settle(worker, shell);
    const asked = await worker.prompt('build the price list', through(shell));
    expect(isByGate(asked)).toBe(true);
    worker.writeTranscript([
      { type: 'user', message: { role: 'user', content: 'go on' } },
      { type: 'user', message: { role: 'user', content: 'build the price list' } },
    ]);
    await worker.stop();
    expect(presenceOf(place.state, worker.client.pid).doing).toBe('build the price list');
    expect((await master.start('compact')).context).toContain('doing "build the price list"');
    expect(isByGate(await worker.prompt('go on', through(shell)))).toBe(true);
  });

  test('a session that ended leaves no answer', async () => {
    const { worker } = await pair(shell);
    await settle(worker, shell);
    await worker.end();
    expect(() => readFileSync(readyFile(worker))).toThrow('ENOENT');
  });

  test.skipIf(!hasStrace)(
    `no process is started and stdin is not read${hasStrace ? '' : ' (skipped: needs strace)'}`,
    async () => {
      const { place, worker } = await pair(shell);
      await settle(worker, shell);
      const trace = join(place.base, 'trace');
      const calls = 'execve,clone,clone3,fork,vfork,read,readv,pread64';
      const strace = ['strace', '-f', '-o', trace, '-e', `trace=${calls}`];
      const gate = await worker.prompt('go on', through(shell, { through: strace }));
      expect(isByGate(gate)).toBe(true);
      const lines = readFileSync(trace, 'utf8').split('\n');
      expect(lines.filter((line) => /\b(?:execve)\(/.test(line) && !/ENOENT/.test(line))).toHaveLength(1);
      expect(lines.filter((line) => /\b(?:clone3?|v?fork)\(/.test(line))).toEqual([]);
      expect(lines.filter((line) => /\bp?read(?:v|64)?\(0,/.test(line))).toEqual([]);
    },
  );
});
