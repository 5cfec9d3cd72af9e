/** Errors that say nothing about what is there. */

const passing = new Set([
  'EIO',
  'EMFILE',
  'ENFILE',
  'ENOMEM',
  'ESTALE',
  'ETIMEDOUT',
  'EINTR',
  'EAGAIN',
  'EBUSY',
]);

const codeOf = (cause: unknown): string => (cause as NodeJS.ErrnoException | null)?.code ?? '';

/** True when the next look may find what this one did not: nothing may be concluded from it. */
export const mayPass = (cause: unknown): boolean => passing.has(codeOf(cause));

/** True when the system does not let this user look: so it will be tomorrow, unless it was a scanner, a lock or a drive. */
export const isRefusal = (cause: unknown): boolean => codeOf(cause) === 'EACCES' || codeOf(cause) === 'EPERM';

/** Asks, and once more when the first answer was none: a drive that stumbled, a file that somebody held or replaced there. */
export function askTwice<T>(ask: () => T): T {
  try {
    return ask();
  } catch (cause) {
    if (!mayPass(cause) && !isRefusal(cause)) throw cause;
    return ask();
  }
}
