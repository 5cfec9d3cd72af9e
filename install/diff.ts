/** A line diff for the dry run. */

/** The lines of both texts, each with the prefix `- `, `+ ` or two spaces; far from a change they are left out. */
export function diffLines(from: string | null, to: string | null, context = 2): string[] {
  if (from === to) return [];
  const before = linesOf(from);
  const after = linesOf(to);
  const head = commonLength(before, after);
  const tail = commonLength(before.slice(head).reverse(), after.slice(head).reverse());
  const middle = align(before.slice(head, before.length - tail), after.slice(head, after.length - tail));
  const same = (lines: string[]) => lines.map((line) => `  ${line}`);
  const all = [...same(before.slice(0, head)), ...middle, ...same(before.slice(before.length - tail))];
  return all.filter((_, index) =>
    all.slice(Math.max(0, index - context), index + context + 1).some((line) => !line.startsWith('  ')),
  );
}

/** Longest common subsequence: settings files are short, so the quadratic table is fine. */
function align(before: string[], after: string[]): string[] {
  const table = before.map(() => new Array<number>(after.length + 1).fill(0));
  table.push(new Array<number>(after.length + 1).fill(0));
  const common = (i: number, j: number) => table[i]?.[j] ?? 0;
  for (let i = before.length - 1; i >= 0; i--) {
    for (let j = after.length - 1; j >= 0; j--) {
      const longest = Math.max(common(i + 1, j), common(i, j + 1));
      table[i]![j] = before[i] === after[j] ? common(i + 1, j + 1) + 1 : longest;
    }
  }
  const lines: string[] = [];
  for (let i = 0, j = 0; i < before.length || j < after.length; ) {
    if (i < before.length && before[i] === after[j]) {
      lines.push(`  ${before[i++]}`);
      j++;
    } else if (i < before.length && (j === after.length || common(i + 1, j) >= common(i, j + 1))) {
      lines.push(`- ${before[i++]}`);
    } else {
      lines.push(`+ ${after[j++]}`);
    }
  }
  return lines;
}

function commonLength(a: string[], b: string[]): number {
  const differs = a.findIndex((line, index) => line !== b[index]);
  return differs < 0 ? a.length : differs;
}

function linesOf(text: string | null): string[] {
  return text ? text.replace(/\r?\n$/, '').split(/\r?\n/) : [];
}
