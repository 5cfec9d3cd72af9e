/** Secrets in the shapes they have in the wild. All made up; put together here so that no scanner takes this file for a leak. */

export interface Secret {
  readonly name: string;
  /** As it stands in a text. */
  readonly text: string;
  /** What must not be left. */
  readonly secret: string;
}

const fill = (length: number, alphabet = 'aB3dE5fG7hJ9kL2mN4pQ6rS8tU'): string =>
  alphabet.repeat(Math.ceil(length / alphabet.length)).slice(0, length);
const upper = (length: number): string => fill(length, 'A3D5F7H9K2M4P6R8T');
const hex = (length: number): string => fill(length, '0a9b8c7d6e5f4321');

const plain = (name: string, secret: string): Secret => ({ name, text: secret, secret });
const named = (name: string, before: string, secret: string, after = ''): Secret => ({
  name,
  text: `${before}${secret}${after}`,
  secret,
});

export const secrets: Secret[] = [
  plain('AWS access key id', `AKIA${upper(16)}`),
  plain('AWS temporary key id', `ASIA${upper(16)}`),
  plain('GitHub personal token', `ghp_${fill(36)}`),
  plain('GitHub OAuth token', `gho_${fill(36)}`),
  plain('GitHub user-to-server token', `ghu_${fill(36)}`),
  plain('GitHub server token', `ghs_${fill(36)}`),
  plain('GitHub refresh token', `ghr_${fill(76)}`),
  plain('GitHub fine-grained token', `github_pat_${fill(22)}_${fill(59)}`),
  plain('GitLab token', `glpat-${fill(20)}`),
  plain('Anthropic key', `sk-ant-api03-${fill(90)}-AA`),
  plain('OpenAI project key', `sk-proj-${fill(48)}`),
  plain('OpenAI service key', `sk-svcacct-${fill(48)}`),
  plain('OpenAI old key', `sk-${fill(48)}`),
  plain('OpenRouter key', `sk-or-v1-${hex(64)}`),
  plain('Slack bot token', `xoxb-${'123456789012'}-${'123456789013'}-${fill(24)}`),
  plain('Slack user token', `xoxp-${'123456789012'}-${'123456789013'}-${fill(32)}`),
  plain('Slack app token', `xapp-1-A0123-${fill(40)}`),
  plain('npm token', `npm_${fill(36)}`),
  plain('PyPI token', `pypi-${fill(120)}`),
  plain('Hugging Face token', `hf_${fill(34)}`),
  plain('Google API key', `AIza${fill(35)}`),
  plain('Google access token', `ya29.${fill(60)}`),
  plain('Stripe live key', `sk_live_${fill(24)}`),
  plain('Stripe restricted key', `rk_test_${fill(24)}`),
  plain('Stripe webhook secret', `whsec_${fill(32)}`),
  plain('SendGrid key', `SG.${fill(22)}.${fill(43)}`),
  plain('JSON web token', `eyJ${fill(20)}.eyJ${fill(40)}.${fill(43)}`),
  named('password in an address', 'postgres://ada:', `pw${fill(12)}`, '@db.example.com/shop'),
  named('token in a remote', 'https://oauth2:', fill(20), '@git.example.com/ada/shop.git'),
  named('bearer header', 'Authorization: Bearer ', fill(40)),
  named('basic header', 'Authorization: Basic ', `${fill(24)}==`),
  named('token header', 'authorization: token ', fill(40)),
  named('curl header', "curl -H 'Authorization: Bearer ", fill(32), "' https://example.com"),
  named('bare bearer', 'use bearer ', fill(32)),
  named('header in JSON', '"Authorization": "Bearer ', fill(32), '"'),
  named('environment file', 'DATABASE_PASSWORD=', `p${fill(10)}`),
  named('shell export', 'export API_KEY=', fill(24)),
  named('AWS secret in the environment', 'AWS_SECRET_ACCESS_KEY=', fill(40)),
  named('quoted value', 'password: "', `correct horse ${fill(6)}`, '"'),
  named('single quotes', "client_secret: '", fill(24), "'"),
  named('JSON value', '{"apiKey": "', fill(24), '"}'),
  named('YAML value', 'passphrase: ', fill(16)),
  named(
    'Azure account key',
    'AccountName=shop;AccountKey=',
    `${fill(86)}==`,
    ';EndpointSuffix=core.windows.net',
  ),
  named('npmrc line', '//registry.example.com/:_authToken=', fill(36)),
  named('command line option', 'mysql --password=', fill(12), ' -u ada'),
  {
    name: 'private key',
    text: `-----BEGIN RSA PRIVATE KEY-----\n${fill(64)}\n${hex(64)}\n-----END RSA PRIVATE KEY-----`,
    secret: hex(64),
  },
  {
    name: 'private key that was cut off',
    text: `-----BEGIN OPENSSH PRIVATE KEY-----\n${fill(64)}\n${hex(48)}`,
    secret: hex(48),
  },
];
