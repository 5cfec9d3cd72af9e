/** A repository of a stranger: what doctor believes of it, and what of it is run. */
import fs from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { sha256 } from '../../install/manifest.ts';
import { renderFindings } from '../../src/doctor/doctor.ts';
import { createWorld, hooksSource, version, type World } from './world.ts';

const folder = 'project/.claude/flowloom';

/** Puts a server of the stranger's into the repository that leaves a trace when it is run. */
function hostileServer(world: World): { ran(): boolean } {
  const trace = join(world.base, 'trace');
  world.write('project/.mcp.json', {
    mcpServers: { flowloom: { command: 'node', args: ['.claude/flowloom/mcp.mjs'] } },
  });
  world.write(
    `${folder}/mcp.mjs`,
    `import fs from 'node:fs'; fs.writeFileSync(${JSON.stringify(trace)}, '');\n`,
  );
  return { ran: () => fs.existsSync(trace) };
}

describe('the server of the repository', () => {
  it('is not run when it is not the file of this version, whatever its manifest says', async () => {
    const world = createWorld();
    const { ran } = hostileServer(world);
    const text = fs.readFileSync(join(world.base, folder, 'mcp.mjs'));
    world.write(`${folder}/manifest.json`, {
      name: 'flowloom-hooks',
      version,
      scope: 'project',
      files: { 'mcp.mjs': sha256(text) },
    });
    const findings = await world.diagnose();
    expect(ran()).toBe(false);
    expect(findings).toContainEqual(expect.objectContaining({ code: 'mcp-not-run' }));
    expect(renderFindings(findings, { color: false, columns: 10_000 })).toContain(
      'not the file of this version',
    );
  });

  it('is not run through a link that leaves the project', async () => {
    const world = createWorld();
    hostileServer(world);
    const elsewhere = join(world.base, 'elsewhere.mjs');
    fs.copyFileSync(join(dirname(hooksSource), 'mcp.mjs'), elsewhere);
    fs.rmSync(join(world.base, folder, 'mcp.mjs'));
    fs.symlinkSync(elsewhere, join(world.base, folder, 'mcp.mjs'));
    const findings = await world.diagnose();
    expect(findings).toContainEqual(expect.objectContaining({ code: 'mcp-not-run' }));
  });

  it('is run when it is the one that this version brings', async () => {
    const world = createWorld();
    const { ran } = hostileServer(world);
    fs.copyFileSync(join(dirname(hooksSource), 'mcp.mjs'), join(world.base, folder, 'mcp.mjs'));
    expect(await world.diagnose()).toContainEqual(expect.objectContaining({ code: 'mcp-ok' }));
    expect(ran()).toBe(false);
  });
});

describe('scripts of the repository', () => {
  const forge = (
    world: World,
    change: (manifest: { version: string; files: Record<string, string> }) => void,
  ) => {
    const file = join(world.base, folder, 'manifest.json');
    const manifest = JSON.parse(fs.readFileSync(file, 'utf8'));
    change(manifest);
    fs.writeFileSync(file, JSON.stringify(manifest));
  };
  const edit = (world: World, path: string): string => {
    const file = join(world.base, folder, path);
    fs.appendFileSync(file, '\n// theirs\n');
    return sha256(fs.readFileSync(file));
  };

  it.each(['hooks/stop.cjs', 'hooks/body/stop.cjs', 'hooks/lazy/settle.cjs', '.gitattributes'])(
    'an edited %s is found though the manifest has its hash',
    async (path) => {
      const world = createWorld();
      await world.install('project');
      const hash = edit(world, path);
      forge(world, ({ files }) => {
        files[path] = hash;
      });
      expect(await world.diagnose()).toContainEqual(
        expect.objectContaining({ code: 'scripts-edited', args: expect.objectContaining({ files: [path] }) }),
      );
    },
  );

  it('an edited script is found though the manifest does not name it', async () => {
    const world = createWorld();
    await world.install('project');
    edit(world, 'hooks/lazy/settle.cjs');
    forge(world, ({ files }) => {
      delete files['hooks/lazy/settle.cjs'];
    });
    expect(await world.diagnose()).toContainEqual(expect.objectContaining({ code: 'scripts-edited' }));
  });

  it('an edited script of another version is not called unmodified', async () => {
    const world = createWorld();
    await world.install('project');
    const hash = edit(world, 'hooks/stop.cjs');
    for (const other of ['9.9.8', '99.0.0']) {
      forge(world, (manifest) => {
        manifest.version = other;
        manifest.files['hooks/stop.cjs'] = hash;
      });
      const findings = await world.diagnose();
      expect(findings.map(({ code }) => code)).not.toContain('scripts-ok');
      const text = renderFindings(findings, { color: false, columns: 10_000 });
      expect(text).toMatch(/cannot (?:be compared|compare)/);
      expect(text).not.toContain('unmodified');
    }
  });

  it('a link to the right file outside of the project is not the file', async () => {
    const world = createWorld();
    await world.install('project');
    const script = join(world.base, folder, 'hooks/stop.cjs');
    fs.rmSync(script);
    fs.symlinkSync(join(hooksSource, 'stop.cjs'), script);
    expect(await world.diagnose()).toContainEqual(
      expect.objectContaining({
        code: 'scripts-edited',
        args: expect.objectContaining({ files: ['hooks/stop.cjs'] }),
      }),
    );
  });

  it('nothing in the folder hides it from reviews, and an older installation is renewed', async () => {
    const world = createWorld();
    await world.install('project');
    const file = join(world.base, folder, '.gitattributes');
    const old = '* -text linguist-generated\n';
    fs.writeFileSync(file, old);
    forge(world, ({ files }) => {
      files['.gitattributes'] = sha256(old);
    });
    await world.install('project');
    expect(fs.readFileSync(file, 'utf8')).toBe('* -text\n');
    world.git('add', '--all');
    const attributes = world.git('check-attr', '-a', '--', '.claude/flowloom/hooks/stop.cjs');
    expect(attributes).not.toMatch(/linguist|generated|diff/);
  });
});
