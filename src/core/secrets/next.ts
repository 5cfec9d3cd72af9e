/**
 * Where `pattern` matches next, from a place that only moves on. What was found is remembered until it is passed, so that a text in
 * which the same end is asked for again and again is still read once.
 */
export function nextOf(text: string, pattern: RegExp): (from: number) => number {
  let asked = -1;
  let found = -1;
  return (from) => {
    if (from < asked || from > found || asked < 0) {
      pattern.lastIndex = from;
      found = pattern.exec(text)?.index ?? text.length;
      asked = from;
    }
    return found;
  };
}
