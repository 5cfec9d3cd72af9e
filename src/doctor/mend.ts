/** Mends what can be mended without a question: nothing of the user's, no settings, no record that anybody may still need. */
import fs from 'node:fs';
import os from 'node:os';
import { dirname } from 'node:path';
import { applyInstall, prepareInstall } from '../../install/install.ts';
import { surroundings } from '../compose.ts';
import { configOf } from '../config/find.ts';
import { messageOf } from '../core/message-of.ts';
import { blankSight } from '../core/notebook.ts';
import { planPrune } from '../flows/prune.ts';
import { survey } from '../flows/survey.ts';
import { fileStore } from '../stores/file-store.ts';
import type { DoctorRequest } from './doctor.ts';
import type { Finding, FindingOf } from './finding.ts';
import { isExposed, isLeftover, observerHere, walk } from './store-facts.ts';

/** What was done about a finding, or why it could not be. */
export type Mend =
  | { readonly code: 'permissions-tightened'; readonly args: { path: string; entries: number } }
  | { readonly code: 'members-pruned'; readonly args: { path: string; members: number } }
  | { readonly code: 'leftovers-swept'; readonly args: { path: string; files: number } }
  | {
      readonly code: 'scripts-copied';
      /** `kept`: what had been edited, and where it is now. */
      readonly args: {
        directory: string;
        files: number;
        kept?: { files: readonly string[]; directory: string };
      };
    }
  | { readonly code: 'mend-failed'; readonly args: { of: string; path: string; reason: string } };

type ScriptFinding =
  | FindingOf<'scripts-missing'>
  | FindingOf<'scripts-edited'>
  | FindingOf<'scripts-outdated'>;

const isScriptFinding = (finding: Finding): finding is ScriptFinding =>
  ['scripts-missing', 'scripts-edited', 'scripts-outdated'].includes(finding.code);

/** Whether `mend` has something to do for this finding. */
export function isMendable(finding: Finding): boolean {
  const { code, args } = finding;
  if (code === 'store-ghosts') return args.prunable > 0;
  if (code === 'scripts-edited') return args.replaceable;
  if (code === 'scripts-missing' || code === 'scripts-outdated') return args.scope !== 'managed';
  return code === 'store-not-private' || code === 'store-leftovers';
}

/** Each finding on its own: one that cannot be mended does not stop the next. Looks again before it acts. Never throws. */
export async function mend(findings: readonly Finding[], request: DoctorRequest): Promise<Mend[]> {
  const mends: Mend[] = [];
  for (const one of findings.filter(isMendable)) {
    const path = 'path' in one.args ? one.args.path : 'directory' in one.args ? one.args.directory : '';
    try {
      const done = await mendOne(one, request);
      if (done) mends.push(done);
    } catch (cause) {
      mends.push({ code: 'mend-failed', args: { of: one.code, path, reason: messageOf(cause) } });
    }
  }
  return mends;
}

async function mendOne(finding: Finding, request: DoctorRequest): Promise<Mend | null> {
  if (isScriptFinding(finding)) return copyScripts(finding, request);
  if (!('path' in finding.args)) return null;
  const { path } = finding.args;
  const { scope, places } = surroundings(request.directory, request.env);
  if (!places.some((place) => place.path === path)) return null;
  if (finding.code === 'store-not-private') return tighten(path);
  if (finding.code === 'store-ghosts')
    return prune(path, (await configOf(scope, request.env)).config.leaseHours);
  return sweep(path);
}

function tighten(path: string): Mend {
  const ours = walk(path).filter((entry) => isExposed(entry) && !entry.foreign);
  const { O_RDONLY, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = fs.constants;
  for (const entry of ours) {
    // By descriptor, so that nothing else can be put in its place in between.
    const fd = fs.openSync(entry.path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    try {
      fs.fchmodSync(fd, entry.mode & 0o700);
    } finally {
      fs.closeSync(fd);
    }
  }
  return { code: 'permissions-tightened', args: { path, entries: ours.length } };
}

function sweep(path: string): Mend {
  const left = walk(path).filter((entry) => isLeftover(entry, Date.now()));
  for (const entry of left) fs.rmSync(entry.path, { force: true });
  return { code: 'leftovers-swept', args: { path, files: left.length } };
}

/** Forgets members that are over; every handoff stays. */
async function prune(path: string, leaseHours: number): Promise<Mend> {
  const store = fileStore(path);
  const observer = observerHere(leaseHours);
  const { roster, gone } = await survey(store, observer, blankSight);
  const { seqs, members } = await planPrune(store, {
    gone,
    live: roster.members,
    now: observer.now,
    keep: Number.POSITIVE_INFINITY,
  });
  await store.forget({ seqs, members });
  return { code: 'members-pruned', args: { path, members: members.length } };
}

/** Only scripts: the settings name them already. Keeps what somebody edited, and leaves alone folders that install would not choose. */
function copyScripts({ args }: ScriptFinding, request: DoctorRequest): Mend | null {
  const { env, hooksSource, version } = request;
  const { scope } = args;
  if (scope !== 'user' && scope !== 'project' && scope !== 'local') return null;
  const home = env.HOME || env.USERPROFILE || os.homedir();
  const directory = scope === 'user' ? request.directory : dirname(dirname(args.settings));
  const prepared = prepareInstall({ directory, scope, env, home, hooksSource, version });
  const { target, settings, scripts } = prepared;
  const failed = (reason: string): Mend => ({
    code: 'mend-failed',
    args: { of: 'scripts', path: args.directory, reason },
  });
  if (target.scriptsDir !== args.directory) return failed(`install would put them into ${target.scriptsDir}`);
  const notes = applyInstall({ ...prepared, settings: { ...settings, changed: false } });
  if (!notes) return null;
  const kept = notes.find((note) => note.code === 'set-aside');
  return {
    code: 'scripts-copied',
    args: { directory: target.scriptsDir, files: scripts.writes.length, ...(kept && { kept }) },
  };
}
