import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { planInstall } from '../../install/plan.ts';
import { isOurs, projectScriptsDir, settingsBlock, wiredHooks } from '../../src/claude/settings.ts';

const handler = (script: unknown, more: object = {}) => ({
  type: 'command',
  command: 'node',
  args: [script],
  ...more,
});

/** As it is installed: silent where the script is missing. */
const loaded = (script: string, more: object = {}) => ({
  ...handler(script, more),
  args: ['-e', 'try{require(process.argv[1])}catch(e){}', script],
});

const gate = (script: string, hook: string) => ({
  type: 'command',
  command: 'sh',
  args: ['-c', '. "$0"', script, hook],
});

describe('settingsBlock', () => {
  it('wires every event once, without a matcher', () => {
    const block = settingsBlock('/opt/flowloom');
    expect(Object.keys(block.hooks)).toEqual(wiredHooks.map((hook) => hook.event));
    expect(block.hooks.Stop).toEqual([{ hooks: [loaded('/opt/flowloom/hooks/stop.cjs', { timeout: 10 })] }]);
  });

  it('is what settings.template.json shows, to the byte what install writes into a new file', () => {
    const template = readFileSync(new URL('../../settings.template.json', import.meta.url), 'utf8');
    expect(planInstall(null, settingsBlock(projectScriptsDir)).text).toBe(template);
    expect(planInstall('', settingsBlock(projectScriptsDir)).text).toBe(template);
  });
});

describe('isOurs', () => {
  it.each([
    ['what we install for a project', loaded(`${projectScriptsDir}/hooks/stop.cjs`, { timeout: 10 })],
    ['what older versions installed', handler(`${projectScriptsDir}/hooks/stop.cjs`, { timeout: 10 })],
    [
      'an entry with another timeout and unknown fields',
      handler('/a/flowloom/hooks/stop.cjs', { timeout: 1, x: 1 }),
    ],
    ['a local install', handler('/a b/.claude/flowloom.local/hooks/session-end.cjs')],
    ['the gate', gate('/a b/.claude/flowloom.local/hooks/gate.sh', 'user-prompt-submit')],
    ['backslashes', handler('C:\\Users\\me\\.claude\\flowloom\\hooks\\post-compact.cjs')],
  ])('recognises %s', (_, value) => expect(isOurs(value)).toBe(true));

  it.each([
    ['another script of the same name', handler('/a/tools/hooks/stop.cjs')],
    ['another script in our folder', handler('/a/flowloom/hooks/mine.cjs')],
    ['a folder that only ends like ours', handler('/a/my-flowloom/hooks/stop.cjs')],
    [
      'more arguments',
      { type: 'command', command: 'node', args: ['--inspect', '/a/flowloom/hooks/stop.cjs'] },
    ],
    [
      'another argument before it',
      { type: 'command', command: 'node', args: ['--require', 'x', '/a/flowloom/hooks/stop.cjs'] },
    ],
    ['a line that loads another script', loaded('/a/tools/hooks/stop.cjs')],
    ['another gate', gate('/a/tools/hooks/gate.sh', 'user-prompt-submit')],
    ['our gate with another name', gate('/a/flowloom/hooks/gate.sh', 'mine')],
    ['a shell with one of our scripts', gate('/a/flowloom/hooks/stop.cjs', 'stop')],
    ['another command', { type: 'command', command: 'deno', args: ['/a/flowloom/hooks/stop.cjs'] }],
    ['a shell command', { type: 'command', command: 'node /a/flowloom/hooks/stop.cjs' }],
    ['another type', { type: 'prompt', command: 'node', args: ['/a/flowloom/hooks/stop.cjs'] }],
    ['an argument that is no string', handler(7)],
    ['null', null],
    ['a string', 'node'],
  ])('leaves alone %s', (_, value) => expect(isOurs(value)).toBe(false));
});
