/**
 * Takes secrets out of text before it is written anywhere. Every rule is linear in the length of the text.
 * What it cannot know: a secret without a shape of its own and without a telling name next to it.
 */
const mark = '[redacted]';

interface Rule {
  /** One of these must stand in the text, in lower case, for the pattern to be worth trying: most texts try none. */
  readonly hints: readonly string[];
  /** Built when it is needed: twenty patterns at every start of a hook cost more than the hook's own work. */
  readonly pattern: () => RegExp;
  readonly put?: string;
}

const rules: readonly Rule[] = [
  {
    hints: ['private key'],
    pattern: () =>
      /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY-----[\s\S]{0,20000}?(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY-----|$)/g,
  },
  { hints: ['akia', 'asia', 'abia', 'acca'], pattern: () => /\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}\b/g },
  { hints: ['ghp_', 'gho_', 'ghu_', 'ghs_', 'ghr_'], pattern: () => /\bgh[pousr]_[A-Za-z0-9]{20,255}/g },
  { hints: ['github_pat_'], pattern: () => /\bgithub_pat_[A-Za-z0-9_]{20,255}/g },
  { hints: ['glpat-'], pattern: () => /\bglpat-[\w-]{20,255}/g },
  { hints: ['sk-'], pattern: () => /\bsk-(?:ant|proj|svcacct|admin|or)-[\w-]{16,512}/g },
  { hints: ['sk-'], pattern: () => /\bsk-[A-Za-z0-9]{32,128}\b/g },
  { hints: ['xox', 'xapp-'], pattern: () => /\b(?:xox[abeoprs]|xapp)-[A-Za-z0-9-]{10,255}/g },
  { hints: ['npm_'], pattern: () => /\bnpm_[A-Za-z0-9]{36}\b/g },
  { hints: ['pypi-'], pattern: () => /\bpypi-[\w-]{50,512}/g },
  { hints: ['hf_'], pattern: () => /\bhf_[A-Za-z0-9]{30,64}\b/g },
  { hints: ['aiza'], pattern: () => /\bAIza[\w-]{35}/g },
  { hints: ['ya29.'], pattern: () => /\bya29\.[\w-]{20,512}/g },
  { hints: ['k_live_', 'k_test_'], pattern: () => /\b[rs]k_(?:live|test)_[A-Za-z0-9]{16,255}/g },
  { hints: ['whsec_'], pattern: () => /\bwhsec_[A-Za-z0-9+/=]{16,255}/g },
  { hints: ['sg.'], pattern: () => /\bSG\.[\w-]{16,64}\.[\w-]{16,64}/g },
  { hints: ['eyj'], pattern: () => /\beyJ[\w-]{8,4096}\.[\w-]{8,8192}\.[\w-]{8,2048}/g },
  {
    hints: ['://'],
    pattern: () => /(\b[a-z][a-z0-9+.-]{1,30}:\/\/)[^\s/@:'"]{0,256}:[^\s/@'"]{1,256}@/gi,
    put: `$1${mark}@`,
  },
  {
    hints: ['authorization'],
    pattern: () =>
      /(\bauthorization["']?\s{0,4}[:=]\s{0,4}["']?(?:(?:bearer|basic|token|digest)\s{1,4})?)(?!(?:bearer|basic|token|digest)\s|\[redacted\])[^\s"',;]{4,4096}/gi,
    put: `$1${mark}`,
  },
  { hints: ['bearer'], pattern: () => /(\bbearer\s{1,4})[\w.~+/=-]{16,4096}/gi, put: `$1${mark}` },
  {
    hints: ['passw', 'passphrase', 'pwd', 'secret', 'token', 'key', 'credential'],
    pattern: () =>
      /((?:^|[^A-Za-z0-9])[A-Za-z0-9_.-]{0,64}?(?:password|passwd|passphrase|pwd|secret|token|api[_-]?key|(?:access|account|shared|private|signing|encryption)[_-]?key|credentials?)[A-Za-z0-9_-]{0,32}["']?\s{0,4}[:=]\s{0,4})(?!\[redacted\]|(?<=token(?:s|_?count)\w{0,12}["']?\s{0,4}[:=]\s{0,4})\d{1,9}(?!\w))(?:"[^"\n]{1,4096}"|'[^'\n]{1,4096}'|[^\s"',;)}\]]{3,4096})/gi,
    put: `$1${mark}`,
  },
];

/** The text with every recognised secret replaced by `[redacted]`. Idempotent. */
export function redact(text: string): string {
  const lower = text.toLowerCase();
  return rules.reduce(
    (left, { hints, pattern, put = mark }) =>
      hints.some((hint) => lower.includes(hint)) ? left.replace(pattern(), put) : left,
    text,
  );
}
