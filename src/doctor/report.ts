/** Findings as a text for a terminal and as JSON. */
import { createColors } from 'picocolors';
import { groups, mendWording, verdict, type Wording, wordingOf } from '../messages/doctor.ts';
import { wrap } from '../messages/wrap.ts';
import { checkOf, type Finding, type Severity, worstOf } from './finding.ts';
import { isMendable, type Mend } from './mend.ts';

const signs: Readonly<Record<Severity, string>> = { ok: '✓', info: 'i', warning: '!', error: '✗' };

/** Grouped, with a verdict in the last line, without a newline at the end. A word longer than a line stays whole. */
export function renderFindings(
  findings: readonly Finding[],
  options: { color: boolean; columns: number },
): string {
  const paint = createColors(options.color);
  const colors = { ok: paint.green, info: paint.cyan, warning: paint.yellow, error: paint.red };
  const columns = Math.max(40, options.columns);
  const draw = (finding: Finding): string[] => {
    const { title, detail, remedy } = wordingOf(finding);
    const [first = '', ...rest] = wrap(title, columns - 4);
    const indented = (text: string): string[] =>
      text
        .split('\n')
        .flatMap((line) => wrap(line, columns - 8))
        .map((line) => `      ${line}`);
    return [
      `  ${colors[finding.severity](signs[finding.severity])} ${first}`,
      ...rest.map((line) => `    ${line}`),
      ...indented(detail).map(paint.dim),
      ...indented(remedy && `→ ${remedy}`).map((line, index) => (index > 0 ? `  ${line}` : line)),
    ];
  };
  const known = groups.flatMap(({ checks }) => checks);
  const sections = [...groups, { title: 'Other', checks: ['*'] }].flatMap(({ title, checks }) => {
    const own = findings.filter((finding) =>
      checks.includes(known.includes(checkOf(finding)) ? checkOf(finding) : '*'),
    );
    return own.length > 0 ? [[paint.bold(title), ...own.flatMap(draw)].join('\n')] : [];
  });
  const problems = findings.filter(({ severity }) => severity === 'warning' || severity === 'error').length;
  return [...sections, wrap(verdict(problems, findings.filter(isMendable).length), columns).join('\n')].join(
    '\n\n',
  );
}

/** One line per mend. */
export const renderMends = (mends: readonly Mend[], columns: number): string =>
  mends.flatMap((mend) => wrap(mendWording(mend), Math.max(40, columns))).join('\n');

export interface DoctorJson {
  /** Nothing worse than `info`. */
  readonly ok: boolean;
  readonly worst: Severity;
  readonly findings: readonly (Pick<Finding, 'code' | 'severity' | 'args'> & Wording)[];
  readonly fixed: readonly { readonly code: string; readonly title: string; readonly args: Mend['args'] }[];
}

/** What `doctor --json` prints. */
export function jsonOf(findings: readonly Finding[], fixed: readonly Mend[] = []): DoctorJson {
  const worst = worstOf(findings);
  return {
    ok: worst === 'ok' || worst === 'info',
    worst,
    findings: findings.map((finding) => ({
      code: finding.code,
      severity: finding.severity,
      ...wordingOf(finding),
      args: finding.args,
    })),
    fixed: fixed.map((mend) => ({ code: mend.code, title: mendWording(mend), args: mend.args })),
  };
}
