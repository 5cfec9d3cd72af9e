/** The hooks as they ship: a copy of `dist/hooks`, as an installation is one, so that a build in the middle of a run does no harm. */
import { chmodSync, cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { settingsBlock, wiredHooks } from '../../src/claude/settings.ts';

const dist = join(import.meta.dirname, '..', '..', 'dist');

export const hookNames = [
  'session-start',
  'user-prompt-submit',
  'post-tool-batch',
  'post-compact',
  'stop',
  'session-end',
] as const;
export type HookName = (typeof hookNames)[number];

export interface BundleFacts {
  readonly bytes: number;
  readonly inputs: readonly string[];
  readonly imports: readonly string[];
}

const pause = (ms: number): unknown => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);

/** `dist/meta.json` is written last, so a build is complete when it is there before and after. */
function copied(): { hooks: string; meta: Record<string, BundleFacts> } {
  const home = mkdtempSync(join(tmpdir(), 'flowloom-built-'));
  // Some tests run hooks as another user.
  chmodSync(home, 0o755);
  afterAll(() => rmSync(home, { recursive: true, force: true }));
  const folder = join(home, 'flowloom', 'hooks');
  for (let attempt = 0; ; attempt++) {
    try {
      const before = readFileSync(join(dist, 'meta.json'), 'utf8');
      rmSync(folder, { recursive: true, force: true });
      cpSync(join(dist, 'hooks'), folder, { recursive: true });
      for (const name of hookNames) readFileSync(join(folder, `${name}.cjs`));
      if (readFileSync(join(dist, 'meta.json'), 'utf8') === before)
        return { hooks: folder, meta: JSON.parse(before) };
    } catch (cause) {
      if (attempt >= 100) throw new Error('dist/ is not built: run node scripts/build.mjs', { cause });
    }
    pause(100);
  }
}

const { hooks, meta } = copied();

/** A cache directory for the user whose hooks these are. */
export const sharedCache = join(hooks, '..', '..', 'cache');

export const hookPath = (name: HookName): string => join(hooks, `${name}.cjs`);
export const hooksFolder = hooks;
/** How settings call a hot hook through the gate, without the shell's own name. */
export const gateArguments = (name: HookName): string[] => {
  const { event } = wiredHooks.find(({ file }) => file === `${name}.cjs`)!;
  return settingsBlock(join(hooks, '..'), 'sh').hooks[event][0]!.hooks[0]!.args;
};
/** What went into each file of the build. */
export const bundles: Readonly<Record<string, BundleFacts>> = meta;
