/** Secrets that stand alone: tokens with the beginning of a vendor, and words that are too random for anything else. */
import { random, randomAlone } from './looks.ts';
import { mark } from './mark.ts';
import { withContinuation } from './named.ts';
import { prefixes } from './vendor-prefixes.ts';

/** Beginnings that gitleaks has not, or has in a form that its table cannot hold; from the vendors' own pages. */
const more =
  'AKIA ASIA ABIA ACCA AGPA AIDA AROA ANPA A3T AIza ya29. GOCSPX- 1//0 AKID sk- sk-or-v1- sk-ant- sk-lf- pk-lf- gsk_ xai- r8_ tvly- tvly-dev- nvapi- fw_ key- re_ hvs. hvr. ' +
  'xoxa- xoxc- xoxd- xoxe.xoxb- xoxe.xoxp- xoxo- xoxp- xoxr- xoxs- xwfp- whsec_ rk_ sqOatp- sq0csp- sq0idp- sandbox-sq0csp- EAAAE EAACE access_token$ ' +
  'pypi- github_pat_ glsoat- gitlab-ci-token: ATATT3 ATCTT3 ATBB ATOA BBDC- dckr_pat_ dckr_oat_ secret_ ntn_ figd_ figu_ lin_oauth_ lin_wh_ CCIPAT_ CCIPRJ_ ' +
  'sbp_ sb_secret_ sb_publishable_ dp.st. dp.ct. dp.sa. dp.scim. dp.audit. sntrys_ vercel_ vcp_ nfp_ nfc_ nfu_ pscale_ dapi dose_ dsapi ' +
  'rnd_ FlyV1 fm1r_ fm2_ fo1_ railway_ napi_ PRIVATE-TOKEN Y2lzY29zcGFyazov NRAK- NRJS- NRAL- NRII- nrql- ddp_ ddapp_ phc_ phx_ phs_ sgp_ apify_api_ pk.eyJ sk.eyJ tk.eyJ ' +
  'cfut_ cfat_ CFPAT- contentful_ shptka_ shpit_ shpua_ EZAK live_ test_ AQVN y0_ t1. pat-na1- pat-eu1- cio-live- SK AC xkeysib- xsmtpsib- mlsn. MG. md- ' +
  'ghv1_ gho_ v1. v2.public. v2.local. v3.local. v4.local. age-secret-key- AGE-PLUGIN- nsec1 ops_ doppler_ infisical_ st. tskey-auth- tskey-api- tskey-client- tskey- ngrok_ ' +
  'ct_ sl. uat_ jdbc_ snyk_ sqp_ squ_ sqa_ codecov_ bkua_ bkaj_ bkct_ trigger_ tr_dev_ tr_prod_ sk_ pk_live_ prj_ rpa_ hf_ api_org_ wandb_v1_ lsv2_pt_ lsv2_sk_ ls__ pcsk_ voy- pa- jina_ fc- exa- ' +
  'fal_ e2b_ ak- as- deepl- aio_ esv_ esec_ cal_live_ cal_test_ acct_ clk_ sess_ ory_st_ ory_at_ ory_rt_ ory_pat_ ory_ac_ unkey_ polar_ polar_oat_ polar_pat_ lmsk_ dtc_ dt0s01. dt0s16. patt att_ ' +
  'kpat_ spat_ cpat_ jfrog_ cmVmd AKCp oy2 ggp_ gitea_ gta_ ado_ azd_ bws_ 0.eyJ JIRA- mercury_ plaid-link- access-sandbox- access-production- access-development- EAAG EAAB IGQV TEST- APP_USR- ' +
  'hooli_ sk-kimi- sk-cp- ms- zsk_ tgp_v1_ csk- cr_ sm_ ck_live_ sk-zk cs_live_ pi_live_ whs_ ssk_ dvc_ dvp_ rt_ at_ rtk_ atk_ ptok_';

/** What is known of a token by its beginning alone, so that fewer signs of chance are enough. */
const known = `${prefixes} ${more}`.split(' ').filter((prefix) => prefix.length > 1);
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
