/**
 * `npm run compare`: the numbers in docs/hooks-or-mcp.md, measured here and written there.
 *
 * What can be counted from the build alone is counted always. Start-up is timed as whole processes next to a bare Node start, in
 * turn. What the model is sent is counted in the requests of the real client to a stub of its API, so it needs
 * FLOWLOOM_E2E_CLAUDE; without it those rows stay as they are. `--fixed` prints, as JSON, what does not depend on the machine.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const dist = join(root, 'dist');
const document = join(root, 'docs', 'hooks-or-mcp.md');
const rounds = 25;
const scratch = mkdtempSync(join(tmpdir(), 'flowloom-compare-'));
const home = join(scratch, 'home');
mkdirSync(home);
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));

/** One token is counted as four characters. */
const tokens = (chars) => Math.round(chars / 4);
const median = (numbers) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];

const meta = JSON.parse(readFileSync(join(dist, 'meta.json'), 'utf8'));
const inputsOf = (wanted) =>
  new Set(Object.entries(meta).flatMap(([file, { inputs }]) => (wanted.test(file) ? inputs : [])));
const inHooks = inputsOf(/^dist\/hooks\//);
const inServer = inputsOf(/^dist\/mcp\.mjs$/);

/** Lines that are neither blank nor comment. */
const linesIn = (file) =>
  readFileSync(join(root, file), 'utf8')
    .split('\n')
    .filter((line) => !/^\s*(?:\/\/|\/?\*|$)/.test(line)).length;
const ours = (files) => [...files].filter((file) => !file.includes('node_modules') && !file.startsWith('<'));
const linesOf = (files) => ours(files).reduce((sum, file) => sum + linesIn(file), 0);
const packagesIn = (files) =>
  new Set([...files].flatMap((file) => file.match(/.*node_modules\/((?:@[^/]+\/)?[^/]+)\//)?.[1] ?? [])).size;
const bytesBelow = (directory) =>
  readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);

function repository(name) {
  const path = join(scratch, name);
  mkdirSync(path);
  spawnSync('git', ['init', '-q', '-b', 'main'], { cwd: path, env: { PATH: process.env.PATH, HOME: home } });
  return path;
}

const clean = { PATH: process.env.PATH, HOME: home };

/** Runs one hook of this process as its client; what it tells, and the whole process's milliseconds. */
function hook(name, project, payload) {
  const env = { ...clean, CLAUDE_PID: String(process.pid), CLAUDE_PROJECT_DIR: project };
  const input = JSON.stringify({ session_id: 'compare', cwd: project, ...payload });
  const begin = performance.now();
  const ran = spawnSync(process.execPath, [join(dist, 'hooks', `${name}.cjs`)], { env, input, cwd: project });
  const ms = performance.now() - begin;
  const told = JSON.parse(String(ran.stdout) || '{}').hookSpecificOutput?.additionalContext ?? '';
  return { told, ms };
}

/** Each row: what it is, for hooks, for the server. */
function fixed() {
  const project = repository('fixed');
  const start = hook('session-start', project, { source: 'startup' }).told;
  const prompt = hook('user-prompt-submit', project, { prompt: 'go on', prompt_id: 'p' }).told;
  const shared = new Set([...inHooks].filter((file) => inServer.has(file)));
  const alone = (files) => new Set([...files].filter((file) => !shared.has(file)));
  return {
    'lines of code of its own': [linesOf(alone(inHooks)), linesOf(alone(inServer))],
    'lines of code they share': [linesOf(shared), linesOf(shared)],
    'packages bundled': [packagesIn(inHooks), packagesIn(inServer)],
    'kB in the repository': [
      Math.round(bytesBelow(join(dist, 'hooks')) / 1000),
      Math.round(statSync(join(dist, 'mcp.mjs')).size / 1000),
    ],
    'told at a session start, tokens': [tokens(start.length), 0],
    'told at a prompt, tokens': [tokens(prompt.length), 0],
  };
}

/** Milliseconds until the server answers, its end not counted. */
async function serverStart(project) {
  const begin = performance.now();
  const child = spawn(process.execPath, [join(dist, 'mcp.mjs')], {
    cwd: project,
    env: clean,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const send = (message) => child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
  const clientInfo = { name: 'compare', version: '1' };
  send({
    id: 1,
    method: 'initialize',
    params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo },
  });
  await once(child.stdout, 'data');
  const ready = performance.now() - begin;
  send({ method: 'notifications/initialized' });
  const asked = performance.now();
  send({ id: 2, method: 'tools/call', params: { name: 'whoami', arguments: {} } });
  await once(child.stdout, 'data');
  const call = performance.now() - asked;
  child.stdin.end();
  await once(child, 'close');
  return { ready, call };
}

async function timed() {
  const project = repository('timed');
  const rows = { bare: [], start: [], prompt: [], ready: [], call: [] };
  for (let round = 0; round < rounds; round++) {
    const begin = performance.now();
    spawnSync(process.execPath, ['-e', '0'], { env: clean });
    rows.bare.push(performance.now() - begin);
    rows.start.push(hook('session-start', repository(`start-${round}`), { source: 'startup' }).ms);
    rows.prompt.push(hook('user-prompt-submit', project, { prompt: 'go on', prompt_id: `p${round}` }).ms);
    const { ready, call } = await serverStart(project);
    rows.ready.push(ready);
    rows.call.push(call);
  }
  const bare = median(rows.bare);
  const times = (numbers) => `${(median(numbers) / bare).toFixed(2)} ×`;
  return {
    'a session start; the server until it answers': [times(rows.start), times(rows.ready)],
    'a prompt; a first call of a tool': [times(rows.prompt), times(rows.call)],
  };
}

/** The parts of the scenarios' own harness that talk to the client. */
async function harness() {
  const { build } = await import('esbuild');
  const outfile = join(scratch, 'harness.mjs');
  const parts = ['stub-api', 'scratch', 'headless'].map(
    (name) => `export * from './test/e2e/support/${name}.ts';`,
  );
  await build({
    stdin: { contents: parts.join('\n'), resolveDir: root, loader: 'ts' },
    bundle: true,
    platform: 'node',
    format: 'esm',
    outfile,
    logLevel: 'error',
  });
  return import(pathToFileURL(outfile).href);
}

const sentRows = [
  'instructions and names of tools in every session, tokens',
  'definitions of the tools once loaded, tokens',
  'a first `whoami`, call and answer, tokens',
];

/** What the model is sent because the server is there, beside the same session without it. */
async function sent(client) {
  const { startStubApi, createScratch, runHeadless } = await harness();
  const api = await startStubApi();
  const world = createScratch(api);
  const servers = { flowloom: { command: process.execPath, args: [join(dist, 'mcp.mjs')] } };
  const withServer = [
    '--mcp-config',
    JSON.stringify({ mcpServers: servers }),
    '--allowedTools',
    'mcp__flowloom',
  ];
  const size = ({ body }) => JSON.stringify([body.system, body.tools, body.messages]).length;
  const turns = async (prompt, args) => {
    const before = api.requests.length;
    await runHeadless(client, world, prompt, { args });
    return api.requests.slice(before).filter(({ body }) => (body.tools ?? []).length > 1);
  };
  try {
    // The first session of a home is told more than the later ones.
    await turns('Hello', []);
    const [bare] = await turns('Hello', []);
    const [served] = await turns('Hello', withServer);
    const names = ['join', 'whoami', 'roster', 'handoff_read', 'handoff_write', 'leave'].map(
      (name) => `mcp__flowloom__${name}`,
    );
    const query = JSON.stringify({ query: `select:${names.join()}`, max_results: names.length });
    const loaded = (await turns(`RUNTOOL ToolSearch ${query} END`, withServer)).at(-1);
    const definitions = loaded.body.tools.filter(({ name }) => names.includes(name));
    const [asked, answered] = await turns('RUNTOOL mcp__flowloom__whoami {} END', withServer);
    return {
      [sentRows[0]]: [0, tokens(size(served) - size(bare))],
      [sentRows[1]]: [0, tokens(JSON.stringify(definitions).length)],
      [sentRows[2]]: [0, tokens(size(answered) - size(asked))],
    };
  } finally {
    world.dispose();
    await api.close();
  }
}

const begin = '<!-- measured by npm run compare -->';
const end = '<!-- end of what was measured -->';

function rowsOf(text) {
  const [, table = ''] = text.split(begin);
  const rows = table.split(end)[0].matchAll(/^\| ([^|]+?) \| ([^|]+?) \| ([^|]+?) \|$/gm);
  return Object.fromEntries([...rows].map(([, what, hooks, server]) => [what, [hooks, server]]));
}

const tableOf = (rows) =>
  [
    '| | hooks | MCP server |',
    '|---|---|---|',
    ...Object.entries(rows).map(([what, [hooks, server]]) => `| ${what} | ${hooks} | ${server} |`),
  ].join('\n');

if (process.argv.includes('--fixed')) {
  console.log(JSON.stringify(fixed()));
} else {
  const text = readFileSync(document, 'utf8');
  const client = process.env.FLOWLOOM_E2E_CLAUDE;
  if (!client) console.error('Without FLOWLOOM_E2E_CLAUDE what the model is sent is not counted anew.');
  const old = rowsOf(text);
  const counted = client
    ? await sent(client)
    : Object.fromEntries(sentRows.map((what) => [what, old[what] ?? ['?', '?']]));
  const rows = { ...fixed(), ...counted, ...(await timed()) };
  const [before, rest] = text.split(begin);
  if (rest === undefined) throw new Error(`${document} has no place for the table`);
  writeFileSync(document, `${before}${begin}\n\n${tableOf(rows)}\n\n${end}${rest.split(end)[1] ?? ''}`);
  console.log(tableOf(rows));
}
