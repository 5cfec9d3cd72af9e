/** What is said before anything else of ours is loaded, above all to the person whose Node is too old: readable by any Node. */

/** The oldest Node that the hooks are made for. */
export const oldestNode = '20.19';

const needed = (whoNeeds: string, version: string, path: string): string =>
  `${whoNeeds} Node.js ${oldestNode} or newer and the first "node" on the PATH is ${version} (${path}). Put a newer one before it on the PATH.`;

/** Names the Node that was found, and what to do about it. */
export const oldNode = (version: string, path: string): string =>
  `flowloom-hooks: this session takes no part, since ${needed('the hooks need', version, path)}`;

/** The same for whoever calls the command. */
export const oldNodeForCommand = (version: string, path: string): string =>
  `flowloom-hooks does nothing here: ${needed('it needs', version, path)}`;

/** A part of the command, which lies beside it, cannot be loaded. */
export const unloadable = (reason: string): string =>
  `flowloom-hooks does nothing here: a part of the command cannot be loaded (${reason.split('\n')[0]}). Install it again.`;
