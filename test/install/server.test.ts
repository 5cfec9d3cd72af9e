/** `install --mcp` on disk: what is written, what is restored, what is left alone. */
import { chmodSync, lstatSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { InstallError } from '../../install/error.ts';
import { applyInstall, install, prepareInstall } from '../../install/install.ts';
import { applyRemoval, prepareRemoval, uninstall } from '../../install/uninstall.ts';
import { serverEntry } from '../../src/claude/servers.ts';
import { type Scratch, scratch, snapshot } from './scratch.ts';

const withServer = (place: Scratch, more = {}) => place.request('project', { mcp: true, ...more });

/** Writes all of it, and runs nothing. */
function installFiles(place: Scratch, more = {}): void {
  expect(applyInstall(prepareInstall(withServer(place, more)))).not.toBeNull();
}

async function refusal(action: () => unknown): Promise<InstallError> {
  const error = await Promise.resolve()
    .then(action)
    .then(
      () => undefined,
      (reason: unknown) => reason,
    );
  expect(error).toBeInstanceOf(InstallError);
  return error as InstallError;
}

const servers = (place: Scratch) => JSON.parse(place.read('.mcp.json') ?? '{}').mcpServers;

describe('install --mcp', () => {
  it.each([
    ['no file', null],
    ['servers of others', '{\n    "mcpServers": {\n        "db": { "command": "db" }\n    }\n}\n'],
    ['an empty file', ''],
    ['no servers', '{"mcpServers":{ }}'],
  ])('%s: uninstall restores it and everything around it', (_, text) => {
    const place = scratch();
    if (text !== null) place.write('.mcp.json', text);
    const before = snapshot(place.base);
    installFiles(place);
    expect(servers(place)).toMatchObject({ flowloom: serverEntry });
    expect(readFileSync(join(place.project, serverEntry.args[0]!))).toEqual(
      readFileSync(join(place.base, 'mcp.mjs')),
    );
    // Once more, as an update does; and once without asking for the server.
    installFiles(place);
    installFiles(place, { mcp: false, version: '1.0.1' });
    expect(servers(place)).toMatchObject({ flowloom: serverEntry });
    const report = uninstall(place.request('project'));
    expect(report).toMatchObject({
      installed: true,
      kept: [],
      server: { file: join(place.project, '.mcp.json') },
    });
    expect(snapshot(place.base)).toEqual(before);
  });

  it('tells what it did, and tries the server', async () => {
    const place = scratch();
    const report = await install(withServer(place));
    expect(report.server).toMatchObject({
      file: join(place.project, '.mcp.json'),
      changed: true,
      test: { ok: true },
    });
    expect(report.files).toContain('mcp.mjs');
    expect(report.notes.map(({ code }) => code)).toContain('server-approval');
    const again = await install(withServer(place));
    expect(again).toMatchObject({ changed: false, server: { changed: false, diff: [], test: { ok: true } } });
  });

  it('says so when the server does not work', async () => {
    const place = scratch();
    writeFileSync(join(place.base, 'mcp.mjs'), 'throw new TypeError("no loom");\n');
    const report = await install(withServer(place));
    expect(report.server?.test).toMatchObject({ ok: false, detail: 'TypeError: no loom' });
  });

  it('says so when there is no node', async () => {
    const place = scratch();
    const report = await install(withServer(place, { env: { PATH: join(place.base, 'nowhere') } }));
    expect(report.server?.test).toMatchObject({ ok: false, detail: 'ENOENT' });
  });

  it('writes nothing in a dry run', async () => {
    const place = scratch();
    place.write('.mcp.json', '{}\n');
    const before = snapshot(place.base);
    const report = await install(withServer(place, { dryRun: true }));
    expect(report.server).toMatchObject({ changed: true, test: null });
    expect(report.server!.diff.join('\n')).toContain('+   "mcpServers"');
    expect(snapshot(place.base)).toEqual(before);
  });

  it('without --mcp there is no server, and no file is looked at', () => {
    const place = scratch();
    place.write('.mcp.json', 'no json');
    installFiles(place, { mcp: false });
    expect(place.read('.claude/flowloom/mcp.mjs')).toBeNull();
    expect(uninstall(place.request('project'))).toMatchObject({ installed: true, server: null });
    expect(place.read('.mcp.json')).toBe('no json');
  });

  it('an entry that was taken out by hand does not come back by itself', () => {
    const place = scratch();
    installFiles(place);
    place.write('.mcp.json', '{}\n');
    installFiles(place, { mcp: false });
    expect(place.read('.mcp.json')).toBe('{}\n');
    expect(place.read('.claude/flowloom/mcp.mjs')).toBeNull();
  });

  it('a file that does not parse for a while keeps its server', async () => {
    const place = scratch();
    installFiles(place);
    place.write('.mcp.json', '{ "mcpServers": ');
    installFiles(place, { mcp: false, version: '1.0.1' });
    expect(place.read('.claude/flowloom/mcp.mjs')).not.toBeNull();
    expect(place.read('.mcp.json')).toBe('{ "mcpServers": ');
    expect(await refusal(() => uninstall(place.request('project')))).toMatchObject({ code: 'not-json' });
    expect(place.read('.claude/settings.json')).not.toBeNull();
  });

  it.each([
    ['not-json', '{'],
    ['servers-not-object', '{"mcpServers":[]}'],
    ['foreign-server', '{"mcpServers":{"flowloom":{"command":"loom"}}}'],
    ['not-utf8', Buffer.from([0x7b, 0xff, 0x7d])],
  ])('%s: nothing at all is written', async (code, content) => {
    const place = scratch();
    place.write('.mcp.json', content);
    const before = snapshot(place.base);
    const error = await refusal(() => install(withServer(place)));
    expect(error).toMatchObject({ code, file: join(place.project, '.mcp.json') });
    expect(snapshot(place.base)).toEqual(before);
  });

  it.each(['local', 'user'] as const)(
    'scope %s: the client owns that file, and the message says how',
    async (scope) => {
      const place = scratch();
      const before = snapshot(place.base);
      const error = await refusal(() => install(place.request(scope, { mcp: true })));
      expect(error.code).toBe('server-scope');
      expect(error.message).toContain(`claude mcp add --scope ${scope} flowloom -- node`);
      expect(snapshot(place.base)).toEqual(before);
    },
  );

  it('writes through a link, and leaves the link', () => {
    const place = scratch();
    const real = place.write('conf/servers.json', '{}\n');
    symlinkSync(real, join(place.project, '.mcp.json'));
    installFiles(place);
    expect(JSON.parse(readFileSync(real, 'utf8')).mcpServers).toHaveProperty('flowloom');
    uninstall(place.request('project'));
    expect(lstatSync(join(place.project, '.mcp.json')).isSymbolicLink()).toBe(true);
    expect(readFileSync(real, 'utf8')).toBe('{}\n');
  });

  it('refuses a link to nowhere and a file that is read-only', async () => {
    const place = scratch();
    const file = join(place.project, '.mcp.json');
    symlinkSync(join(place.project, 'nowhere'), file);
    expect(await refusal(() => install(withServer(place)))).toMatchObject({ code: 'dangling-link', file });
    rmSync(file);
    place.write('.mcp.json', '{}');
    chmodSync(file, 0o444);
    expect(await refusal(() => install(withServer(place)))).toMatchObject({ code: 'read-only', file });
    expect(place.read('.claude/settings.json')).toBeNull();
  });

  it('gives up what somebody else writes at the same time', () => {
    const place = scratch();
    const prepared = prepareInstall(withServer(place));
    place.write('.mcp.json', '{"mine": 1}');
    expect(applyInstall(prepared)).toBeNull();
    expect(place.read('.mcp.json')).toBe('{"mine": 1}');
    installFiles(place);
    const removal = prepareRemoval(place.request('project'));
    const text = place.read('.mcp.json')!.replace('1', '2');
    place.write('.mcp.json', text);
    expect(applyRemoval(removal)).toBe(false);
    expect(place.read('.mcp.json')).toBe(text);
    uninstall(place.request('project'));
    expect(place.read('.mcp.json')).toBe('{"mine": 2}');
  });

  it('needs a package that is complete', async () => {
    const place = scratch();
    rmSync(join(place.base, 'mcp.mjs'));
    expect(await refusal(() => install(withServer(place)))).toMatchObject({ code: 'no-server' });
  });
});
