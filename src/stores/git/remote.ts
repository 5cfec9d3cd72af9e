/**
 * The remote as the user's repository knows it, reached from the private one: remotes, credentials and proxies of the user's
 * configuration are lent for the call, so the user's repository itself is neither entered nor written to.
 */
import { join } from 'node:path';
import { type Limits, runLimited } from '../../io/run-limited.ts';
import type { RemoteChange } from './merge.ts';

/** How a call ended. `slow` and `failed` carry what git said. */
export type RemoteAnswer =
  | { readonly ok: true; readonly output: string }
  | { readonly ok: false; readonly why: 'missing' | 'slow' | 'failed'; readonly message: string };

/** What was sent, ref by ref: null when it was taken, else why it was not. */
export type PushAnswer =
  | { readonly ok: true; readonly results: ReadonlyMap<string, string | null> }
  | { readonly ok: false; readonly why: 'missing' | 'slow' | 'failed'; readonly message: string };

/** A remote of the user's repository. */
export interface Remote {
  /** The names of the remote's records, and of the objects that they name. */
  list(): Promise<RemoteAnswer & { readonly refs?: ReadonlyMap<string, string> }>;
  /** Brings the objects that these refs name into a directory of objects beside the private repository. No ref is changed. */
  fetch(refs: readonly string[], into: Quarantine): Promise<RemoteAnswer>;
  /** Changes refs of the remote, each only if it still is what was expected; `together`: all or none, where the remote knows how. */
  push(changes: readonly RemoteChange[], how?: 'together'): Promise<PushAnswer>;
}

/** Where what a remote sends lies until it was looked at. */
export interface Quarantine {
  /** A directory of git objects. */
  readonly objects: string;
  /** More lies there than is taken. */
  readonly isFull: () => boolean;
}

/** How many refs one push names: a command line has a limit. */
const batch = 200;

/** What of the user's configuration says how to reach a remote; not what to fetch from it. */
const lent =
  /^(?:credential|http|https|url|ssh|protocol)\.|^core\.(?:sshcommand|gitproxy|askpass)$|^remote\..*\.(?:url|pushurl|proxy|proxyauthmethod|receivepack|uploadpack|vcs)$/i;

/** Variables of git that say how to reach a remote; every other one may name another repository, or another way to work. */
const kept =
  /^GIT_(?:SSH(?:_COMMAND|_VARIANT)?|SSL_\w+|PROXY_\w+|HTTP_\w+|ALLOW_PROTOCOL|CONFIG_(?:GLOBAL|SYSTEM|NOSYSTEM|PARAMETERS|COUNT|KEY_\d+|VALUE_\d+)|EXEC_PATH)$/;

const impatient = '-o BatchMode=yes -o ConnectTimeout=5 -o ServerAliveInterval=5 -o ServerAliveCountMax=2';

/**
 * An environment in which git never asks and gives up early. `sshCommand` is the user's own, wherever git found it; undefined: none.
 */
function quietEnvironment(
  env: NodeJS.ProcessEnv,
  config: readonly (readonly [string, string])[],
  sshCommand?: string,
): NodeJS.ProcessEnv {
  const quiet: NodeJS.ProcessEnv = {};
  for (const [name, value] of Object.entries(env))
    if (!name.startsWith('GIT_') || kept.test(name)) quiet[name] = value;
  const settings = [
    ...config,
    ['core.hooksPath', '/dev/null'],
    ['http.lowSpeedLimit', '1000'],
    ['http.lowSpeedTime', '10'],
    ['credential.interactive', 'false'],
    ['push.gpgSign', 'false'],
    ['push.followTags', 'false'],
    ['push.recurseSubmodules', 'no'],
    ['maintenance.auto', 'false'],
  ] as const;
  let count = Number(quiet.GIT_CONFIG_COUNT) || 0;
  for (const [key, value] of settings) {
    quiet[`GIT_CONFIG_KEY_${count}`] = key;
    quiet[`GIT_CONFIG_VALUE_${count}`] = value;
    count++;
  }
  quiet.GIT_CONFIG_COUNT = String(count);
  // Ssh asks a terminal when it can. A command of the user's own is changed only where it is surely ssh.
  const own = quiet.GIT_SSH_COMMAND ?? sshCommand;
  if (own === undefined && quiet.GIT_SSH === undefined) quiet.GIT_SSH_COMMAND = `ssh ${impatient}`;
  else if (own !== undefined && /^(?:\S*\/)?ssh(?:\s|$)/.test(own))
    quiet.GIT_SSH_COMMAND = `${own} ${impatient}`;
  return {
    ...quiet,
    GIT_TERMINAL_PROMPT: '0',
    GIT_ASKPASS: 'true',
    SSH_ASKPASS: 'true',
    SSH_ASKPASS_REQUIRE: 'never',
    GCM_INTERACTIVE: 'never',
    GIT_OPTIONAL_LOCKS: '0',
    LC_ALL: 'C',
  };
}

