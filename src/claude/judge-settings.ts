/** Judges the text of one settings file as the client does. Pure; the rules are in `settings-rules.ts`. */
import { isRecord } from '../core/shape.ts';
import {
  type Expected,
  guardEvents,
  handlerTypes,
  keysWithoutHooks,
  knownEvents,
  marketplaceSources,
  mostSettingsBytes,
  settingsKeys,
} from './settings-rules.ts';

/** What the client dislikes, and where: the keys and indices from the root, joined by dots. */
export interface Dislike {
  readonly path: string;
  /** What stands in the wrong place for a hook has nothing that would be right. */
  readonly why: { readonly code: 'expected'; readonly expected: Expected } | { readonly code: 'stray-guard' };
}

export type Verdict =
  /** Strict JSON with an object as its root, or nothing but white space; or too large. */
  | { readonly kind: 'unread'; readonly because: 'not-json' | 'not-object' | 'too-large' }
  /** Nothing in the file counts, because of these. */
  | { readonly kind: 'skipped'; readonly dislikes: readonly Dislike[] }
  /** The file counts; `value` is what the client goes by, without what it passes over, which is `dropped`. */
  | {
      readonly kind: 'read';
      readonly value: Readonly<Record<string, unknown>>;
      readonly dropped: readonly Dislike[];
    };

/** The hooks that count, what is passed over, and what spoils everything that stands beside it. */
interface HooksVerdict {
  readonly hooks: unknown;
  readonly dropped: readonly Dislike[];
  readonly fatal: readonly Dislike[];
}

/**
 * What the client makes of the text of a settings file of a user or a project. What it does not know it does not judge, so
 * everything that is not in the rules may be as it likes.
 */
export function judgeSettings(text: string): Verdict {
  const parsed = parseStrictly(text);
  if (!isRecord(parsed)) return { kind: 'unread', because: parsed };
  const { hooks, dropped, fatal } = judgeHooks(parsed);
  const dislikes = [
    ...fatal,
    ...Object.entries(parsed).flatMap(([key, value]) =>
      Object.hasOwn(settingsKeys, key) ? dislikesIn(value, settingsKeys[key]!, key) : [],
    ),
  ];
  return dislikes.length > 0
    ? { kind: 'skipped', dislikes }
    : { kind: 'read', value: { ...parsed, hooks }, dropped };
}

/**
 * The same for a file of the administrator. There a wrong value is passed over alone, so that a typing error does not lift a
 * restriction; only what is no JSON object is not taken, and then the client does not start.
 */
export function judgeManagedSettings(text: string): Exclude<Verdict, { kind: 'skipped' }> {
  const parsed = parseStrictly(text);
  if (!isRecord(parsed)) return { kind: 'unread', because: parsed };
  const { hooks, dropped, fatal } = judgeHooks(parsed);
  return fatal.length > 0
    ? { kind: 'read', value: { ...parsed, hooks: undefined }, dropped: [...fatal, ...dropped] }
    : { kind: 'read', value: { ...parsed, hooks }, dropped };
}

function parseStrictly(text: string): Record<string, unknown> | 'not-json' | 'not-object' | 'too-large' {
  if (text.length > mostSettingsBytes || Buffer.byteLength(text) > mostSettingsBytes) return 'too-large';
  if (text.trim() === '') return {};
  try {
    const value: unknown = JSON.parse(text.replace(/^\uFEFF/, ''));
    return isRecord(value) ? value : 'not-object';
  } catch {
    return 'not-json';
  }
}

