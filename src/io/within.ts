import { sep } from 'node:path';

/**
 * A name inside a directory. `path.join` says the same of such names, and looks at every character of both to do so: a hook asks for
 * twenty of them.
 */
export const within = (directory: string, name: string): string => directory + sep + name;
