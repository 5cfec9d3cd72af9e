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

/** True when the next look may find what this one did not: nothing may be concluded from it. */
export const mayPass = (cause: unknown): boolean =>
  passing.has((cause as NodeJS.ErrnoException | null)?.code ?? '');
