/** Where compiled hooks are cached: the user's cache directory, by the XDG rule; null where there is none. */
export function cacheDirectory(env: NodeJS.ProcessEnv): string | null {
  const base = env.XDG_CACHE_HOME || (env.HOME && `${env.HOME}/.cache`);
  return base ? `${base}/flowloom` : null;
}
