/**
 * A record as a commit, so that every git command can show it: the subject says what it is, the body is the record.
 *
 * The record is in the message and not in a file of the commit: then each record is one object that nothing else shares, reading
 * one is unpacking one file, and forgetting one is removing it.
 */

/** A record with what the commit says of it. */
export interface RecordCommit {
  /** One line for people. */
  readonly subject: string;
  /** The record itself, letter by letter. */
  readonly text: string;
  /** The clone that the record was born in: it alone writes it. */
  readonly clone: string;
  /** Seconds since 1970, by the clock of that machine. */
  readonly at: number;
}

const address = (clone: string): string => `<${clone}@flowloom.invalid>`;

/** The commit's bytes. `writer` is in no two of them, so that no two records are one object. */
export function encodeRecord(record: RecordCommit, tree: string, writer: string): Buffer {
  const { subject, text, clone, at } = record;
  const time = `${Math.max(0, Math.floor(at))} +0000`;
  return Buffer.from(
    `tree ${tree}\nauthor flowloom ${address(clone)} ${time}\ncommitter ${writer} ${address(clone)} ${time}\n\n${subject}\n\n${text}`,
  );
}

/** Whether the commit names nothing but the empty tree: one of ours has neither a parent nor content. */
export const standsAlone = (bytes: Buffer, emptyTrees: readonly string[]): boolean =>
  emptyTrees.some((tree) =>
    bytes.subarray(0, 200).toString('latin1').startsWith(`tree ${tree}\nauthor flowloom <`),
  );

/** The record in a commit; null when the commit is none of ours. */
export function decodeRecord(bytes: Buffer): RecordCommit | null {
  const raw = bytes.toString('utf8');
  const end = raw.indexOf('\n\n');
  const body = raw.indexOf('\n\n', end + 2);
  const author = raw
    .slice(0, Math.max(0, end))
    .match(/^author flowloom <([\w-]+)@flowloom\.invalid> (\d+) /m);
  if (end < 0 || body < 0 || !author) return null;
  return {
    subject: raw.slice(end + 2, body),
    text: raw.slice(body + 2),
    clone: author[1]!,
    at: Number(author[2]),
  };
}
