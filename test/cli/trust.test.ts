/** The command by which a user agrees to what a repository wants of places and sharing. */
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { missing } from '../support/missing.ts';
import { contentsBelow, git, write } from '../support/scratch.ts';
import { writeOwnConfig } from '../support/trust.ts';
import { type World, world } from '../support/world.ts';
import { cleanEnv, commandPath, controls, jsonOf, runProcess, trace, type } from './command.ts';

const shares = { store: 'git', git: { remote: 'origin', share: 'handoffs' } };
const configure = (w: World, values: object): string =>
  write(join(w.root, '.flowloomrc.json'), JSON.stringify(values));

/** A repository that wants to share handoffs. */
function sharing(): World {
  const w = world();
  git(w.root, 'remote', 'add', 'origin', 'https://ada:s3cr3t@git.example.com/@team/shop.git');
  configure(w, shares);
  return w;
}

interface Answer {
  readonly trust: string;
  readonly file: string | null;
  readonly wants: Record<string, unknown> | null;
}

/** Text without the breaks of its lines. */
const unbroken = (text: string): string => text.replace(/\s+/g, ' ');

test('shows what would leave and to where, without passwords, and agrees to nothing by itself', async () => {
  const w = sharing();
  const before = contentsBelow(w.base);
  const { code, stdout, stderr } = await type(w, ['trust']);
  expect(code).toBe(1);
  expect(unbroken(stdout)).toContain(
    `${join(w.root, '.flowloomrc.json')} wants to push handoffs (prompts, last messages`,
  );
  expect(stdout).toContain('"origin", which is https://git.example.com/@team/shop.git');
  expect(stdout).not.toMatch(/s3cr3t|ada/);
  expect(stderr).toMatch(/no terminal to ask on.*trust --yes/);
  expect(contentsBelow(w.base)).toEqual(before);
});

test('--yes agrees, once and for all until it is taken back', async () => {
  const w = sharing();
  const agreed = await type(w, ['trust', '--yes']);
  expect(agreed).toMatchObject({ code: 0, stderr: '' });
  expect(agreed.stdout).toMatch(/wants to push handoffs[\s\S]*Agreed, for this clone/);
  const again = await type(w, ['trust']);
  expect(again).toMatchObject({ code: 0, stderr: '' });
  expect(again.stdout).toMatch(/You agreed to this.*trust --revoke/);
  expect((await type(w, ['status'])).stdout).not.toContain('trust');
  expect(await type(w, ['trust', '--revoke'])).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^Taken back/),
  });
  expect((await type(w, ['status'])).stdout).toMatch(/^trust +not given[\s\S]*cli\.mjs.* trust$/m);
  expect(await type(w, ['trust', '--revoke'])).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/nothing to take back/),
  });
});

test('every line that holds neither a path nor an address fits a terminal of 80 columns', async () => {
  const w = sharing();
  const said = [];
  for (const args of [['trust'], ['status'], ['trust', '--yes'], ['trust', '--revoke']])
    said.push(...(await type(w, args)).stdout.split('\n'));
  const long = said.filter((line) => line.length > 80 && !/[/\\]/.test(line));
  expect(long).toEqual([]);
});

test('--json says the same to programs, and asks nobody', async () => {
  const w = sharing();
  const wants = {
    ...shares.git,
    store: 'git',
    where: null,
    servers: [],
    urls: ['https://git.example.com/@team/shop.git'],
  };
  const file = join(w.root, '.flowloomrc.json');
  const asked = await type(w, ['trust', '--json']);
  expect([asked.code, jsonOf<Answer>(asked)]).toEqual([1, { trust: 'missing', file, wants }]);
  const agreed = await type(w, ['trust', '--json', '--yes']);
  expect([agreed.code, jsonOf<Answer>(agreed)]).toEqual([0, { trust: 'given', file, wants }]);
  expect(jsonOf<Answer>(await type(w, ['status', '--json'])).trust).toBe('given');
  expect(jsonOf(await type(w, ['trust', '--json', '--revoke']))).toEqual({ revoked: true });
  expect(jsonOf(await type(w, ['trust', '--json', '--revoke']))).toEqual({ revoked: false });
  configure(w, { prompt: 'on-change' });
  const nothing = await type(w, ['trust', '--json']);
  expect([nothing.code, jsonOf<Answer>(nothing)]).toEqual([0, { trust: 'not-needed', file, wants: null }]);
});

