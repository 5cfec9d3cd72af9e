/** Secrets that stand alone: tokens with the beginning of a vendor, and words that are too random for anything else. */
import { random, randomAlone } from './looks.ts';
import { mark } from './mark.ts';
import { withContinuation } from './named.ts';
import { prefixes } from './vendor-prefixes.ts';

/**
 * Beginnings that the table of `vendor-prefixes.ts` cannot hold. Each of the first is in an expression of gitleaks 8.30.1, of the detectors of TruffleHog
 * 3.90 or of secretlint 11; each of the second was met in the code and the manuals of many public repositories.
 */
const inScanners =
  '1//0 A3T ABIA AC ACCA access-sandbox- age-secret-key- AGPA AIDA aio_ AIza AKCp AKIA ANPA api_org_ apify_api_ AQVN ' +
  'AROA ASIA ATATT3 ATBB ATCTT3 bkua_ CCIPAT_ CFPAT- cmVmd contentful_ dapi dckr_oat_ dckr_pat_ ddp_ doppler_ ' +
  'dp.audit. dp.ct. dp.sa. dp.scim. EZAK fm2_ fo1_ gho_ github_pat_ glsoat- gsk_ hf_ hvs. key- live_ lsv2_pt_ lsv2_sk_ ' +
  'nfp_ NRAK- NRII- NRJS- ntn_ nvapi- ops_ pat-eu1- pat-na1- patt phx_ pk-lf- pk_live_ pscale_ pypi- r8_ rk_ sbp_ ' +
  'secret_ sgp_ SK sk- sk-ant- sk-lf- sk_ sl. sm_ sntrys_ sq0idp- sqa_ sqp_ squ_ t1. test_ tskey- tskey-api- v1. xai- ' +
  'xkeysib- xoxa- xoxe.xoxb- xoxe.xoxp- xoxp- xoxr- ya29. ';
const inTheWild =
  'access-production- APP_USR- cal_live_ csk- dp.st. figd_ fm1r_ GOCSPX- lin_oauth_ mlsn. pcsk_ phc_ pk.eyJ polar_oat_ ' +
  're_ sb_secret_ sk-or-v1- snyk_uat. sq0csp- tskey-auth- tvly- v4.local. whsec_ xoxc- xoxd- xoxo- xoxs- xsmtpsib- ';

/** What is known of a token by its beginning alone, so that fewer signs of chance are enough. */
const known = `${prefixes} ${inScanners}${inTheWild}`.split(' ').filter((prefix) => prefix.length > 1);
const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\/-]/g, '\\$&');
const beginnings = new RegExp(
  `(?<![A-Za-z0-9])(?:${[...new Set(known)]
    .sort((a, b) => b.length - a.length)
    .map(escaped)
    .join('|')})`,
  'g',
);
/** In one of these a token is more than one word. */
const armed = /[A-Za-z0-9_+/=.~%-]*/y;