/** Where the calls are made from, and how long each may take. */
export interface RemoteSite {
  readonly repository: string;
  /** Git's directory of the user's repository: what its configuration says of remotes. */
  readonly commonDir: string;
  /** Paths of remotes are relative to it. */
  readonly worktree: string;
  readonly name: string;
  readonly env: NodeJS.ProcessEnv;
  /** What is left of the time. */
  readonly leftMs: () => number;
}

/** Opens the remote; null when the user's repository has none of that name. */
export async function openRemote(site: RemoteSite): Promise<Remote | RemoteAnswer | null> {
  const { repository, worktree, name, leftMs } = site;
  const call = async (
    args: readonly string[],
    env: NodeJS.ProcessEnv,
    { gitDir = repository, ...more }: Pick<Limits, 'input' | 'isTooMuch'> & { gitDir?: string } = {},
  ): Promise<RemoteAnswer & { output?: string }> => {
    const limitMs = Math.max(1, leftMs());
    const ended = await runLimited('git', args, {
      directory: worktree,
      env: { ...env, GIT_DIR: gitDir },
      limitMs,
      ...more,
    });
    if (ended.kind === 'missing') return { ok: false, why: 'missing', message: 'git is not on the PATH' };
    if (ended.kind === 'late')
      return { ok: false, why: 'slow', message: `no answer within ${Math.round(limitMs / 1000)} s` };
    if (ended.exitCode === 0) return { ok: true, output: ended.stdout };
    const message = (ended.stderr || `git ended with ${ended.exitCode}`).trim();
    return { ok: false, why: 'failed', message, output: ended.stdout };
  };

  const plain = quietEnvironment(site.env, []);
  const written = await call(
    ['config', '--file', join(site.commonDir, 'config'), '--includes', '-z', '--list'],
    plain,
  );
  if (!written.ok) return written;
  const config = written.output
    .split('\0')
    .map((entry): [string, string] => {
      const end = entry.indexOf('\n');
      return end < 0 ? [entry, 'true'] : [entry.slice(0, end), entry.slice(end + 1)];
    })
    .filter(([key]) => lent.test(key));
  // Asked as of the user's repository: it may be configured for all of them, or only for those in some directory.
  const ssh = await call(['config', '--get', 'core.sshCommand'], plain, { gitDir: site.commonDir });
  if (!ssh.ok && ssh.why !== 'failed') return ssh;
  const sshCommand = ssh.ok ? ssh.output.replace(/\n$/, '') : undefined;
  const env = quietEnvironment(site.env, config, sshCommand);
  const url = await call(['config', '--get-all', `remote.${name}.url`], env);
  if (!url.ok) return url.why === 'failed' ? null : url;

  return {
    async list() {
      const answer = await call(['ls-remote', '--refs', '--', name, 'refs/flowloom/*'], env);
      if (!answer.ok) return answer;
      const lines = answer.output.matchAll(/^([0-9a-f]{40}|[0-9a-f]{64})\t(refs\/flowloom\/\S+)$/gm);
      return { ...answer, refs: new Map([...lines].map(([, oid, ref]) => [ref!, oid!])) };
    },

    fetch: (refs, { objects, isFull }) =>
      call(
        [
          // One file for each object, so that each can be looked at by itself.
          ...['-c', 'fetch.unpackLimit=1000000', '-c', 'transfer.unpackLimit=1000000'],
          ...['fetch', '--quiet', '--no-tags', '--no-auto-gc', '--no-write-fetch-head'],
          ...['--no-recurse-submodules', '--stdin', '--', name],
        ],
        {
          ...env,
          GIT_OBJECT_DIRECTORY: objects,
          GIT_ALTERNATE_OBJECT_DIRECTORIES: join(repository, 'objects'),
        },
        { input: refs.map((ref) => `${ref}\n`).join(''), isTooMuch: isFull },
      ),

    async push(changes, how) {
      const send = (some: readonly RemoteChange[], ...options: readonly string[]) =>
        call(
          [
            ...['push', '--porcelain', '--no-verify', '--no-signed', ...options],
            ...some.map(({ ref, expected }) => `--force-with-lease=${ref}:${expected ?? ''}`),
            ...['--', name, ...some.map(({ ref, oid }) => `${oid ?? ''}:${ref}`)],
          ],
          env,
        );
      const results = new Map<string, string | null>();
      for (let at = 0; at < changes.length; at += batch) {
        const some = changes.slice(at, at + batch);
        let answer = await send(some, ...(how ? ['--atomic'] : []));
        if (!answer.ok && /does not support --atomic/.test(answer.message)) answer = await send(some);
        const seen = [...(answer.output ?? '').matchAll(/^([ +\-*!=])\t[^\t]*:(\S+)\t(.*)$/gm)];
        // Without a word on any ref the remote was not reached.
        if (!answer.ok && (answer.why !== 'failed' || seen.length === 0)) return answer;
        for (const [, flag, ref, summary] of seen) results.set(ref!, flag === '!' ? summary! : null);
        if (how && !answer.ok) break;
      }
      return { ok: true, results };
    },
  };
}
