/** For the person whose Node is older than every line of ours but the first ones of a hook; so it has to be readable by any Node. */

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