function judgeHooks(settings: Readonly<Record<string, unknown>>): HooksVerdict {
  const { hooks, ...others } = settings;
  const strays = holdsGuards(settings)
    ? [...guardEvents].filter((event) => isStated(settings[event]))
    : Object.keys(others).filter(
        (key) =>
          !keysWithoutHooks.has(key) && strayGuards(others[key], !knownEvents.has(key), 3, keysWithoutHooks),
      );
  const fatal: Dislike[] = strays.map((path) => ({ path, why: { code: 'stray-guard' } }));
  if (hooks === undefined) return { hooks, dropped: [], fatal };
  if (!isRecord(hooks)) {
    const dislike = wrong('hooks', { mapOf: { listOf: 'anything' } });
    const mayGuard = Array.isArray(hooks) && (hooks.some(isRecord) || mayHoldMatchers(hooks));
    return mayGuard
      ? { hooks: undefined, dropped: [], fatal: [...fatal, dislike] }
      : { hooks: undefined, dropped: [dislike], fatal };
  }
  if (looksLikeMatcher(hooks))
    return {
      hooks: undefined,
      dropped: [],
      fatal: [...fatal, wrong('hooks', { mapOf: { listOf: 'anything' } })],
    };
  const kept: Record<string, unknown> = {};
  const dropped: Dislike[] = [];
  for (const [event, groups] of Object.entries(hooks)) {
    const verdict = judgeEvent(event, groups);
    if (verdict.hooks !== undefined) kept[event] = verdict.hooks;
    dropped.push(...verdict.dropped);
    fatal.push(...verdict.fatal);
  }
  return { hooks: kept, dropped, fatal };
}

function judgeEvent(event: string, groups: unknown): HooksVerdict {
  const path = `hooks.${event}`;
  if (!knownEvents.has(event)) {
    if (strayGuards(groups, !Array.isArray(groups), 3))
      return { hooks: undefined, dropped: [], fatal: [{ path, why: { code: 'stray-guard' } }] };
    return { hooks: undefined, dropped: [wrong(path, [...knownEvents])], fatal: [] };
  }
  const isGuard = guardEvents.has(event);
  if (!Array.isArray(groups)) {
    const dislike = wrong(path, { listOf: 'anything' });
    return (isGuard && groups !== null) || strayGuards(groups, false, 3)
      ? { hooks: undefined, dropped: [], fatal: [dislike] }
      : { hooks: undefined, dropped: [dislike], fatal: [] };
  }
  const kept: unknown[] = [];
  const dislikes: Dislike[] = [];
  const strays: Dislike[] = [];
  for (const [index, group] of groups.entries()) {
    const at = `${path}.${index}`;
    if (strayGuards(group, false, 3)) strays.push({ path: at, why: { code: 'stray-guard' } });
    const problems = dislikesInGroup(group, at);
    dislikes.push(...problems.map(({ dislike }) => dislike));
    if (problems.some(({ handler }) => handler === null)) continue;
    const bad = new Set(problems.map(({ handler }) => handler));
    const { hooks } = group as { hooks: unknown[] };
    kept.push({ ...(group as object), hooks: hooks.filter((_, handler) => !bad.has(handler)) });
  }
  return isGuard
    ? { hooks: kept, dropped: [], fatal: [...strays, ...dislikes] }
    : { hooks: kept, dropped: dislikes, fatal: strays };
}

/** Of a matcher group: what spoils all of it (`handler` is null), or its handlers one by one. */
function dislikesInGroup(
  group: unknown,
  path: string,
): { readonly handler: number | null; readonly dislike: Dislike }[] {
  if (!isRecord(group)) return [{ handler: null, dislike: wrong(path, { fields: {} }) }];
  const { hooks, matcher } = group;
  if (!Array.isArray(hooks))
    return [{ handler: null, dislike: wrong(`${path}.hooks`, { listOf: 'anything' }) }];
  if (matcher !== undefined && typeof matcher !== 'string')
    return [{ handler: null, dislike: wrong(`${path}.matcher`, 'string') }];
  return hooks.flatMap((entry: unknown, handler) =>
    dislikesInHandler(entry, `${path}.hooks.${handler}`).map((dislike) => ({ handler, dislike })),
  );
}

function dislikesInHandler(entry: unknown, path: string): Dislike[] {
  if (!isRecord(entry)) return [wrong(path, { fields: {} })];
  const rule = typeof entry.type === 'string' && Object.hasOwn(handlerTypes, entry.type);
  return rule
    ? dislikesIn(entry, handlerTypes[entry.type as string]!, path)
    : [wrong(`${path}.type`, Object.keys(handlerTypes))];
}

const wrong = (path: string, expected: Expected): Dislike => ({ path, why: { code: 'expected', expected } });

