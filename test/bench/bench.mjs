/**
 * `npm run bench`: what the hooks cost, as whole processes, side by side with a bare Node start in the same run.
 *
 * Every round runs each command once, in turn, so that a machine that changes its speed changes it for all. Medians and their
 * ratios are printed; nothing here passes or fails.
 *
 *   --rounds N          rounds (40)
 *   --live N,N          how many live members a steady prompt is measured among (1,10,100)
 *   --peer "<command>"  another program's hook, given a prompt's payload; more than once if you like. Those that are known are run
 *                       where they are installed
 *   --peer-start "<c>"  run once before, with the payload of a session start
 *   --turns N           whole turns of the real client that FLOWLOOM_E2E_CLAUDE names (0)
 *   --json              print facts
 *   --write             write the table and the chart into docs/
 */
import { spawn, spawnSync } from 'node:child_process';
import {
  appendFileSync,
  closeSync,
  existsSync,
  ftruncateSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { cpus, platform, release, tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';
import { chart, table } from './report.mjs';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '40' },
    live: { type: 'string', default: '1,10,100' },
    peer: { type: 'string', multiple: true, default: [] },
    'peer-start': { type: 'string', multiple: true, default: [] },
    turns: { type: 'string', default: '0' },
    json: { type: 'boolean' },
    write: { type: 'boolean' },
  },
});
const rounds = Number(values.rounds);

/** Other programs with hooks for the same events: what they call theirs. */
const knownPeers = [{ program: 'hcom', start: 'hcom sessionstart', prompt: 'hcom userpromptsubmit' }];
const isInstalled = (program) =>
  (process.env.PATH ?? '').split(delimiter).some((folder) => existsSync(join(folder, program)));
const installedPeers = knownPeers.filter(({ program }) => isInstalled(program));
for (const { start, prompt } of installedPeers) {
  if (values.peer.includes(prompt)) continue;
  values['peer-start'].push(start);
  values.peer.push(prompt);
}
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

/** One of a crowd; the same for every crowd. */
const crowd = [];
const standIn = (n) => {
  crowd[n] ??= client();
  return crowd[n];
};

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
  CLAUDE_CODE_SESSION_ID: `s${pid}`,
  CLAUDE_PID: String(pid),
  CLAUDE_PROJECT_DIR: project,
  CLAUDE_CODE_SESSION_ATTENDED: '1',
});

/** Milliseconds of one whole process, from spawn to exit, as the client would see it. */
function run(
  command,
  args,
  { input = '', env = { PATH: process.env.PATH, HOME: home }, cwd = scratch } = {},
) {
  const begin = process.hrtime.bigint();
  const { status, stdout, stderr, error } = spawnSync(command, args, { input, env, cwd });
  const ms = Number(process.hrtime.bigint() - begin) / 1e6;
  // Who does not read its input may be gone before it is written.
  if (status !== 0 && error?.code !== 'EPIPE')
    throw new Error(`${command} ${args[0]} ended with ${status}: ${stderr}`);
  return { ms, out: String(stdout), err: String(stderr) };
}
const time = (args, options) => run(process.execPath, args, options);

let prompts = 0;
const inputOf = (project, pid, payload) =>
  JSON.stringify({ session_id: `s${pid}`, cwd: project, prompt_id: `p${prompts++}`, ...payload });

function hook(name, project, pid, payload) {
  const input = inputOf(project, pid, payload);
  return time([join(hooks, `${name}.cjs`)], { input, env: environment(pid, project), cwd: project });
}

/** As settings wire it that install has written. */
let gateCommand;
function gate(name, project, pid, payload, more = {}) {
  gateCommand ??= installedCommand();
  const [command, ...args] = [...gateCommand, name];
  const input = inputOf(project, pid, payload);
  return run(command, args, { input, env: { ...environment(pid, project), ...more }, cwd: project });
}

function installedCommand() {
  const project = repository('wired');
  const cli = join(root, 'dist', 'cli.mjs');
  time([cli, 'install', '--scope', 'local', '--posix'], { cwd: project });
  const settings = JSON.parse(readFileSync(join(project, '.claude', 'settings.local.json'), 'utf8'));
  const { command, args } = settings.hooks.UserPromptSubmit[0].hooks[0];
  return [command, ...args.slice(0, -1)];
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

const wait = (ms) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);

/** A repository with so many live members, and one more of which every prompt is steady. */
function gathering(name, live, dead = 0) {
  const { project } = dead ? crowded(name, dead) : { project: repository(name) };
  if (!dead) startOf(project, client());
  const seq = join(project, '.git', 'flowloom', 'seq');
  const first = JSON.parse(readFileSync(join(seq, `${'1'.padStart(12, '0')}.json`), 'utf8'));
  for (let n = 2; n < live; n++) {
    const pid = standIn(n);
    const start = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ')[19];
    const birth = { ...first, id: `live-${pid}`, process: { ...first.process, pid, start } };
    writeFileSync(join(seq, `${String(n + dead + 1).padStart(12, '0')}.json`), JSON.stringify(birth), {
      mode: 0o600,
    });
  }
  const pid = client();
  startOf(project, pid);
  for (let n = 0; n < 5; n++) {
    const { err } = gate('user-prompt-submit', project, pid, { prompt: 'go on' }, { FLOWLOOM_DEBUG: '1' });
    if (err.includes('answered without Node')) return { project, pid };
    wait(1100);
  }
  throw new Error(`no steady prompt among ${live} members`);
}

