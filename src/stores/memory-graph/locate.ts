/**
 * Finds the memory server's file: where our configuration names it, else where the client's MCP configuration does.
 *
 * Without MEMORY_FILE_PATH the server keeps its file inside its own package, in a cache that `npx` may replace: nothing to build
 * on, so that path is not guessed.
 */
import { isAbsolute, join } from 'node:path';
import { isRecord } from '../../core/shape.ts';
import { namedPath } from '../../io/named-path.ts';
import { readJsonObject } from '../../io/read-capped.ts';
import type { Site } from '../open.ts';

const mostBytes = 32 << 20;
const remedy =
  'Set memoryGraph.file, or MEMORY_FILE_PATH in the env of the memory server, to an absolute path.';

const home = (env: NodeJS.ProcessEnv): string => env.HOME || env.USERPROFILE || '';

/** A file as our configuration names it. What is relative is so to the main work tree, so that all work trees share one. */
export function configuredFile({ config, scope, env }: Site): string | null {
  const { file } = config.memoryGraph;
  return file ? namedPath(scope.root, file, env) : null;
}

/** A server of the client's, and where it is configured. */
interface Server {
  readonly name: string;
  readonly file: string;
  readonly entry: Record<string, unknown>;
}

function serversIn(holder: unknown, file: string): Server[] {
  const servers = isRecord(holder) && isRecord(holder.mcpServers) ? holder.mcpServers : {};
  return Object.entries(servers).flatMap(([name, entry]) => (isRecord(entry) ? [{ name, file, entry }] : []));
}

/** Every server in the order in which the client prefers them: of this project and user, of the project, of the user. */
function* servers({ scope, env }: Site): Generator<Server> {
  const directories = [...new Set([env.CLAUDE_PROJECT_DIR || scope.worktree, scope.worktree, scope.root])];
  const own = join(env.CLAUDE_CONFIG_DIR || home(env), '.claude.json');
  const user = isAbsolute(own) ? readJsonObject(own, mostBytes) : null;
  const projects = user && isRecord(user.projects) ? user.projects : {};
  for (const directory of directories) yield* serversIn(projects[directory], own);
  for (const directory of directories) {
    const file = join(directory, '.mcp.json');
    yield* serversIn(readJsonObject(file, mostBytes), file);
  }
  yield* serversIn(user, own);
}

const isMemoryServer = ({ entry }: Server): boolean =>
  (isRecord(entry.env) && 'MEMORY_FILE_PATH' in entry.env) ||
  [entry.command, ...(Array.isArray(entry.args) ? entry.args : [])].some(
    (word) => typeof word === 'string' && /\bserver-memory\b|\bmcp\/memory\b/.test(word),
  );

const inContainer = ({ entry }: Server): boolean =>
  /(?:^|[\\/])(?:docker|podman)(?:\.exe)?$/.test(String(entry.command));

/** Variables as the client replaces them; null when one is not set and has no default. */
function expand(text: string, env: NodeJS.ProcessEnv): string | null {
  let known = true;
  const expanded = text.replace(/\$\{(\w+)(?::-([^}]*))?\}/g, (_, name: string, otherwise?: string) => {
    const value = env[name] ?? otherwise;
    known &&= value !== undefined;
    return value ?? '';
  });
  return known ? expanded : null;
}

/** The path that a server is told, or what is wrong with it. */
function pathOf(server: Server, env: NodeJS.ProcessEnv): { path: string } | { problem: string } {
  const told = isRecord(server.entry.env) ? server.entry.env.MEMORY_FILE_PATH : undefined;
  const named = `the memory server "${server.name}" in ${server.file}`;
  if (inContainer(server))
    return { problem: `${named} runs in a container, so its file has another path here` };
  if (typeof told !== 'string' || told === '')
    return { problem: `${named} has no MEMORY_FILE_PATH, so its file lies inside its package` };
  const path = expand(told, env);
  if (path === null)
    return { problem: `${named} has the MEMORY_FILE_PATH ${told}, of which a variable is not set` };
  if (!isAbsolute(path))
    return {
      problem: `${named} has the relative MEMORY_FILE_PATH ${told}, which it looks for inside its package`,
    };
  return { path };
}

/** The file of the first memory server that the client is told of. Throws a sentence with what is missing. */
export function fileOfClient(site: Site): string {
  let problem = 'the client is told of no memory server here';
  let met = false;
  for (const server of servers(site)) {
    if (!isMemoryServer(server)) continue;
    const found = pathOf(server, site.env);
    if ('path' in found) return found.path;
    if (!met) problem = found.problem;
    met = true;
  }
  throw new Error(`There is no file for the memory graph: ${problem}. ${remedy}`);
}