/** Where `value` is not what it has to be; the innermost places. */
function dislikesIn(value: unknown, expected: Expected, path: string): Dislike[] {
  if (typeof expected === 'string' || Array.isArray(expected))
    return isSimply(value, expected as string | readonly string[]) ? [] : [wrong(path, expected)];
  const rule = expected as Exclude<Expected, string | readonly string[]>;
  if ('either' in rule)
    return rule.either.some((one) => dislikesIn(value, one, path).length === 0) ? [] : [wrong(path, rule)];
  if ('listOf' in rule)
    return Array.isArray(value)
      ? value.flatMap((entry, index) => dislikesIn(entry, rule.listOf, `${path}.${index}`))
      : [wrong(path, rule)];
  if (!isRecord(value)) return [wrong(path, rule)];
  if ('mapOf' in rule)
    return Object.entries(value).flatMap(([key, entry]) => dislikesIn(entry, rule.mapOf, `${path}.${key}`));
  const { fields, needs = [] } = rule;
  return [
    ...needs.filter((key) => value[key] === undefined).map((key) => wrong(`${path}.${key}`, fields[key]!)),
    ...Object.entries(value).flatMap(([key, entry]) =>
      Object.hasOwn(fields, key) ? dislikesIn(entry, fields[key]!, `${path}.${key}`) : [],
    ),
  ];
}

function isSimply(value: unknown, expected: string | readonly string[]): boolean {
  if (Array.isArray(expected)) return expected.includes(value as string);
  switch (expected) {
    case 'anything':
      return true;
    case 'null':
      return value === null;
    case 'text':
      return typeof value === 'string' && value !== '';
    case 'name':
      return typeof value === 'string' && /^[\w-]+$/.test(value);
    case 'url':
      return typeof value === 'string' && URL.canParse(value);
    case 'marketplace':
      return hasKnownSource(value);
    case 'positive':
      return typeof value === 'number' && value > 0;
    case 'whole':
      return Number.isSafeInteger(value) && (value as number) > 0;
    case 'natural':
      return Number.isSafeInteger(value) && (value as number) >= 0;
    default:
      return typeof value === expected;
  }
}

function hasKnownSource(value: unknown): boolean {
  const source = isRecord(value) && isRecord(value.source) ? value.source.source : undefined;
  return typeof source !== 'string' || marketplaceSources.has(source);
}

const isStated = (value: unknown): boolean =>
  value !== null && value !== undefined && !(Array.isArray(value) && value.length === 0);

/** An object with hooks of a guarding event. */
const holdsGuards = (value: unknown): boolean =>
  isRecord(value) && Object.entries(value).some(([key, entry]) => guardEvents.has(key) && isStated(entry));

/** What could be a matcher group that lost its event. */
function looksLikeMatcher(value: unknown): boolean {
  if (!isRecord(value)) return false;
  const { hooks } = value;
  if (!('matcher' in value) && Object.keys(value).some((key) => knownEvents.has(key))) return false;
  if (Array.isArray(hooks)) return hooks.length > 0;
  return isRecord(hooks) && ('matcher' in value || typeof hooks.type === 'string');
}

const mayHoldMatchers = (value: unknown): boolean =>
  looksLikeMatcher(value) || holdsGuards(value) || (Array.isArray(value) && value.some(mayHoldMatchers));

/** Whether hooks of a guarding event, or a matcher group where that counts, stand somewhere in here where they do not belong. */
function strayGuards(
  value: unknown,
  matchersCount: boolean,
  depth: number,
  passOver: ReadonlySet<string> = new Set(),
  inHooks = false,
): boolean {
  if (holdsGuards(value) || (matchersCount && looksLikeMatcher(value))) return true;
  if (depth === 0 || typeof value !== 'object' || value === null) return false;
  if (Array.isArray(value))
    return value.some((entry) => strayGuards(entry, matchersCount, depth - 1, passOver, inHooks));
  if (inHooks && typeof (value as { type?: unknown }).type === 'string') return false;
  return Object.entries(value).some(
    ([key, entry]) =>
      !passOver.has(key) &&
      strayGuards(
        entry,
        matchersCount && !knownEvents.has(key),
        depth - 1,
        passOver,
        key === 'hooks' && Array.isArray(entry),
      ),
  );
}