/** These begin ids, hashes and pictures, which are no secrets. */
const harmless =
  /(?:\bsha\d{1,3}[-:=]|base64,|\bintegrity\W{1,4}|\bh1:|\bssh-[a-z0-9]{2,10} |\becdsa-[a-z0-9-]{2,20} |\b(?:toolu|msg|req|call|run|asst|thread|session|resp|rs|fc|file|batch|step|chatcmpl|srvtoolu|evt|cus|sub|price|prod|in|ch|pi|acct|inv|bundle|chunk|pkg|ETag\W{1,3}W?\/?"?)[_-]?)$/i;
const long = /[A-Za-z0-9_+/=.~-]{24,}/g;

function tailOf(text: string, from: number): number {
  armed.lastIndex = from;
  armed.exec(text);
  return armed.lastIndex;
}

/** Is this the rest of a token? With a long beginning it need hardly look like one. */
function tokenTail(prefix: string, tail: string): boolean {
  const head = tail.slice(0, 64).replace(/[.=/]+$/, '');
  const core = head.replace(/[^A-Za-z0-9]+/g, '');
  if (core.length < (prefix.length >= 6 ? 14 : 16)) return false;
  if (/^(?:AKIA|ASIA|ABIA|ACCA|AGPA|AIDA|AROA|ANPA|A3T|LTAI|AKID|AC|SK)$/.test(prefix))
    return (
      /\d/.test(core) &&
      (/^[A-Z0-9]{16,}(?![a-z])/.test(head) ||
        (prefix.length === 4 && /^(?:LTAI|AKID)/.test(prefix) && random(core, 16)) ||
        /^[0-9a-f]{32}$/.test(head))
    );
  if (/^(?:[a-z]{2,5}[-_]|[A-Za-z]{2,4}\.)$/.test(prefix))
    return random(core, 16) && (/\d/.test(core) || /[A-Z]/.test(core.slice(1)));
  if (prefix.length >= 5 && /^[A-Z0-9]{20,}$/.test(core) && /\d/.test(core)) return true;
  if (prefix.length >= 5 && (core.match(/\d+/g)?.length ?? 0) >= 2 && !/[a-z]{5}/.test(core)) return true;
  return /\d/.test(core)
    ? random(core, 12)
    : random(core, 12) || (/[A-Z]/.test(core) && /[a-z]/.test(core) && core.length >= 20);
}

/** Certificates and public keys are long and random, and for everybody. */
const open = /-----BEGIN [A-Z0-9 ]{0,40}(?:CERTIFICATE|PUBLIC KEY|SIGNATURE|MESSAGE)[A-Z ]{0,20}-----/g;
function openRanges(text: string): [number, number][] {
  const ranges: [number, number][] = [];
  for (const { index } of text.matchAll(open)) {
    if (index < (ranges.at(-1)?.[1] ?? 0)) continue;
    const end = text.indexOf('-----END', index);
    if (end < 0) break;
    ranges.push([index, end]);
  }
  return ranges;
}

function withoutTokens(text: string): string {
  let kept = '';
  let done = 0;
  let end = -1;
  for (const { 0: prefix, index } of text.matchAll(beginnings)) {
    if (index < done) continue;
    const from = index + prefix.length;
    if (from > end) end = tailOf(text, from);
    // A line that was broken right behind the beginning.
    const broken = end - from < 4 ? withContinuation(text, end) : end;
    const tail = broken > end ? text.slice(end, broken).trim() : text.slice(from, Math.min(end, from + 80));
    if (!tokenTail(prefix, tail)) continue;
    kept += text.slice(done, index) + mark;
    done = withContinuation(text, Math.max(end, broken));
    // A full stop or an equals sign at its end may belong to the sentence; both are let go.
    while (done > from && text[done - 1] === '.') done--;
  }
  return kept + text.slice(done);
}

const jwt = /(?<![\w-])e[yw][A-Za-z0-9_-]{8,8192}\.[\w=/-]{8,16384}(?:\.[\w=/-]{0,8192}){0,3}/g;
/** A token of JSON: only where its first part begins as base64 of `{"`. */
const withoutJwt = (text: string): string =>
  /e[yw][JoKA]/.test(text)
    ? text.replace(jwt, (whole) => (/^e(?:yJ|wo|yA|yK|w0)/.test(whole) ? mark : whole))
    : text;

function withoutRandom(text: string): string {
  if (!/[A-Za-z0-9_+/=.~-]{24}/.test(text)) return text;
  const ranges = openRanges(text);
  let range = 0;
  return text.replace(long, (word, index: number) => {
    while (range < ranges.length && ranges[range]![1] <= index) range++;
    const within = ranges[range];
    if (within && within[0] <= index) return word;
    if (
      harmless.test(text.slice(Math.max(0, index - 24), index)) ||
      harmless.test(word.match(/^[a-z]{2,8}\d{0,3}[-_]/i)?.[0] ?? '')
    )
      return word;
    if (/^AAAA[BCE]3|^iVBORw0KGgo|^R0lGOD|^\/9j\//.test(word)) return word;
    return randomPart(word);
  });
}

/** A word may be a path or an assignment whose last part is the secret. */
function randomPart(word: string): string {
  if (word.length <= 8192 && randomAlone(word)) return mark;
  return word.replace(/[A-Za-z0-9_+~-]{24,}={0,2}/g, (part) => (randomAlone(part) ? mark : part));
}

/** The text without tokens of vendors, web tokens and long random words. */
export const withoutWords = (text: string): string => withoutRandom(withoutTokens(withoutJwt(text)));
