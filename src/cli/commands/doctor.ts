import {
  diagnose,
  exitCodeOf,
  isMendable,
  jsonOf,
  type Mend,
  mend,
  renderFindings,
  renderMends,
} from '../../doctor/doctor.ts';
import { columns, paint, print, printJson } from '../terminal.ts';
import { version } from '../version.ts';
import { hooksSource } from './install.ts';

/** Exit code 0 when nothing is worse than a remark, 1 for a warning, 2 for an error; after `--fix`, of what is left. */
export async function doctor(options: { fix?: boolean; json?: boolean }): Promise<void> {
  const place = { directory: process.cwd(), env: process.env, version, hooksSource: hooksSource() };
  let findings = await diagnose(place);
  let fixed: Mend[] = [];
  if (options.fix && findings.some(isMendable)) {
    fixed = await mend(findings, place);
    findings = await diagnose(place);
  }
  if (options.json) printJson(jsonOf(findings, fixed));
  else {
    const mends = fixed.length ? `${renderMends(fixed, columns())}\n\n` : '';
    print(mends + renderFindings(findings, { color: paint.isColorSupported, columns: columns() }));
  }
  process.exitCode = exitCodeOf(findings);
}
