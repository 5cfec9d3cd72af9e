/** Secrets in addresses: the password before a host, and addresses that are a secret as a whole. */
import { isReference, random } from './looks.ts';
import { mark } from './mark.ts';

const address = /(?<![A-Za-z0-9+.-])((?:[a-z][a-z0-9+.-]{0,30}:)?\/\/)([^\s"'<>`]{1,600})/gi;

/** `user:password@host`; the password may hold `@`, `/` and `:`. */
function withoutPassword(rest: string): string {
  const last = rest.search(/@[^@]*$/);
  if (last < 1) return rest;
  // What follows the at sign has to be a host, and what stands before it no path behind a port.
  const host =
    /^@(?:[\w-]+(?:\.[\w-]+)*|\[[0-9a-f:]+\]|\([^)]*\)|tcp\([^)]*\)|\$\{?\w+\}?)(?=[:/?#,;)\]}|\\&.]|$)/i;
  let at = last;
  while (at > 0 && !host.test(rest.slice(at, at + 300))) at = rest.lastIndexOf('@', at - 1);
  if (at < 1) return rest;
  const info = rest.slice(0, at);
  const colon = info.indexOf(':');
  const password = colon < 0 ? info : info.slice(colon + 1);
  if (colon < 0) return random(info, 16) && !/[/?]/.test(info) ? mark + rest.slice(at) : rest;
  if (password === '' || info.slice(0, colon).includes('/')) return rest;
  if (/^\d{1,5}[/?#]/.test(password) || password.includes(mark)) return rest;
  if (
    /^(?:\$|\{|<|%[A-Za-z_]\w+%$|\*+$|x{3,}$|\.{3}$|password$|pass$|passwd$|pwd$|token$|secret$|your\w*$)/i.test(
      password,
    )
  )
    return rest;
  return mark + rest.slice(at);
}

/** Whoever knows one of these may post. */
const webhooks: readonly [RegExp, string][] = [
  [/(hooks\.slack(?:-gov)?\.com\/(?:services|workflows|triggers)\/)[\w/+-]{12,300}/gi, `$1${mark}`],
  [/(discord(?:app)?\.com\/api\/(?:v\d{1,2}\/)?webhooks\/)\d{5,25}\/[\w-]{20,120}/gi, `$1${mark}`],
  [/(webhook\.office(?:365)?\.com\/webhookb2\/)[\w@/-]{20,400}/gi, `$1${mark}`],
  [
    /((?:hooks\.zapier\.com\/hooks\/catch|maker\.ifttt\.com\/(?:trigger|use)|hook\.[\w.]{0,20}make\.com|webhook\.site|hooks?\.[\w.-]{1,60}\/hooks|\/plugins\/servlet\/hook|\/open-apis\/bot\/v\d\/hook)\/)[\w/@-]{12,300}/gi,
    `$1${mark}`,
  ],
  [
    /(\/api\/v\d\/integrations\/webhook\/|outlook\.office(?:365)?\.com\/webhook\/|hc-ping\.com\/|events\.pagerduty\.com\/integration\/)[\w@/-]{16,300}/gi,
    `$1${mark}`,
  ],
  [/(?<![A-Za-z0-9])((?:bot)?)\d{8,10}:AA[\w-]{30,40}/g, `$1${mark}`],
];

/** The text without passwords in addresses and without addresses that are secret. */
export function withoutAddresses(text: string): string {
  let left = text.includes('//')
    ? text.replace(
        address,
        (_, scheme: string, rest: string) => scheme + (rest.includes('@') ? withoutPassword(rest) : rest),
      )
    : text;
  left = left.replace(
    /((?:jdbc:oracle:\w{1,8}:|\bsqlplus\s(?:-\w\s)?)[\w.-]{1,64}\/)[^\s/"']{2,128}(?=@)/gi,
    `$1${mark}`,
  );
  // A line of .pgpass.
  left = left.replace(
    /(^[\w.*-]{1,253}:(?:\d{2,5}|\*):[\w.*-]{1,64}:[\w.*-]{1,64}:)(?!\d+$)[^\s:]{4,128}$/gm,
    `$1${mark}`,
  );
  for (const [pattern, put] of webhooks) left = left.replace(pattern, put);
  return left.replace(
    /(?<![\w:/@.-])([\w.-]{1,64}):([^\s:@/"'`<>]{3,128})@(?=(?:tcp|unix)\()/g,
    (whole, user: string, password: string) => (isReference(password) ? whole : `${user}:${mark}@`),
  );
}
