/** Secrets by their place: what is piped into a program that asks for one, kept by a program that keeps them, or the second argument of a login. */
import { isReference, looksSecret } from './looks.ts';
import { mark } from './mark.ts';

const value = `(?:"[^"\\n]{1,512}"|'[^'\\n]{1,512}'|[^\\s"'|;&<>]{1,512})`;
const asking =
  '(?:sudo\\b[^\\n|;&]{0,80}?\\s-\\w*S|su\\b|passwd|chpasswd|cryptsetup|kinit|smbpasswd|(?:docker|podman|helm|oras|crane|gh auth|npm|oc|az|cosign)\\b[^\\n|;&]{0,80}?\\slogin|gpg\\b[^\\n|;&]{0,80}?--passphrase-fd|(?:gh|wrangler) secret|vercel env add|gcloud secrets)';
/** A program that keeps secrets: what it is told on its line, in each of these places. */
const keepers: readonly [hint: string, command: string, place: string][] = [
  ['create secret', '\\bcreate secret\\b', '--from-literal[= ]["\']?[\\w.-]{1,100}='],
  ['vault ', '\\bvault (?:kv (?:put|patch)|write)\\b', '(?<=\\s)["\']?[\\w.-]{1,60}='],
  ['secrets set', '\\bsecrets set\\b', '(?<=\\s)["\']?[A-Za-z_]\\w{0,60}='],
  ['secret set', '\\bsecret set\\b', '\\s(?:--body|-b)[= ]'],
  ['secretsmanager', '\\bsecretsmanager [a-z]+-secret', '--secret-string[= ]'],
  ['put-parameter', '\\bput-parameter\\b(?=[^\\n]{0,1000}SecureString)', '--value[= ]'],
  ['user-secrets set', '\\buser-secrets set (?:"[^"\\n]{1,100}"|\\S{1,100}) ', '^'],
  ['-generic-password', '\\badd-(?:generic|internet)-password\\b', '\\s-w '],
  ['wpa_passphrase', '\\bwpa_passphrase (?:"[^"\\n]{1,64}"|\\S{1,64}) ', '^'],
  ['net use', '\\bnet use\\b', '/user:\\S{1,100} '],
  ['net user', '\\bnet user (?!/)\\S{1,64} ', '^(?!/)'],
  ['encrypt_string', '\\bencrypt_string ', '^(?!-)'],
];

const put = (whole: string, head: string, said: string): string => {
  const bare = said.replace(/^(["'])(.*)\1$/, '$2');
  return bare.length < 3 || /^(?:\d{1,6}[smhd]?|true|false)$/.test(bare) || isReference(bare)
    ? whole
    : head + mark;
};

function withoutKept(text: string): string {
  const lower = text.toLowerCase();
  let left = text;
  for (const [hint, command, place] of keepers) {
    if (!lower.includes(hint)) continue;
    const inner = new RegExp(`(${place})(${value})`, 'g');
    left = left.replace(
      new RegExp(`(${command})((?:[^\\n\\\\|;&]|\\\\\\n|\\\\|[;&|](?=\\S)){1,2000})`, 'gi'),
      (_, head: string, rest: string) => head + rest.replace(inner, put),
    );
  }
  return left;
}

const piped = new RegExp(
  `(\\b(?:echo|printf)\\s(?:-\\w\\s|["']%s(?:\\\\n)?["']\\s)?)(${value})(?=\\s?\\|\\s?${asking})`,
  'g',
);
const fed = new RegExp(`(\\b${asking}[^\\n|;&]{0,100}?<<<\\s?)(${value})`, 'g');
const secureString = new RegExp(`(\\bConvertTo-SecureString\\s(?:-\\w+\\s){0,3})(${value})`, 'gi');

/** `login("ada", "x")`: a call that takes a name and a password. */
const calls =
  /(\b(?:\w{0,30}(?:login|logIn|signIn|sign_in|[bB]asicAuth|BASIC_AUTH|basic_auth|NetworkCredential|PlainAuth|getConnection|Credentials|AuthenticationToken)|authenticate|auth\s?=\s?)\(\s{0,8}(?:(?:"[^"\n]{0,128}"|'[^'\n]{0,128}'|[\w.]{1,40})\s?,\s{0,8}){1,3})("[^"\n]{4,128}"|'[^'\n]{4,128}')(?=\s{0,8}[,)])/g;

/** The text without secrets that only their place gives away. */
export function withoutGiven(text: string): string {
  let left = withoutKept(text);
  if (/\b(?:echo|printf)\s/.test(left)) left = left.replace(piped, put);
  if (left.includes('<<<')) left = left.replace(fed, put);
  left = left.replace(secureString, put);
  if (!/login|sign_?in|auth|credential|getconnection/i.test(left)) return left;
  return left.replace(calls, (whole, head: string, said: string) => {
    const bare = said.slice(1, -1);
    return looksSecret(bare, 2, true) || (/\d/.test(bare) && looksSecret(bare, 3, true))
      ? `${head}${said[0]}${mark}${said[0]}`
      : whole;
  });
}
