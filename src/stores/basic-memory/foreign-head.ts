/** Reads a head that another program wrote. Loaded only then: most notes are as we wrote them. */
import { FAILSAFE_SCHEMA, load } from 'js-yaml';
import { isRecord } from '../../core/shape.ts';
import type { Head } from './note.ts';

const asText = (value: unknown): string => (typeof value === 'string' ? value : '');

/** Texts and lists of texts by key, nothing turned into numbers or dates; null when it is no YAML mapping. */
export function foreignHead(block: string): Head | null {
  let value: unknown;
  try {
    value = load(block, { schema: FAILSAFE_SCHEMA, json: true });
  } catch {
    return null;
  }
  if (!isRecord(value)) return null;
  return new Map(
    Object.entries(value).map(([key, entry]) => [
      key,
      Array.isArray(entry) ? entry.map(asText) : asText(entry),
    ]),
  );
}