describe('an address that cannot be shown', () => {
  test('since there is no such remote: nothing is sent', async () => {
    const w = sharing();
    git(w.root, 'remote', 'remove', 'origin');
    expect((await type(w, ['trust'])).stdout).toContain(
      'which is no remote of this repository: nothing is sent',
    );
  });

  test('since git is not there: that is said, and not that nothing is sent', async () => {
    const w = sharing();
    const { stdout } = await type(w, ['trust'], { env: { PATH: w.temporary } });
    expect(stdout).toContain('which is an address that git did not say (git is not on the PATH)');
  });
});

describe('where there is nothing to agree to', () => {
  test.each<[string, object | null, RegExp]>([
    ['no configuration', null, /^This repository configures nothing/],
    ['one that says nothing of places', { prompt: 'always' }, /wants nothing that needs your trust/],
    ['one that says what is so anyway', { store: 'file' }, /wants nothing that needs your trust/],
  ])('%s: says so, and all is well', async (_what, values, said) => {
    const w = world();
    if (values) configure(w, values);
    for (const options of [[], ['--yes']]) {
      const { code, stdout, stderr } = await type(w, ['trust', ...options]);
      expect([code, stdout, stderr]).toEqual([0, expect.stringMatching(said), '']);
    }
    expect(existsSync(w.state)).toBe(false);
  });

  test('a file that cannot be read: says that, and nothing is well', async () => {
    const w = world();
    write(join(w.root, '.flowloomrc.json'), '{');
    const { code, stderr } = await type(w, ['trust', '--yes']);
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /\.flowloomrc\.json: \(the whole file\) does not count: it should be a file that can be read/,
    );
    expect(stderr).not.toMatch(trace);
  });
});

test('values that do not count are named, and the others are agreed to', async () => {
  const w = sharing();
  configure(w, { ...shares, git: { remote: '--upload-pack=x', share: 'everything' } });
  const { code, stdout, stderr } = await type(w, ['trust', '--yes']);
  expect(code).toBe(0);
  expect(stderr).toMatch(/git\.remote does not count[\s\S]*git\.share does not count/);
  expect(unbroken(stdout)).toContain('wants to keep the records of your sessions as commits');
});

describe('shows a place as it is', () => {
  test.each<[string, (w: World) => string, (w: World) => string, RegExp]>([
    ['in the home', () => '~/.ssh', (w) => join(w.home, '.ssh'), /outside this repository/],
    ['relative', () => 'notes', (w) => join(w.root, 'notes'), /inside this repository, where it may be comm/],
    ['in git', () => '.git/hooks', (w) => join(w.root, '.git', 'hooks'), /inside a git directory/],
    ['out and away', () => '../other', (w) => join(w.base, 'other'), /outside this repository/],
    [
      'behind a link',
      (w) => {
        mkdirSync(join(w.home, '.ssh'));
        symlinkSync(join(w.home, '.ssh'), join(w.root, 'notes'));
        return 'notes/deep';
      },
      (w) => join(w.home, '.ssh', 'deep'),
      /outside this repository/,
    ],
  ])('%s', async (_what, path, shown, beware) => {
    const w = world();
    configure(w, { store: 'basic-memory', basicMemory: { path: path(w) } });
    const { stdout } = await type(w, ['trust']);
    expect(stdout).toContain(`"${shown(w)}"`);
    expect(stdout).toMatch(beware);
  });

  test('and nothing in it reaches the terminal', async () => {
    const w = world();
    const evil = 'x\u001b[2J\u001b]52;c;aGk=\u0007\u202e" is safe';
    configure(w, { store: 'basic-memory', basicMemory: { path: evil } });
    for (const command of ['trust', 'status', 'doctor']) {
      const { stdout, stderr } = await type(w, [command]);
      expect(stdout + stderr).not.toMatch(controls);
      expect(stdout).toMatch(/trust|wants/);
    }
  });
});

