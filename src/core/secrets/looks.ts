/**
 * Does a value look like a secret? Only its shape is judged here: how often it changes between letters, digits and cases, and whether
 * it is code, a path, a placeholder or plain words.
 */
import { mark } from './mark.ts';

/** How much a name tells: 3 a password, 2 a secret or a token, 1 a key or something else that is often no secret. */
export type Telling = 1 | 2 | 3;

const runs = (text: string): number => text.match(/[A-Z]?[a-z]+|[A-Z]+|\d+/g)?.length ?? 0;

/** Names of algorithms and versions hold digits and are no secrets. */
const technical =
  /^(?:sha|md|aes|hs|rs|es|ps|rsa|ed|utf|base|ipv?|oauth|argon|bcrypt|scrypt|pbkdf|hmac|v|http|tls|ssl|web|python|node|u?int|float)[-_]?\d{1,5}(?:[a-z]{0,3}|array)(?:[-_][a-z]+)?$|^(?:x509|h26[45]|i18n|l10n|k8s|s3|ec2)$/i;

/** Is this word the name of an algorithm or of a version? */
export const isTechnical = (word: string): boolean => technical.test(word);

/** Letters, digits and cases that take turns as they do in no word of a language or a program. */
export function random(value: string, least: number): boolean {
  const core = value.slice(0, 256).replace(/[^A-Za-z0-9]+/g, '');
  if (core.length < least || !/[A-Za-z]/.test(core)) return false;
  // Capitals and digits, in one piece or in groups: base32, the keys of licences.
  if (core.length >= 16 && /^[A-Z0-9]{4,}(?:-[A-Z0-9]{4,})*=*$/.test(value) && /\d.*\d/.test(core))
    return true;
  if (!/\d/.test(core)) return randomLetters(core, least);
  return runs(core) * 3.4 >= core.length || (core.length >= 24 && runs(core) * 4.5 >= core.length);
}

/** Random letters without a digit: cases take turns, or hardly any vowel. */
function randomLetters(core: string, least: number): boolean {
  if (core.length < Math.max(least, 12)) return false;
  if (runs(core) * 2.8 >= core.length && /[a-z]/.test(core) && /[A-Z]/.test(core)) return true;
  return (
    core.length >= 16 && (core.match(/[bcdfghjklmnpqrstvwxz]{5,}/gi)?.join('').length ?? 0) * 2 >= core.length
  );
}

const hex = /^(?:0x)?[0-9a-f]+$/i;
const uuid = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;

/** Without a name beside it: long, of all three kinds, and neither a hash nor an id. */
export function randomAlone(word: string): boolean {
  if (hex.test(word) || uuid.test(word)) return false;
  const core = word.replace(/[^A-Za-z0-9]+/g, '');
  const turns = core.match(/\d+/g)?.length ?? 0;
  return (
    core.length >= 24 &&
    turns >= 3 &&
    /[a-z]/.test(core) &&
    /[A-Z]/.test(core) &&
    runs(core) * 2.9 >= core.length &&
    (word.match(/[-_/.=~]/g)?.length ?? 0) * 7 <= word.length
  );
}

