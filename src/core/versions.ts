/** Version numbers as `sort` wants them; only the three numbers count. */
export function compareVersions(a: string, b: string): number {
  const numbers = (version: string): number[] => (version.match(/\d+/g) ?? []).slice(0, 3).map(Number);
  const [left, right] = [numbers(a), numbers(b)];
  const at = [0, 1, 2].find((index) => (left[index] ?? 0) !== (right[index] ?? 0));
  return at === undefined ? 0 : (left[at] ?? 0) - (right[at] ?? 0);
}
