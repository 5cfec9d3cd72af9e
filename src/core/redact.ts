/**
 * Takes secrets out of text before it is written anywhere. Every rule is linear in the length of the text.
 * What it cannot know: a secret without a shape of its own and without a telling name next to it.
 */
const mark = '[redacted]';

const rules: readonly [RegExp, string][] = [
  [
    /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY-----[\s\S]{0,20000}?(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY-----|$)/g,
    mark,
  ],
  [/\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}\b/g, mark],
  [/\bgh[pousr]_[A-Za-z0-9]{20,255}/g, mark],
  [/\bgithub_pat_[A-Za-z0-9_]{20,255}/g, mark],
  [/\bglpat-[\w-]{20,255}/g, mark],
  [/\bsk-(?:ant|proj|svcacct|admin|or)-[\w-]{16,512}/g, mark],
  [/\bsk-[A-Za-z0-9]{32,128}\b/g, mark],
  [/\bxox[abeoprs]-[A-Za-z0-9-]{10,255}/g, mark],
  [/\bxapp-[A-Za-z0-9-]{10,255}/g, mark],
  [/\bnpm_[A-Za-z0-9]{36}\b/g, mark],
  [/\bpypi-[\w-]{50,512}/g, mark],
  [/\bhf_[A-Za-z0-9]{30,64}\b/g, mark],
  [/\bAIza[\w-]{35}/g, mark],
  [/\bya29\.[\w-]{20,512}/g, mark],
  [/\b[rs]k_(?:live|test)_[A-Za-z0-9]{16,255}/g, mark],
  [/\bwhsec_[A-Za-z0-9+/=]{16,255}/g, mark],
  [/\bSG\.[\w-]{16,64}\.[\w-]{16,64}/g, mark],
  [/\beyJ[\w-]{8,4096}\.[\w-]{8,8192}\.[\w-]{8,2048}/g, mark],
  [/(\b[a-z][a-z0-9+.-]{1,30}:\/\/)[^\s/@:'"]{0,256}:[^\s/@'"]{1,256}@/gi, `$1${mark}@`],
  [
    /(\bauthorization["']?\s{0,4}[:=]\s{0,4}["']?(?:(?:bearer|basic|token|digest)\s{1,4})?)(?!\[redacted\])[^\s"',;]{4,4096}/gi,
    `$1${mark}`,
  ],
  [/(\bbearer\s{1,4})[\w.~+/=-]{16,4096}/gi, `$1${mark}`],
  [
    /((?:^|[^A-Za-z0-9])[A-Za-z0-9_.-]{0,64}?(?:password|passwd|passphrase|pwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|credentials?)[A-Za-z0-9_-]{0,32}["']?\s{0,4}[:=]\s{0,4})(?!\[redacted\])(?:"[^"\n]{1,4096}"|'[^'\n]{1,4096}'|[^\s"',;)}\]]{3,4096})/gi,
    `$1${mark}`,
  ],
];

/** The text with every recognised secret replaced by `[redacted]`. Idempotent. */
export const redact = (text: string): string =>
  rules.reduce((left, [rule, put]) => left.replace(rule, put), text);
