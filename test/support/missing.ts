import { test } from 'vitest';

/** Says in place of a test what it needs and this machine does not have. Where everything is to be tried, that fails. */
export function missing(what: string): void {
  test(`skipped: needs ${what}`, (context) => {
    if (process.env.CI) throw new Error(`This test needs ${what}.`);
    context.skip();
  });
}
