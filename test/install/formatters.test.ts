/** Formatters and linters of the project find nothing to say about the installed folder, and change nothing in it. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { applyInstall, prepareInstall } from '../../install/install.ts';
import { filesBelow } from '../support/scratch.ts';
import { scratch, snapshot } from './scratch.ts';

const root = join(import.meta.dirname, '..', '..');
const biome = join(root, 'node_modules', '.bin', 'biome');
const hooksSource = join(root, 'dist', 'hooks');

it.each([
  ['without a configuration', null],
  ['with the configuration of a project', '{ "formatter": { "indentStyle": "tab" } }'],
])('biome, %s', (_, config) => {
  const place = scratch();
  if (config) place.write('biome.json', config);
  place.write('theirs.js', 'var a  =  1\n');
  applyInstall(prepareInstall(place.request('project', { hooksSource })));
  const folder = join(place.project, '.claude/flowloom');
  const before = snapshot(folder);
  const ran = spawnSync(biome, ['check', '--write', '--max-diagnostics=none', '.'], {
    cwd: place.project,
    encoding: 'utf8',
  });
  const said = ran.stdout + ran.stderr;
  expect(said).toContain('Checked');
  expect(said).not.toMatch(/flowloom[\\/](?!hooks\/[\w-]+\.(?:cjs|sh)")/);
  expect(snapshot(folder)).toEqual(before);
  expect(place.read('theirs.js')).not.toBe('var a  =  1\n');
});

it('each script tells linters first that it is built, and prettier that nothing has its mark', () => {
  const place = scratch();
  applyInstall(prepareInstall(place.request('project', { hooksSource })));
  const folder = join(place.project, '.claude/flowloom');
  const scripts = filesBelow(folder).filter((file) => /\.[cm]js$/.test(file));
  expect(scripts.length).toBeGreaterThan(20);
  for (const file of scripts) {
    const text = readFileSync(join(folder, file), 'utf8').replace(/^#!.*\n/, '');
    expect([file, text.startsWith('/* eslint-disable --')]).toEqual([file, true]);
    expect(text).not.toMatch(/@(?:format|prettier)\b/);
  }
  expect(JSON.parse(readFileSync(join(folder, '.prettierrc'), 'utf8'))).toEqual({ requirePragma: true });
});
