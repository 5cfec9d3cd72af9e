import { type Role, roleOf } from '../../core/election.ts';
import { noCaller, whoamiText, wrongRole } from '../../messages/cli.ts';
import { fail, print, printJson } from '../terminal.ts';
import { openWorkspace } from '../workspace.ts';
import { memberFacts } from './status.ts';

/** Exit code 0 for a session of the roster, and with `--require` only when it has that role; 1 otherwise. */
export async function whoami(options: { json?: boolean; require?: Role }): Promise<void> {
  const workspace = await openWorkspace(process.cwd(), process.env);
  const { caller, roster } = workspace;
  if (!caller) {
    if (options.json) printJson(null);
    return fail(noCaller());
  }
  const role = roleOf(roster, caller.birth.id);
  if (options.json) printJson({ ...memberFacts(caller, workspace), epoch: roster.epoch });
  else if (!options.require) print(whoamiText(caller, role, roster));
  if (options.require && options.require !== role) fail(wrongRole(options.require, role));
}
