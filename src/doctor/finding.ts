/** What doctor finds, as data. The codes, their facts, and what each means for a person are in `src/messages/doctor.ts`. */

import type { FindingArgs } from '../messages/doctor.ts';

export const severities = ['ok', 'info', 'warning', 'error'] as const;
export type Severity = (typeof severities)[number];

export type FindingCode = keyof FindingArgs;

export type FindingOf<C extends FindingCode> = {
  readonly code: C;
  readonly severity: Severity;
  readonly args: FindingArgs[C];
};

export type Finding = { [C in FindingCode]: FindingOf<C> }[FindingCode];

export const finding = <C extends FindingCode>(severity: Severity, code: C, args: FindingArgs[C]): Finding =>
  ({ code, severity, args }) as Finding;

/** The name of the check a finding came from. */
export const checkOf = ({ code, args }: Finding): string =>
  code === 'check-failed' ? args.check : code.slice(0, code.indexOf('-'));

/** `ok` when there is nothing at all. */
export const worstOf = (findings: readonly Finding[]): Severity =>
  severities[Math.max(0, ...findings.map(({ severity }) => severities.indexOf(severity)))]!;

/** 0 when there is nothing to do, 1 for a warning, 2 for an error. */
export const exitCodeOf = (findings: readonly Finding[]): 0 | 1 | 2 => {
  const worst = worstOf(findings);
  if (worst === 'error') return 2;
  return worst === 'warning' ? 1 : 0;
};