/** Looked up, interpolated, computed or masked: the value stands elsewhere. */
const elsewhere =
  /^(?:\$\{|\$\(|\$\$?[A-Za-z_{]\w*$|\$[A-Za-z_]\w*(?:[/:.]|\)|$)|\$env:|\{\{|#\{|%[A-Za-z_]\w*%|%[sdvq]$|<[^<>]{1,60}>?|\[[^\]]{0,60}\]$|\{[\w.]*\}?$|@\w+@?$|![a-z][\w:/.]*$|\*{3,}|[•●*x_.#-]+$|(?:process|import\.meta|os|deno|bun|sys|env|config|settings|secrets?|vault|self|this|args?|opts?|options|params?|props|req|request|res|ctx|context|data|user|event|state|var|local|module|each|input|form)(?:\?|!)?[.[(]|(?:env|getenv|lookup|file|vault|ref|secretref|arn|op|keychain|ssm|kms|projects)[:(/]|(?:await|async|new|function|lambda|return|typeof|not|if|null|nil|none|undefined|true|false|yes|no|on|off)(?![\w-]))/i;

/** A member, a call, an index, a type: what stands in code where a literal could stand. */
const code =
  /^[!&*@]?(?:[A-Za-z_$][\w$]*)(?:(?:\?\.|\.|::|->)[A-Za-z_$][\w$]*)+[;,)]*$|^[A-Za-z_$][\w$.:]*!?(?:\(|\[\]|\[["'\w]+\]|<\w)|^\([^)]*\)\s*=>|^[A-Za-z_]\w*\s*(?:\|\||&&|\?\?|\|)\s/;

const path =
  /^(?:~|\.{1,2})?\/[\w.@+-]+(?:\/[\w.@+-]*)*$|^(?:~|\.{1,2})\/|^[A-Za-z]:\\|^[\w.-]+(?:\/[\w.-]+)*\.(?:[cm]?[jt]sx?|json|ya?ml|toml|pem|key|crt|cer|p12|txt|md|py|go|rs|rb|java|env|cfg|ini|conf|html|css|svg|png|sh|xml|properties)$/;
const address = /^[a-z][a-z0-9+.-]{1,20}:\/\//i;

const placeholder =
  /^(?:your|my|the|a|an|some|insert|enter|put|add|replace|paste|example|sample|dummy|fake|mock|placeholder|change|foo|bar|baz|todo|tbd|fixme|redacted|hidden|masked|removed|secret|password|passwd|pass|token|apikey|key|value|test|none|null|empty|n\/a|x{3,}|user|username|admin|root|required|optional)(?:$|[-_. ](?:your|my|api|access|auth|secret|token|key|pass(?:word)?|here|me|this|it|goes|value|id|user|name|example|new|old|client|app|test|real|actual|with|in|prod|db|database)\b.*$)|^(?:changeme|changeit|letmeinhere|yourpassword|yoursecret|yourtoken|yourkey|mypassword|example\w{0,10}|string|str)$/i;

/** Words that follow the name of a secret in prose, in schemas and in screens. */
const plainWords = new Set(
  (
    'required optional missing invalid valid wrong incorrect correct expired expires expire unset set empty blank none null undefined unknown ' +
    'string number boolean object array bytes buffer text varchar char int integer float any unknown never void str bool type types field fields input value values ' +
    'true false yes no on off default defaults enabled disabled allowed denied forbidden unauthorized authorized rejected refused accepted failed failure ok okay error errors success ' +
    'hidden masked redacted removed rotated rotate revoked revoke refresh refreshed reset changed change updated update created create deleted delete generated generate stored store saved ' +
    'see use used uses using stays comes goes gets must may should can cannot will would is are was were not and or the a an of in on at to from for with by as if when then than it its this that ' +
    'minimum maximum min max length strength strong weak policy rules rule hash hashed hashing encrypted plain plaintext bcrypt argon scrypt pbkdf salted ' +
    'prompt prompts ask asks stdin env environment file vault keychain keyring config configuration secret secrets password passwords passwd passphrase token tokens key keys credential credentials ' +
    'login logout signin signup user users username email name id account admin root guest owner role session cookie header headers body query param params form page screen dialog modal button label placeholder ' +
    'bearer basic digest oauth jwt saml oidc sso ldap kerberos none header include omit same-origin manual automatic auto always never sometimes only once twice ' +
    'pending todo done open closed new old current next previous first last same other another every each all some many few more less ' +
    'confirm confirmation repeat forgot forgotten forget show hide toggle visible invisible copy paste manager generator storage provider service server client handler helper test tests testing mock fake dummy example sample ' +
    'public private internal external local remote global shared static const let var self this nil module class function return await async import export interface enum struct ' +
    'passwort kennwort contraseña parola heslo wachtwoord obligatoire requis erforderlich fehlt falsch ungültig requerido incorrecta pflichtfeld'
  ).split(' '),
);
const isPlain = (word: string): boolean => plainWords.has(word.toLowerCase());

/** The value stands somewhere else, or is none: nothing is given away. */
export function isReference(value: string): boolean {
  if (value.startsWith(mark) || !/[\p{L}\p{N}]/u.test(value)) return true;
  if (technical.test(value) || placeholder.test(value) || address.test(value)) return true;
  if (elsewhere.test(value) || code.test(value)) return !random(value.replace(/^[\w.]*[.[(]/, ''), 20);
  return path.test(value) && !value.split('/').some((part) => random(part, 20));
}

const mixed = (word: string, least: number): boolean =>
  word.length >= least && /\d/.test(word) && /\p{L}/u.test(word) && !technical.test(word);

/** One word as a password: nearly anything but code and plain words. */
function passwordWord(word: string, quoted: boolean, alone: boolean): boolean {
  if (/^\d+$/.test(word)) return word.length >= 4;
  if (/\d/.test(word))
    return !/^\d+(?:\.\d+)*(?:px|em|rem|%|ms|s|m|h|d|kb|mb|gb)?$/i.test(word) && !/^\d+[-/]\d+/.test(word);
  if (/[!#$%^&+~?@]/.test(word) && !/[()[\]{}<>|]|&&|\?\.|[!?]$/.test(word)) return word.length >= 5;
  const letters = word.replace(/[-_.!?]+$/, '');
  if (random(letters, 12)) return true;
  if (!alone || letters.length < (quoted ? 3 : 5) || letters.split(/[-_. ]/).some(isPlain)) return false;
  if (/[a-z][A-Z]|[_.]/.test(letters)) return quoted && !/(?:pass|token|secret|key|pwd|auth)/i.test(letters);
  return !/(?:pass(?!ion)|pwd|secret|token)/i.test(letters) && /^[\p{Script=Latin}-]+$/u.test(letters);
}

const function_ =
  /^(?:is|are|your|the|a|an|must|enter|please|to|of|for|and|or|in|with|be|has|not|at|by|from|your|you|we|it|this|that|can|do|does|if|must|should|will|was|were|on|as)$/i;

function passwordPhrase(words: readonly string[], quoted: boolean): boolean {
  if (words.some((word) => mixed(word, 6) && !isReference(word) && !/^\d/.test(word))) return true;
  return (
    quoted &&
    words.length >= 4 &&
    words.every((word) => /^[a-z]+$/.test(word) && !isPlain(word) && !function_.test(word))
  );
}

/** Twelve and more short words in small letters: the seed of a wallet. */
export const isMnemonic = (words: readonly string[]): boolean =>
  words.length >= 12 && words.length <= 25 && words.every((word) => /^[a-z]{3,8}$/.test(word));

/** Is this value, beside a name that tells so much, a secret? `alone` is one that no sentence goes on behind. */
export function looksSecret(value: string, telling: Telling, quoted: boolean, alone = quoted): boolean {
  const words = value.trim().split(/\s+/);
  const word = words[0] ?? '';
  if (isReference(value.trim()) || (words.length > 1 && isReference(word) && !quoted)) return false;
  if (telling === 3)
    return words.length > 1 ? passwordPhrase(words, quoted) : passwordWord(word, quoted, alone);
  if (words.length > 1) return quoted && words.length <= 3 && words.some((part) => random(part, 16));
  if (telling === 1) return random(word, 16);
  if (random(word, 8) && (/\d/.test(word) || word.length >= 16))
    return word.length >= 10 || /\d[A-Za-z]+\d|[A-Za-z]\d+[A-Za-z]/.test(word);
  if (/[!#$%^&*+~?@]/.test(word) && !/[()[\]{}<>|]/.test(word))
    return word.length >= 10 && /[A-Za-z]/.test(word);
  return mixed(word, 8) && !/^[a-z]+(?:[-_.:][a-z0-9]+)+$/i.test(word);
}
