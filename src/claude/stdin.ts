/** Reads one JSON object from stdin and does not wait for the end of it: a client that keeps the pipe open must not cost time. */

const mostChars = 16 << 20;
/** Nothing new for so long, and what is there may be all. */
const quietMs = 30;

const complete = (text: string): boolean => {
  if (!/\}\s*$/.test(text.slice(-64))) return false;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
};

/** What came until the end of the object, the end of the input, or `limitMs`. */
export function readStdin(limitMs: number): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    let first = true;
    let quiet: NodeJS.Timeout | undefined;
    const stdin = process.stdin;
    const done = (): void => {
      clearTimeout(quiet);
      clearTimeout(limit);
      stdin.removeAllListeners();
      resolve(text);
    };
    const limit = setTimeout(done, limitMs);
    stdin.setEncoding('utf8');
    stdin.on('data', (chunk: string) => {
      text += chunk;
      if (text.length > mostChars) return done();
      // Nearly every payload comes in one piece. A longer one is looked at again only when no more arrives: parsing after each
      // piece would cost the square of its length.
      if (first && complete(text)) return done();
      first = false;
      clearTimeout(quiet);
      quiet = setTimeout(() => complete(text) && done(), quietMs);
    });
    stdin.on('end', done);
    stdin.on('error', done);
  });
}
