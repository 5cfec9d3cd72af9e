// npm run faults -- [--all | --times 5] [--minutes 10] [--seed 7] [--write]
// Runs the fault suite and prints its table. --all tries every step instead of a sample, --times so many times the sample, --minutes is
// for the soak, and --write puts the table into the document.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const root = join(import.meta.dirname, '..', '..');
const document = join(root, 'docs', 'reliability.md');
const { values } = parseArgs({
  options: {
    all: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
    minutes: { type: 'string', default: '0.5' },
    times: { type: 'string', default: '1' },
    seed: { type: 'string' },
    /** A directory with the counts of a run that is over: nothing is run again. */
    from: { type: 'string' },
  },
});

function run() {
  const folder = mkdtempSync(join(os.tmpdir(), 'flowloom-tally-'));
  const env = {
    ...process.env,
    FLOWLOOM_TALLY: folder,
    FLOWLOOM_SOAK_SECONDS: String(Math.round(Number(values.minutes) * 60)),
    FLOWLOOM_FAULTS: values.all ? 'all' : values.times,
    ...(values.seed ? { FLOWLOOM_SEED: values.seed } : {}),
  };
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
  const { status } = spawnSync(process.execPath, [vitest, 'run', 'test/faults/every', 'test/soak'], {
    cwd: root,
    env,
    stdio: 'inherit',
  });
  return { folder, status };
}

/** What of a row stands in the table: errors of one campaign and operation in one line. */
function table(folder) {
  const lines = ['| suite | operation | faults | tried | lost |', '|---|---|---|---:|---:|'];
  let tried = 0;
  let lost = 0;
  for (const file of readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .sort()) {
    const rows = JSON.parse(readFileSync(join(folder, file), 'utf8'));
    const disturbed = rows.filter(({ fault }) => fault !== 'all' && fault !== 'promises');
    for (const operation of [...new Set(disturbed.map((row) => row.operation))]) {
      const own = disturbed.filter((row) => row.operation === operation);
      const sum = (key) => own.reduce((total, row) => total + row[key], 0);
      tried += sum('tried');
      lost += sum('lost');
      const faults = own
        .map((row) => row.fault)
        .sort()
        .join(', ');
      lines.push(`| ${file.slice(0, -5)} | ${operation} | ${faults} | ${sum('tried')} | ${sum('lost')} |`);
    }
    for (const row of rows.filter(({ fault }) => fault === 'promises')) lost += row.lost;
  }
  lines.push(`| all | | | ${tried} | ${lost} |`);
  return lines.join('\n');
}

const { folder, status } = values.from ? { folder: values.from, status: 0 } : run();
const machine = `${new Date().toISOString().slice(0, 10)}, Node ${process.versions.node}, ${os.type()} ${os.release().match(/^[\d.]*\d/)?.[0] ?? ''}, ${os.availableParallelism()} cores`;
const how = values.all ? 'every step' : 'a sample of the steps';
const text = `<!-- faults: written by npm run faults -->\n\n${machine}; ${how}.\n\n${table(folder)}\n\n<!-- /faults -->`;
process.stdout.write(`${text}\n`);
if (values.write) {
  const before = readFileSync(document, 'utf8');
  writeFileSync(
    document,
    before.replace(/<!-- faults:[\s\S]*<!-- \/faults -->/, () => text),
  );
}
if (!values.from) rmSync(folder, { recursive: true });
process.exit(status ?? 1);