const crowds = values.live.split(',').map(Number);
const small = transcript('small.jsonl', 10_000);
const huge = transcript('huge.jsonl', 1e9);
const talk = transcript('talk.jsonl', 10_000);
const shop = repository('shop');
const fresh = repository('fresh');
const [a, b, c, d, e, joiner] = Array.from({ length: 6 }, client);
for (const pid of [c, d, e, a, b]) startOf(shop, pid);
const one = crowded('one', 1);
const thousand = crowded('thousand', 1000);

/** A turn as sessions have them: the transcript grew by a few lines since the last stop. */
const stop =
  (path, pid, project = shop) =>
  () => {
    appendFileSync(path, line);
    return hook('stop', project, pid, { transcript_path: path, last_assistant_message: lastMessage });
  };

/** As `stop`, after a prompt that the gate answered: the stop finds it in the transcript and tells the others. */
const stopAfterGate = (path, pid) => () => {
  const message = { role: 'user', content: `do thing number ${prompts}` };
  appendFileSync(path, `${JSON.stringify({ type: 'user', timestamp: new Date().toISOString(), message })}\n`);
  return stop(path, pid)();
};

/** A process that joins a repository, forgotten there before it does so again. */
function joinAgain(project) {
  const pid = client();
  const state = join(project, '.git', 'flowloom');
  return () => {
    const seqs = readdirSync(join(state, 'seq'));
    const last = join(state, 'seq', seqs.sort().at(-1));
    const { id, process: joined } = JSON.parse(readFileSync(last, 'utf8'));
    if (joined.pid === pid) {
      rmSync(last);
      rmSync(join(state, 'members', id), { recursive: true });
    }
    return startOf(project, pid);
  };
}

const dead = gathering('dead-gate', 2, 1000);
const gatherings = crowds.map((live) => ({ live, ...gathering(`live-${live}`, live) }));
const [steady] = gatherings;
/** Others, since whoever joins breaks what the gate answers, and whoever stops leaves a handoff. */
const stopping = crowds.map((live) => ({ live, ...gathering(`stopping-${live}`, live) }));
const joining = crowds.map((live) => ({ live, ...gathering(`joining-${live}`, live) }));
const long = gathering('joining-dead', 2, 1000);
const left = gathering('left', 1);
/** What a shell splits it into, for programs that are given as one text. */
const peer = (text, payload) => () =>
  run('/bin/sh', ['-c', `exec ${text}`], {
    input: inputOf(shop, b, payload),
    env: environment(b, shop),
    cwd: shop,
  });
const count = (n) => n.toLocaleString('en');

