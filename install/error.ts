import { type InstallProblem, installProblem } from '../src/messages/install.ts';

/**
 * Why install or uninstall did not do its work. The message is a sentence that names the file and the remedy;
 * `code` is for programs. No file is ever left half written; unless scripts could not be removed after the settings were
 * edited, the settings file is as it was.
 */
export class InstallError extends Error {
  override readonly name = 'InstallError';
  readonly code: InstallProblem['code'];
  readonly file: string;

  constructor(problem: InstallProblem, cause?: unknown) {
    super(installProblem(problem), cause === undefined ? undefined : { cause });
    this.code = problem.code;
    this.file = problem.file;
  }
}

/** Runs something that touches the disk; what the system objects to becomes an InstallError about `file`. */
export function onDisk<T>(code: 'cannot-read' | 'cannot-write', file: string, action: () => T): T {
  try {
    return action();
  } catch (cause) {
    if (cause instanceof InstallError) throw cause;
    throw new InstallError({ code, file, reason: (cause as NodeJS.ErrnoException).code }, cause);
  }
}
