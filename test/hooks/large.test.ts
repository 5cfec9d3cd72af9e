/** Payloads far longer than anybody types. */
import { expect, test } from 'vitest';
import { contentsBelow } from '../support/scratch.ts';
import { secrets } from '../support/secrets.ts';
import { type Fired, world } from '../support/world.ts';

const eightMegabytes = (piece: string): string => piece.repeat(Math.ceil(8_000_000 / piece.length));
const patience = 30_000;

/** A hook ends within two seconds, told or not; a loaded machine may need another occasion. */
async function answer(fire: () => Promise<Fired>): Promise<string> {
  for (let occasion = 1; ; occasion++) {
    const fired = await fire();
    expect(fired).toMatchObject({ code: 0, signal: null });
    if (fired.context || occasion === 8) return fired.context;
  }
}

test.each([
  ['plain words', 'build the price list '],
  ['one word', 'a'],
  ['secrets', `${secrets[2]!.text} and `],
  ['letters that nobody sees', 'a\u200b\u202e'],
])('a title and a prompt of eight megabytes are answered: %s', async (_, piece) => {
  const w = world();
  const one = w.session();
  const title = { session_title: eightMegabytes(piece).slice(0, 7_000_000) };
  expect(await answer(() => one.start('startup', { payload: title, patience }))).toMatch(/^You are master/);
  expect(await one.prompt(eightMegabytes(piece), { payload: title, patience })).toMatchObject({
    code: 0,
    signal: null,
  });
  expect(await answer(() => one.prompt('and now a short one'))).toMatch(/^You are master/);
  const written = Object.values(contentsBelow(w.state)).join('\n');
  expect(written).not.toContain(secrets[2]!.secret);
  expect(written.length).toBeLessThan(1_000_000);
});
