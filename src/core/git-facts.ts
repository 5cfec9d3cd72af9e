/** What git says about a work tree, and how to read it from `git status --porcelain=v2 --branch -z`. */

/** The state of one work tree. */
export interface GitFacts {
  readonly branch: string;
  readonly head: string;
  /** Changed in the work tree or untracked, relative to the top level; null when git itself was not asked. */
  readonly dirty: readonly string[] | null;
  /** In the index and not in HEAD; null when git itself was not asked. */
  readonly staged: readonly string[] | null;
}

/** Parses the NUL-separated porcelain v2 output; lines it does not know are skipped. */
export function parseStatus(output: string): GitFacts {
  const facts = { branch: '', head: '', dirty: [] as string[], staged: [] as string[] };
  const entries = output.split('\0');
  for (let i = 0; i < entries.length; i++) {
    const entry = entries[i]!;
    if (entry.startsWith('# branch.head ')) facts.branch = entry.slice(14);
    else if (entry.startsWith('# branch.oid ')) facts.head = entry.slice(13).replace('(initial)', '');
    else if (entry.startsWith('? ')) facts.dirty.push(entry.slice(2));
    else if (/^[12u] /.test(entry)) {
      const fields = entry.split(' ');
      // Number of fields before the path: changed 8, renamed 9 (its old name is the next entry), unmerged 10.
      const path = fields.slice({ '1': 8, '2': 9, u: 10 }[entry[0] as '1' | '2' | 'u']).join(' ');
      if (entry[0] === '2') i++;
      const [index, tree] = [fields[1]![0], fields[1]![1]];
      if (index !== '.') facts.staged.push(path);
      if (tree !== '.') facts.dirty.push(path);
    }
  }
  return facts;
}