test('works outside of git, and from below the top', async () => {
  const w = world({ git: false });
  configure(w, { store: 'basic-memory', basicMemory: { path: w.base } });
  expect((await type(w, ['trust', '--yes'])).code).toBe(0);
  expect((await type(w, ['trust'])).code).toBe(0);
  const shop = sharing();
  mkdirSync(join(shop.root, 'api'));
  expect((await type(shop, ['trust', '--yes'], { cwd: join(shop.root, 'api') })).code).toBe(0);
  expect((await type(shop, ['trust'])).code).toBe(0);
});

test('against the user’s own configuration: files of this clone are a wish, too', async () => {
  const w = world();
  writeOwnConfig(w.home, { store: 'git' });
  configure(w, { store: 'file' });
  expect(unbroken((await type(w, ['trust'])).stdout)).toMatch(
    /wants to keep the records of your sessions in files of this clone/,
  );
});

test('where nothing can be kept: a sentence, and no consent', async () => {
  const w = sharing();
  const { code, stderr } = await type(w, ['trust', '--yes'], {
    env: { XDG_STATE_HOME: write(join(w.base, 'file'), '') },
  });
  expect(code).toBe(1);
  expect(stderr).toMatch(/^Your consent could not be kept: .*\.\n$/);
  write(join(w.home, '.local', 'state', 'flowloom', 'trust.key'), 'a'.repeat(64));
  chmodSync(join(w.home, '.local', 'state', 'flowloom', 'trust.key'), 0o644);
  expect((await type(w, ['trust', '--yes'])).stderr).toMatch(/trust\.key can be read by others: remove it/);
  expect((await type(w, ['trust'])).code).toBe(1);
});

const unknown = ['setpriv', '--reuid=54321', '--regid=54321', '--clear-groups'];
const canBeUnknown = process.getuid?.() === 0 && spawnSync('setpriv', ['--version']).status === 0;

describe('a user whom the system does not know, without a home', () => {
  if (!canBeUnknown) missing('root and setpriv, to be somebody else');
  test.runIf(canBeUnknown)(
    'is told that the file cannot be looked at, and has no configuration',
    async () => {
      const w = sharing();
      execFileSync('chown', ['-R', '54321:54321', w.base]);
      const options = { through: unknown, env: { HOME: undefined } };
      const { code, stdout, stderr } = await type(w, ['trust', '--yes'], options);
      expect([code, stdout]).toEqual([1, '']);
      expect(stderr).toMatch(/\.flowloomrc\.json: \(the whole file\) does not count/);
      expect((await type(w, ['status'], options)).stdout).toMatch(/^config .*\.flowloomrc\.json/m);
    },
  );
});

const hasScript = spawnSync('script', ['-qec', 'true', '/dev/null']).status === 0;

describe('on a terminal', () => {
  if (!hasScript) missing('script of util-linux, which makes a terminal');
  test.runIf(hasScript).each<[string, number, RegExp]>([
    ['y\n', 0, /Agreed, for this clone/],
    ['YES\n', 0, /Agreed, for this clone/],
    ['\n', 1, /Not agreed/],
    ['n\n', 1, /Not agreed/],
    ['yesterday\n', 1, /Not agreed/],
    ['\u0004', 1, /Not agreed/],
  ])('it asks, and %j is an answer', async (input, code, said) => {
    const w = sharing();
    const words = [process.execPath, commandPath, 'trust'].map((word) => `'${word}'`).join(' ');
    const ran = await runProcess(['script', '-qec', words, '/dev/null'], {
      cwd: w.root,
      env: cleanEnv(w, { TERM: 'dumb' }),
      input,
    });
    expect(ran.stdout).toMatch(/Do you trust this\? \[y\/N\]/);
    expect([ran.code, ran.stdout]).toEqual([code, expect.stringMatching(said)]);
    expect((await type(w, ['trust'])).code).toBe(code);
  });
});

test('another user’s consent is none', async () => {
  const w = sharing();
  const ada = await type(w, ['trust', '--yes']);
  expect(ada.code).toBe(0);
  const eve = join(w.base, 'eve');
  mkdirSync(eve);
  onTestFinished(() => expect(readFileSync(join(w.state, 'trust.json'), 'utf8')).toMatch(/agreed/));
  expect((await type(w, ['trust'], { env: { HOME: eve } })).code).toBe(1);
});