for (const text of values['peer-start']) peer(text, { hook_event_name: 'SessionStart', source: 'startup' })();
stop(small, left.pid, left.project)();
const subjects = {
  'bare node -e 0': () => time(['-e', '0']),
  '/bin/sh -c :': () => run('/bin/sh', ['-c', ':']),
  'gate: PostToolBatch (steady)': () =>
    gate('post-tool-batch', steady.project, steady.pid, { tool_calls: [{ tool_use_id: `t${prompts}` }] }),
  ...Object.fromEntries(
    gatherings.map(({ live, project, pid }) => [
      `gate: prompt, ${count(live)} live`,
      () => gate('user-prompt-submit', project, pid, { prompt: 'go on' }),
    ]),
  ),
  'gate: prompt, 1,000 dead': () => gate('user-prompt-submit', dead.project, dead.pid, { prompt: 'go on' }),
  'SessionStart (a join)': () => {
    rmSync(join(fresh, '.git', 'flowloom'), { recursive: true, force: true });
    return startOf(fresh, joiner);
  },
  ...Object.fromEntries(
    joining.map(({ live, project }) => [`SessionStart, ${count(live)} live`, joinAgain(project)]),
  ),
  'SessionStart, 1,000 dead': joinAgain(long.project),
  // The last master works in the same place: git is asked what it has changed.
  'SessionStart, with a handoff': joinAgain(left.project),
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
  'Stop, prompt by the gate': stopAfterGate(talk, e),
  ...Object.fromEntries(
    stopping.map(({ live, project, pid }) => [`Stop, ${count(live)} live`, stop(small, pid, project)]),
  ),
  'Prompt, 1 dead record': () => hook('user-prompt-submit', one.project, one.pid, { prompt: 'x' }),
  'Prompt, 1,000 dead records': () =>
    hook('user-prompt-submit', thousand.project, thousand.pid, { prompt: 'x' }),
  ...Object.fromEntries(
    values.peer.map((text) => [
      `peer: ${text.replace(/\S*\//g, '')}`,
      peer(text, { hook_event_name: 'UserPromptSubmit', prompt: 'go on' }),
    ]),
  ),
};
const goals = {
  'UserPromptSubmit (steady)': 1.35,
  'PostToolBatch (steady)': 1.35,
};
const goalOf = (name) => {
  if (name.startsWith('gate:')) return 0.15;
  if (name.startsWith('Stop,')) return 1.25;
  if (name.startsWith('SessionStart')) return 1.6;
  return goals[name];
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
const shell = times['/bin/sh -c :'];
const kindOf = (name) => /^(gate|peer):/.exec(name)?.[1] ?? (/^(bare|\/bin)/.test(name) ? 'base' : 'node');
const tokensIn = (out) => {
  const text = out?.trim().startsWith('{')
    ? JSON.parse(out).hookSpecificOutput?.additionalContext
    : undefined;
  return Math.ceil((text?.length ?? 0) / 4);
};
const rows = Object.entries(times).map(([name, all]) => ({
  name,
  kind: kindOf(name),
  median: median(all),
  ratio: median(all) / median(bare),
  paired: median(all.map((ms, i) => ms / bare[i])),
  shell: median(all) / median(shell),
  goal: goalOf(name),
  tokens: tokensIn(said[name]),
}));
const turns = Number(values.turns) > 0 ? await timeTurns(Number(values.turns)) : {};
const turnRows = Object.entries(turns).map(([name, all]) => ({ name, median: median(all) }));
const versionOf = (name, program) => {
  const said = spawnSync(program, ['--version'], {
    env: { PATH: process.env.PATH, HOME: process.env.HOME },
    encoding: 'utf8',
  }).stdout;
  return `, ${name} ${/\d[\w.-]*/.exec(said ?? '')?.[0] ?? 'of an unknown version'}`;
};
const others = [
  ...(turnRows.length ? [versionOf('Claude Code', process.env.FLOWLOOM_E2E_CLAUDE)] : []),
  ...installedPeers.map(({ program }) => versionOf(program, program)),
];
const machine = `Node ${process.version.slice(1)}${others.join('')}, ${cpus().length} × ${cpus()[0]?.model.trim()}, ${platform()} ${release().match(/^[\d.]*\d/)?.[0] ?? ''}`;

/** The support of the end-to-end tests is TypeScript. */
async function timeTurns(n) {
  const client = process.env.FLOWLOOM_E2E_CLAUDE;
  if (!client) throw new Error('--turns needs the real client: set FLOWLOOM_E2E_CLAUDE to it');
  const folder = mkdtempSync(join(tmpdir(), 'flowloom-bench-'));
  try {
    const outfile = join(folder, 'turn.mjs');
    const entry = join(root, 'test', 'bench', 'turn.ts');
    await build({
      entryPoints: [entry],
      bundle: true,
      platform: 'node',
      format: 'esm',
      outfile,
      logLevel: 'error',
    });
    const { timeTurns } = await import(pathToFileURL(outfile).href);
    return await timeTurns(client, join(root, 'dist', 'cli.mjs'), n);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

if (values.write) {
  const file = join(root, 'docs', 'performance.md');
  const measured = [
    `Measured on ${new Date().toISOString().slice(0, 10)}: ${machine}; ${rounds} rounds.`,
    '',
    '![Medians as bars](performance.svg)',
    '',
    table(rows),
    ...(turnRows.length
      ? [
          '',
          `A whole turn of the real client, median of ${values.turns}:`,
          '',
          '| whole turn | median ms |',
          '|---|---|',
          ...turnRows.map(({ name, median: ms }) => `| ${name} | ${ms.toFixed(0)} |`),
        ]
      : []),
  ].join('\n');
  const text = readFileSync(file, 'utf8');
  writeFileSync(
    file,
    text.replace(
      /(<!-- measured -->)[\s\S]*?(<!-- end -->)/,
      (_, begin, end) => `${begin}\n${measured}\n${end}`,
    ),
  );
  writeFileSync(join(root, 'docs', 'performance.svg'), chart(rows, 'What a hook costs'));
}
if (values.json) console.log(JSON.stringify({ machine, rounds, rows, turns: turnRows }, null, 2));
else {
  console.log(`${machine}, ${rounds} rounds\n`);
  console.log(
    'whole process                  median ms   × bare   (paired)   × sh   tokens (characters / 4)',
  );
  for (const row of rows)
    console.log(
      `${row.name.padEnd(30)} ${row.median.toFixed(1).padStart(9)} ${row.ratio.toFixed(2).padStart(8)} ${`(${row.paired.toFixed(2)})`.padStart(10)} ${row.shell.toFixed(1).padStart(6)} ${row.tokens ? String(row.tokens).padStart(8) : ''}`,
    );
  for (const { name, median: ms } of turnRows) console.log(`${name.padEnd(42)} ${ms.toFixed(0)} ms`);
}
