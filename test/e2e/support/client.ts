import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The one version of the client that the scenarios are held against. CI installs the version that this file names. */
const clientVersion = readFileSync(join(import.meta.dirname, '..', 'client-version'), 'utf8').trim();

/** For trying a newer or an older client: then any version will do. */
const anyVersion = process.env.FLOWLOOM_E2E_ANY_VERSION === '1';

const projectRoot = join(import.meta.dirname, '..', '..', '..');

/** The command line under test: what the build made, unless `FLOWLOOM_E2E_CLI` names another copy (an unpacked tarball). */
export const cliPath = process.env.FLOWLOOM_E2E_CLI || join(projectRoot, 'dist', 'cli.mjs');

type ClientSearch =
  /** `path` runs Claude Code of exactly `clientVersion` (or of any version, where that was asked for), and tmux is there. */
  | { readonly found: true; readonly path: string }
  /** `howTo` tells a person what is missing and how to get it. */
  | { readonly found: false; readonly howTo: string };

/**
 * Looks for the client at `FLOWLOOM_E2E_CLAUDE`, then in this project's node_modules, and never on PATH: a person's own
 * client is only used when it is named. Throws when the named one does not run, or has another version and
 * `FLOWLOOM_E2E_ANY_VERSION` is not 1.
 */
export function findClient(): ClientSearch {
  const named = process.env.FLOWLOOM_E2E_CLAUDE;
  if (named) {
    const version = versionOf(named);
    if (!fits(version)) {
      throw new Error(
        `FLOWLOOM_E2E_CLAUDE names ${named}, which ${version ? `is version ${version}` : 'does not run'}. ` +
          `The scenarios need version ${clientVersion}; FLOWLOOM_E2E_ANY_VERSION=1 tries them with any other.`,
      );
    }
  }
  const path = named || join(projectRoot, 'node_modules', '.bin', 'claude');
  const missing: string[] = [];
  if (!named && (!existsSync(path) || !fits(versionOf(path)))) {
    missing.push(
      `Claude Code ${clientVersion}: npm install --no-save @anthropic-ai/claude-code@${clientVersion}` +
        ' (or set FLOWLOOM_E2E_CLAUDE to such a client)',
    );
  }
  if (!runs('tmux', ['-V'])) missing.push('tmux, from the package manager of the system');
  if (missing.length === 0) return { found: true, path };
  const howTo = [
    'The scenarios with the real client are skipped. They need:',
    ...missing.map((m) => `  - ${m}`),
  ];
  return { found: false, howTo: howTo.join('\n') };
}

const fits = (version: string | null): boolean =>
  version !== null && (anyVersion || version === clientVersion);

function versionOf(path: string): string | null {
  try {
    const output = execFileSync(path, ['--version'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      // Nothing of the person who runs the tests: no keys, no HOME.
      env: { PATH: process.env.PATH, HOME: join(tmpdir(), 'flowloom-e2e-no-home') },
    });
    return /\d+\.\d+\.\d+/.exec(output)?.[0] ?? null;
  } catch {
    return null;
  }
}

function runs(command: string, args: string[]): boolean {
  try {
    execFileSync(command, args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
