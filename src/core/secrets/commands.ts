/** Secrets on command lines and in headers, where no name of a secret stands beside them. */
import { isReference, random } from './looks.ts';
import { mark } from './mark.ts';

const value = `(?:"([^"\\n]{1,512})"|'([^'\\n]{1,512})'|([^\\s"'|;&]{1,512}))`;

/** Programs with an option of one letter that takes a password. Between them stand no other commands. */
const options: readonly [hint: string, program: string, option: string][] = [
  ['mysql', '(?:mysql|mysqldump|mysqladmin|mariadb|mariadb-dump|mycli)', '-p'],
  ['sshpass', 'sshpass', '-p ?'],
  ['redis-cli', '(?:redis|valkey)-cli', '-a '],
  ['valkey-cli', 'valkey-cli', '-a '],
  ['openssl', 'openssl', '-(?:k|K|pass(?:in|out)?|passin|passout|hmac|password) (?:pass:)?'],
  ['docker', '(?:docker|podman|helm|nerdctl|skopeo)(?: registry)? login', '-p '],
  ['podman', '(?:podman)(?: registry)? login', '-p '],
  ['mongo', '(?:mongo|mongosh|mongodump|mongorestore|mongoexport|mongoimport)', '-p '],
  ['ldap', 'ldap(?:search|modify|add|delete|whoami|passwd)', '-w '],
  ['sqlcmd', '(?:sqlcmd|bcp|osql|isql)', '-P ?'],
  ['zip', '(?:zip|unzip|zipinfo)', '-P '],
  ['7z', '7za?', '-p'],
  ['snmp', 'snmp\\w+', '-[AX] '],
  ['htpasswd', 'htpasswd', '-\\w*b\\w* \\S{1,200} \\S{1,200} '],
  ['az login', 'az login', '-p '],
  ['cqlsh', 'cqlsh', '-p '],
  ['ipmitool', 'ipmitool', '-P '],
  ['xfreerdp', 'xfreerdp', '/p:'],
  ['sentry-cli', 'sentry-cli', '--auth-token '],
];

const take = (...found: (string | undefined)[]): string => found.find((one) => one !== undefined) ?? '';

function withoutOptions(text: string): string {
  const lower = text.toLowerCase();
  let left = text;
  for (const [hint, program, option] of options) {
    if (!lower.includes(hint)) continue;
    const pattern = new RegExp(
      `(\\b${program}\\b[^\\n|;&]{0,300}?\\s${option.replace(/ (?=$|\()/, '[ \\t]{1,8}')})${value}`,
      'g',
    );
    left = left.replace(pattern, (whole, head: string, ...rest: (string | undefined)[]) => {
      const said = take(rest[0], rest[1], rest[2]);
      return isReference(said) || /^(?:pass|env|file|stdin|fd):/.test(said) || said.length < 3
        ? whole
        : head + mark;
    });
  }
  return left;
}

/** `curl -u ada:secret`, `--user`, `--proxy-user`, `smbclient -U ada%secret`. */
const withoutUsers = (text: string): string =>
  /\s-(?:[a-zA-Z]{0,6}[uU]|-user|-proxy-user)/.test(text)
    ? text.replace(
        /(\s(?:-[a-zA-Z]{0,6}[uU]|--(?:proxy-)?user)[= \t]{0,4}["']?)([^\s:%"'/@]{0,128})([:%])([^\s"'`]{2,256})/g,
        (whole, head: string, user: string, sign: string, password: string) =>
          isReference(password) ||
          /^\d{1,5}(?::\d{1,5})?$/.test(password) ||
          (sign === '%' && !/-U/.test(head))
            ? whole
            : `${head}${user}${sign}${mark}`,
      )
    : text;

const schemes =
  'bearer|basic|token|digest|apikey|api-key|negotiate|ntlm|hawk|key|aws4-hmac-sha256|sso-key|oauth|jwt|splunk|gosu|genie[a-z]{0,8}|bot';
const header = new RegExp(
  `(\\b(?:proxy-)?authorization\\\\?["'\`]?[\\])]?\\s{0,4}(?:[:=,]|=>)\\s{0,4}\\\\?["'\`]?(?:f["'])?(?:(?:${schemes})\\s{1,4})?)([^\\s"'\`,;\\\\)]{6,4096})`,
  'gi',
);

function withoutHeaders(text: string): string {
  if (!/authorization|bearer|signature|basic|credential/i.test(text)) return text;
  return text
    .replace(header, (whole, head: string, said: string) =>
      isReference(said) ||
      (!/(?:bearer|basic|token|digest|key|bot|jwt)\s+$/i.test(head) && !random(said, 12)) ||
      !(/[\dA-Z+/=_.]/.test(said) || said.length > 24)
        ? whole
        : head + mark,
    )
    .replace(
      /(\b(?:bearer|basic)\s{1,4}["'`]?)([\w.~+/=-]{12,4096})/gi,
      (whole, head: string, said: string) =>
        random(said, 12) || (/=$/.test(said) && /[A-Z]/.test(said)) ? head + mark : whole,
    )
    .replace(
      /(\b(?:signature|response|cnonce|oauth_signature)=["']?)([\w+/=%-]{16,512})/gi,
      (whole, head: string, said: string) => (random(said, 16) ? head + mark : whole),
    );
}

/** The values of cookies that are long and random: those of a session. */
function withoutCookies(text: string): string {
  if (!/cookie|\s-b\s/i.test(text)) return text;
  return text.replace(
    /(\b(?:set-)?cookie\\?["'`]?\]?\s{0,4}[:=,]\s{0,4}|\bcurl\b[^\n]{0,300}?\s(?:-b|--cookie)[ \t=]{1,4})([^\n]{4,4096})/gi,
    (_, head: string, pairs: string) =>
      head +
      pairs.replace(/([\w.%-]{1,100}=)([^\s;"',]{6,2048})/g, (pair, of: string, said: string) =>
        !/^(?:expires|max-age|path|domain|samesite|version)=$/i.test(of) && random(said, 8) && /\d/.test(said)
          ? of + mark
          : pair,
      ),
  );
}

/** `CREATE USER a IDENTIFIED BY 'x'`. */
const withoutSql = (text: string): string =>
  text.replace(
    /(\bIDENTIFIED\s{1,4}(?:WITH\s{1,4}\S{1,60}\s{1,4})?(?:BY|AS)\s{1,4}(?:PASSWORD\s{1,4})?)('[^'\n]{1,256}'|"[^"\n]{1,256}")/gi,
    (whole, head: string, said: string) =>
      isReference(said.slice(1, -1)) ? whole : `${head}${said[0]}${mark}${said[0]}`,
  );

/** The text without passwords in options of commands, in headers, cookies and SQL. */
export const withoutCommands = (text: string): string =>
  withoutSql(withoutCookies(withoutHeaders(withoutUsers(withoutOptions(text)))));
