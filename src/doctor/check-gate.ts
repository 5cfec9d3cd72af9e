/** How prompts are answered: by Node, or by `sh` first, which has to be there then. */
import { runProgram } from '../io/run-program.ts';
import { type Finding, finding } from './finding.ts';
import type { Installation } from './settings-files.ts';

const limitMs = 5000;

/** One finding for every settings file with hooks of ours. */
export async function checkGate(
  installations: readonly Installation[],
  where: { readonly directory: string; readonly env: NodeJS.ProcessEnv },
): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const { scope, settings: file, entries } of installations) {
    const gated = entries.some(({ form }) => form === 'sh');
    if (!gated) findings.push(finding('ok', 'gate-node', { scope, file }));
    else if (await hasShell(where)) findings.push(finding('ok', 'gate-sh', { scope, file }));
    else findings.push(finding('error', 'gate-no-shell', { scope, file }));
  }
  return findings;
}

async function hasShell(where: { directory: string; env: NodeJS.ProcessEnv }): Promise<boolean> {
  const outcome = await runProgram('sh', ['-c', ':'], { ...where, limitMs });
  return outcome.kind === 'ended' && outcome.exitCode === 0;
}
