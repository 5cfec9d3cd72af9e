/** How hooks are started: by Node itself, or by `sh`, which has to be there then and keeps away what is not for hooks. */
import { asObject } from '../io/read-capped.ts';
import { runProgram } from '../io/run-program.ts';
import { type Finding, finding } from './finding.ts';
import type { Installation, SettingsFacts } from './settings-files.ts';

const limitMs = 5000;

/** What makes a Node fail that it was not meant for, or print where only one JSON object may stand. */
const harmful = [
  'NODE_OPTIONS',
  'NODE_PENDING_DEPRECATION',
  'NODE_CHANNEL_FD',
  'NODE_UNIQUE_ID',
  'NODE_DEBUG',
  'NODE_V8_COVERAGE',
];
/** What only makes it slow. */
const costly = ['NODE_EXTRA_CA_CERTS', 'NODE_USE_SYSTEM_CA'];

/** One finding for every settings file with hooks of ours, and one for what the environment does to hooks that no shell starts. */
export async function checkGate(
  facts: SettingsFacts,
  where: { readonly directory: string; readonly env: NodeJS.ProcessEnv },
): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const { scope, settings: file, entries } of facts.installations) {
    const gated = entries.some(({ form }) => form === 'sh');
    if (!gated) findings.push(finding('ok', 'gate-node', { scope, file }));
    else if (await hasShell(where)) findings.push(finding('ok', 'gate-sh', { scope, file }));
    else findings.push(finding('error', 'gate-no-shell', { scope, file }));
  }
  const direct = facts.installations.find(({ entries }) => entries.some(({ form }) => form === 'node'));
  return direct ? [...findings, ...judgeEnvironment(direct, facts, where.env)] : findings;
}

function judgeEnvironment(
  { scope, settings: file }: Installation,
  { files, managed }: SettingsFacts,
  env: NodeJS.ProcessEnv,
): Finding[] {
  const given = [...files, ...managed].map(({ value }) => asObject(value.env) ?? {});
  const isSet = (name: string): boolean =>
    [env, ...given].some((variables) => ![undefined, ''].includes(variables[name] as string | undefined));
  const variables = [...harmful, ...costly].filter(isSet);
  if (variables.length === 0) return [];
  const severity = variables.some((name) => harmful.includes(name)) ? 'warning' : 'info';
  return [finding(severity, 'gate-environment', { scope, file, variables })];
}

async function hasShell(where: { directory: string; env: NodeJS.ProcessEnv }): Promise<boolean> {
  const outcome = await runProgram('sh', ['-c', ':'], { ...where, limitMs });
  return outcome.kind === 'ended' && outcome.exitCode === 0;
}
