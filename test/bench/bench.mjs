/**
 * `npm run bench`: what the hooks cost, as whole processes, side by side with a bare Node start in the same run.
 *
 * Every round runs each command once, in turn, so that a machine that changes its speed changes it for all. Medians and their
 * ratios are printed; nothing here passes or fails. Options: --rounds N (40), --json.
 */
import { spawn, spawnSync } from 'node:child_process';
import {
  appendFileSync,
  closeSync,
  ftruncateSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '40' }, json: { type: 'boolean' } },
});
const rounds = Number(values.rounds);
const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const hooks = join(root, 'dist', 'hooks');
const scratch = mkdtempSync(join(tmpdir(), 'flowloom-bench-'));
const home = join(scratch, 'home');
mkdirSync(home);
const clients = [];

/** A process that stands for a running client: hooks find it by its pid. */
function client() {
  const child = spawn('sleep', ['3600'], { stdio: 'ignore' });
  clients.push(child);
  return child.pid;
}

function repository(name) {
  const path = join(scratch, name);
  mkdirSync(path);
  const git = (...args) => spawnSync('git', args, { cwd: path, stdio: 'ignore' });
  git('init', '-q', '-b', 'main');
  writeFileSync(join(path, 'a.txt'), 'a\n');
  git('add', '.');
  git('-c', 'user.name=bench', '-c', 'user.email=bench@localhost', 'commit', '-qm', 'first');
  return path;
}

const environment = (pid, project) => ({
  HOME: home,
  PATH: process.env.PATH,
  CLAUDE_PID: String(pid),
  CLAUDE_PROJECT_DIR: project,
  CLAUDE_CODE_SESSION_ATTENDED: '1',
});

/** Milliseconds of one whole process, from spawn to exit, as the client would see it. */
function time(args, { input = '', env = { PATH: process.env.PATH, HOME: home }, cwd = scratch } = {}) {
  const begin = process.hrtime.bigint();
  const { status, stdout } = spawnSync(process.execPath, args, { input, env, cwd });
  const ms = Number(process.hrtime.bigint() - begin) / 1e6;
  if (status !== 0) throw new Error(`${args[0]} ended with ${status}`);
  return { ms, out: String(stdout) };
}

let prompts = 0;
function hook(name, project, pid, payload) {
  const input = JSON.stringify({
    session_id: `s${pid}`,
    cwd: project,
    prompt_id: `p${prompts++}`,
    ...payload,
  });
  return time([join(hooks, `${name}.cjs`)], { input, env: environment(pid, project), cwd: project });
}

const startOf = (project, pid) => hook('session-start', project, pid, { source: 'startup' });
const lastMessage = 'All tests pass now. Shall I release it? Next step: write the changelog.';

const line = `${JSON.stringify({ type: 'assistant', message: { content: [{ type: 'text', text: 'work '.repeat(100) }] } })}\n`;

function transcript(name, bytes) {
  const path = join(scratch, name);
  if (bytes < 1e6) {
    writeFileSync(path, line.repeat(Math.ceil(bytes / line.length)));
    return path;
  }
  // A hole of the same length reads like a long history; only its tail is real.
  const fd = openSync(path, 'w');
  ftruncateSync(fd, bytes - line.length * 20);
  writeSync(fd, `\n${line.repeat(20)}`, bytes - line.length * 20);
  closeSync(fd);
  return path;
}

/** A store with so many joins of processes that are gone, and one live member in it. */
function crowded(name, dead) {
  const project = repository(name);
  startOf(project, client());
  const seq = join(project, '.git', 'flowloom', 'seq');
  // As the first join here, of a process that is no more.
  const birth = JSON.parse(readFileSync(join(seq, `${'1'.padStart(12, '0')}.json`), 'utf8'));
  birth.process.start = 'before';
  for (let n = 2; n <= dead + 1; n++)
    writeFileSync(
      join(seq, `${String(n).padStart(12, '0')}.json`),
      JSON.stringify({ ...birth, id: `ghost-${n}` }),
      { mode: 0o600 },
    );
  const pid = client();
  startOf(project, pid);
  hook('user-prompt-submit', project, pid, { prompt: 'first' });
  return { project, pid };
}

const small = transcript('small.jsonl', 10_000);
const huge = transcript('huge.jsonl', 1e9);
const shop = repository('shop');
const fresh = repository('fresh');
const [a, b, c, d, joiner] = [client(), client(), client(), client(), client()];
for (const pid of [c, d, a, b]) startOf(shop, pid);
const one = crowded('one', 1);
const thousand = crowded('thousand', 1000);

/** A turn as sessions have them: the transcript grew by a few lines since the last stop. */
const stop = (path, pid) => () => {
  appendFileSync(path, line);
  return hook('stop', shop, pid, { transcript_path: path, last_assistant_message: lastMessage });
};

const subjects = {
  'bare node -e 0': () => time(['-e', '0']),
  'SessionStart (a join)': () => {
    rmSync(join(fresh, '.git', 'flowloom'), { recursive: true, force: true });
    return startOf(fresh, joiner);
  },
  'UserPromptSubmit (steady)': () => hook('user-prompt-submit', shop, b, { prompt: 'and now the docs' }),
  'PostToolBatch (steady)': () =>
    hook('post-tool-batch', shop, b, {
      tool_calls: [
        {
          tool_name: 'Write',
          tool_input: { file_path: join(shop, 'a.txt') },
          tool_use_id: `t${prompts}`,
          tool_response: 'ok',
        },
      ],
    }),
  'Stop, transcript 10 kB': stop(small, c),
  'Stop, transcript 1 GB': stop(huge, d),
  'Prompt, 1 dead record': () => hook('user-prompt-submit', one.project, one.pid, { prompt: 'x' }),
  'Prompt, 1,000 dead records': () =>
    hook('user-prompt-submit', thousand.project, thousand.pid, { prompt: 'x' }),
};

const median = (numbers) => [...numbers].sort((x, y) => x - y)[Math.floor(numbers.length / 2)];
const times = Object.fromEntries(Object.keys(subjects).map((name) => [name, []]));
const said = {};
try {
  for (let round = -2; round < rounds; round++)
    for (const [name, run] of Object.entries(subjects)) {
      const { ms, out } = run();
      said[name] = out;
      if (round >= 0) times[name].push(ms);
    }
} finally {
  for (const child of clients) child.kill('SIGKILL');
  rmSync(scratch, { recursive: true, force: true });
}

const bare = times['bare node -e 0'];
const rows = Object.entries(times).map(([name, all]) => ({
  name,
  median: median(all),
  ratio: median(all) / median(bare),
  paired: median(all.map((ms, i) => ms / bare[i])),
  tokens: said[name]
    ? Math.ceil((JSON.parse(said[name]).hookSpecificOutput?.additionalContext.length ?? 0) / 4)
    : 0,
}));
if (values.json) console.log(JSON.stringify({ node: process.version, rounds, rows }, null, 2));
else {
  console.log(`Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model.trim()}, ${rounds} rounds\n`);
  console.log('whole process                  median ms   × bare   (paired)   tokens (characters / 4)');
  for (const row of rows)
    console.log(
      `${row.name.padEnd(30)} ${row.median.toFixed(1).padStart(9)} ${row.ratio.toFixed(2).padStart(8)} ${`(${row.paired.toFixed(2)})`.padStart(10)} ${row.tokens ? String(row.tokens).padStart(8) : ''}`,
    );
}
