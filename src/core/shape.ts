/**
 * Checks of plain data that was read from disk: each takes any value and gives it back when it has the shape, else undefined.
 * Enough for a notebook, and small: a schema library would cost every hook more than the notebook itself.
 */
export type Shape<T> = (value: unknown) => T | undefined;

/** A string. */
export const text: Shape<string> = (value) => (typeof value === 'string' ? value : undefined);

/** A finite number. */
export const number: Shape<number> = (value) => (Number.isFinite(value) ? (value as number) : undefined);

/** One of these words. */
export const oneOf =
  <T extends string>(...words: readonly T[]): Shape<T> =>
  (value) =>
    words.includes(value as T) ? (value as T) : undefined;

/** Null, or what has the shape. */
export const nullable =
  <T>(shape: Shape<T>): Shape<T | null> =>
  (value) =>
    value === null ? null : shape(value);

/** What is missing or of another shape is the default. */
export const or =
  <T>(shape: Shape<T>, otherwise: T): Shape<T> =>
  (value) =>
    shape(value) ?? otherwise;

/** An object that is no list. */
export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Elements of another shape are left out. */
export const list =
  <T>(shape: Shape<T>): Shape<T[]> =>
  (value) =>
    Array.isArray(value) ? value.map(shape).filter((entry) => entry !== undefined) : undefined;

/** Entries of another shape are left out. */
export const record =
  <T>(shape: Shape<T>): Shape<Record<string, T>> =>
  (value) => {
    if (!isRecord(value)) return undefined;
    const entries = Object.entries(value).map(([key, entry]) => [key, shape(entry)] as const);
    return Object.fromEntries(entries.filter(([, entry]) => entry !== undefined)) as Record<string, T>;
  };

/** All fields must have their shape; others are dropped. */
export const object =
  <T extends object>(shapes: { readonly [K in keyof T]: Shape<T[K]> }): Shape<T> =>
  (value) => {
    if (!isRecord(value)) return undefined;
    const found: Record<string, unknown> = {};
    for (const key of Object.keys(shapes)) {
      const field = shapes[key as keyof T](value[key]);
      if (field === undefined) return undefined;
      found[key] = field;
    }
    return found as T;
  };
