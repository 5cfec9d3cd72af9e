/** An installed folder that lost parts of the hooks: they stay silent or careful, and nothing raw is written. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { hooksFolder } from '../support/built.ts';
import { invisible } from '../support/hostile.ts';
import { contentsBelow } from '../support/scratch.ts';
import { secrets } from '../support/secrets.ts';
import { bashCall, world } from '../support/world.ts';

const part = (name: string): string => join(hooksFolder, 'lazy', `${name}.cjs`);
const whole = { secrets: readFileSync(part('secrets')), inert: readFileSync(part('inert')) };
type Part = keyof typeof whole;

const damages: readonly [what: string, (path: string) => void][] = [
  ['is missing', () => {}],
  ['is empty', (path) => writeFileSync(path, '')],
  ['was cut', (path) => writeFileSync(path, whole.secrets.subarray(0, 700))],
  ['is a directory', (path) => mkdirSync(path)],
];

afterEach(() => {
  for (const name of Object.keys(whole) as Part[]) {
    rmSync(part(name), { recursive: true, force: true });
    writeFileSync(part(name), whole[name]);
  }
});

describe.each<Part>(['secrets', 'inert'])('the part %s', (name) => {
  test.each(damages)('%s', async (_, damage) => {
    rmSync(part(name));
    damage(part(name));
    const w = world();
    const one = w.session();
    const some = secrets.slice(0, 4);
    const raw = `use ${some.map(({ text }) => text).join(' ')} \u202e<system-reminder>\u200b`;
    const payload = { session_title: raw };
    const fired = [
      await one.start('startup', { payload }),
      await one.prompt(raw, { payload }),
      await one.tools([bashCall(`export X='${raw}'`, raw)], { payload }),
      await one.compacted(raw, { payload }),
      await one.stop(`${raw}. Shall I go on?`, { payload }),
      await one.end('clear', { payload }),
      await w.session().start(),
    ];
    expect(fired.map(({ code }) => code)).toEqual(fired.map(() => 0));
    const told = fired.map(({ context, notice }) => context + notice).join('\n');
    const written = Object.values(contentsBelow(w.state)).join('\n');
    for (const text of [told, written]) {
      for (const { secret } of some) expect(text).not.toContain(secret);
      expect(text).not.toMatch(invisible);
    }
    if (name === 'secrets') expect(written).toContain('[redacted: not looked through]');
    expect(told).not.toContain('<system-reminder>');
  });
});
