/** What a name tells of the value beside it. Its last word decides: `db_password` holds one, `password_reset_url` does not. */
import type { Telling } from './looks.ts';

const words = (text: string): readonly string[] => text.split(' ');

/** By the last word, in lower case. */
const byWord = new Map<string, Telling>([
  ...words(
    'pass passw password passwords passwd psswd pswd pwd pw passphrase passphrases passcode passwort passwörter kennwort losung contraseña contrasena clave senha ' +
      'пароль пароля parola şifre sifre hasło haslo heslo jelszó jelszo lösenord losenord salasana adgangskode wachtwoord parol passord sandi κωδικός סיסמה',
  ).map((word): [string, Telling] => [word, 3]),
  ...words(
    'secret secrets token tokens apikey apikeys accesskey secretkey privatekey credential credentials creds pat jwt bearer authtoken accesstoken refreshtoken ' +
      'keydata mnemonic otp totp hmac authorization auth webhook geheimnis schlüssel schluessel segredo secreto токен секрет ключ jeton clé signature dsn',
  ).map((word): [string, Telling] => [word, 2]),
  ...words(
    'key keys salt pepper cookie cookies session sessionid sid sig seed private sas cert phrase words csrf xsrf nonce assertion code connectionstring api appid',
  ).map((word): [string, Telling] => [word, 1]),
]);

/** Languages without spaces: the name ends with it. */
const byEnd: readonly [string, Telling][] = [
  ...words('密码 密碼 口令 パスワード 暗証番号 비밀번호 암호 كلمة المرور पासवर्ड รหัสผ่าน').map(
    (word): [string, Telling] => [word, 3],
  ),
  ...words('密钥 密鑰 令牌 秘钥 トークン シークレット キー 토큰').map((word): [string, Telling] => [word, 2]),
  ...words('password passwd passphrase passwort kennwort passcode').map((word): [string, Telling] => [
    word,
    3,
  ]),
  ...words('apikey secretkey accesskey privatekey authtoken accesstoken secret token').map(
    (word): [string, Telling] => [word, 2],
  ),
];

/** Names of two and more words, as prose has them; each told by its last one or two. */
const phrases =
  /(?:mot de passe|palabra clave|mật khẩu|kata sandi|pass phrase|pass code|(?:seed|recovery|mnemonic) (?:phrase|words))$/i;

/** What may follow the telling word in a name without changing what it names. */
const trailing = new Set(
  words(
    'data value val base64 b64 encoded plain plaintext raw text prod production staging dev live test old new current backup default string str env here hash body base id1',
  ),
);
const secretKeys = new Set(
  words(
    'api access secret private signing sign encryption encrypt enc decryption master account client app application auth shared session jwt license licence storage service server ' +
      'deploy ssh gpg pgp admin webhook token consumer write read root user cookie hmac aes rsa ec rails stripe openai anthropic github gitlab aws azure gcp google subscription cosmos ' +
      'sas primary_access preshared psk wg wireguard datadog sendgrid mailgun twilio functions function host_ vault unseal recovery rsa_private tls ssl',
  ),
);
/** Keys that everybody may know, and keys of maps. */
const openKeys = new Set(
  words(
    'public primary foreign cache partition sort idempotency i18n translation hot shortcut row group object map unique composite range hash index lookup pub dedup dedupe',
  ),
);

const parts = (name: string): string[] =>
  name
    .replace(/([\p{Ll}\d])(?=\p{Lu})|(\p{Lu})(?=\p{Lu}\p{Ll})/gu, '$1$2_')
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter(Boolean);

function keyOf(before: string | undefined): Telling | 0 {
  if (before === undefined) return 1;
  if (openKeys.has(before)) return 0;
  return secretKeys.has(before) ? 2 : 1;
}

function tellingWord(word: string, before: string | undefined): Telling | 0 {
  if (word === 'key' || word === 'keys') return keyOf(before);
  const bare = word.replace(/(?<=[^\x00-\x7f])(?:[はがをのも는은이가를을是为為]|です)+$/, '');
  if (bare !== word && bare !== '') return tellingWord(bare, before);
  const known = byWord.get(word);
  if (known)
    return known === 2 &&
      before &&
      /^(?:public|next|page|cursor|continuation|sync|resume|design|csrf)$/.test(before)
      ? 1
      : known;
  const end = byEnd.find(([ending]) => word.length > ending.length && word.endsWith(ending));
  return end ? end[1] : (byEnd.find(([ending]) => word === ending)?.[1] ?? 0);
}

/** How much `name` tells, with the words before it where it stands in prose (`API key`, `mot de passe`); 0 is nothing. */
export function telling(name: string, before: string): Telling | 0 {
  const all = parts(name);
  for (;;) {
    const last = all.at(-1);
    if (last === undefined || all.length === 1) break;
    if (!trailing.has(last) && !/^\d{1,3}$/.test(last)) break;
    all.pop();
  }
  const last = all.at(-1)?.replace(/\d{1,3}$/, '');
  if (last === undefined || last === '') return 0;
  if (phrases.test(`${before}${name}`)) return 3;
  return tellingWord(last, all.at(-2) ?? before.match(/([\p{L}]+)[ -]$/u)?.[1]?.toLowerCase());
}
