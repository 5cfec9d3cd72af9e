/**
 * Takes secrets out of text before it is written anywhere. What is invisible goes first, so that nothing can hide inside a secret.
 * Finding them takes a large table, which is loaded only for text that might hold one.
 */
import { visible } from './quote.ts';
import { withoutSecrets } from './secrets.ts';

/** Every rule needs one of these: a telling word, an address, an option of one letter, a long word. */
const perhaps =
  /[\w+/=.~:%-]{16}|\/\/|-----?|[^\x00-\x7f]|pass|pwd|pw|psw|secret|token|key|cred|auth|cookie|sess|sid|sig|salt|seed|pepper|phrase|word|clave|senha|parola|has[lł]o|heslo|jelszo|kode|sandi|losung|geheim|schl|segredo|jeton|dsn|pat|jwt|bearer|otp|hmac|mnemonic|webhook|private|cert|sas|csrf|xsrf|nonce|assertion|code|string|log(?:ged)? ?in|sign|account|user|vault|net use|zugang|identifiant|api|mdp|clave|identified|\s-[a-z]|kind|kty/i;

/** What is kept of text that cannot be looked through: the part that finds secrets is missing or cannot be read. */
const unread = '[redacted: not looked through]';

/** Nothing that is kept is nearly as long. */
const mostChars = 100_000;

/** At most so many characters of the text, without the word that would be cut: half of it might be half a secret. */
export function beginning(text: string, chars: number): string {
  if (text.length <= chars) return text;
  let end = chars;
  while (end > 0 && /[!-~]/.test(text[end - 1]!)) end--;
  return text.slice(0, end);
}

/** The text with nothing invisible in it and with every recognised secret replaced by `[redacted]`. Idempotent. Of a very long text the beginning. */
export function redact(text: string): string {
  const seen = visible(beginning(text, mostChars));
  if (!perhaps.test(seen)) return seen;
  try {
    return withoutSecrets(seen);
  } catch {
    return unread;
  }
}
