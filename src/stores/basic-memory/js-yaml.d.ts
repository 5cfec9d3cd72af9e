/** What is used of it; the package comes without types. */
declare module 'js-yaml' {
  export const FAILSAFE_SCHEMA: unknown;
  export function load(text: string, options: { schema: unknown; json: boolean }): unknown;
}
