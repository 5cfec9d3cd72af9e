/** Four times as much text takes about four times as long, whatever it is made of: no rule reads a text again and again. */
import { expect, test } from 'vitest';
import { withoutInvisible, withoutMarkup, withoutRoles } from '../../src/core/inert.ts';
import { withoutAddresses } from '../../src/core/secrets/addresses.ts';
import { withoutBlocks } from '../../src/core/secrets/blocks.ts';
import { withoutCommands } from '../../src/core/secrets/commands.ts';
import { withoutGiven } from '../../src/core/secrets/given.ts';
import { withoutNamed } from '../../src/core/secrets/named.ts';
import { withoutSpoken } from '../../src/core/secrets/spoken.ts';
import { withoutWords } from '../../src/core/secrets/words.ts';

const worst: readonly [rule: (text: string) => string, pieces: readonly string[]][] = [
  [
    withoutBlocks,
    [
      '-----BEGIN PRIVATE KEY-----',
      '-----BEGIN ',
      '-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkq\n',
      '-----END PRIVATE KEY-----',
      'kind: Secret\ndata:\n  a: b\n',
      '"kty" "d":"',
    ],
  ],
  [
    withoutAddresses,
    ['a://b:', '://:', '//a@', '//a:b@', '@', 'a@b:', 'hooks.slack.com/services/', '12345678:AA', 'a:1:b:c:'],
  ],
  [
    withoutCommands,
    [
      'mysql -p ',
      'mysql ',
      'curl -u a:',
      'curl -b ',
      'cookie: a=',
      'authorization: ',
      'bearer ',
      'IDENTIFIED BY ',
      'signature=',
    ],
  ],
  [
    withoutNamed,
    [
      'password="',
      "password='",
      'password=“',
      'password: ',
      'password ',
      'api_key==',
      'passwordtokensecret',
      'secret\n  ',
      'password { ',
      'key value=',
      'password: a b c d ',
      'a',
      '_',
      ' ',
      'mnemonic abc ',
    ],
  ],
  [
    withoutWords,
    [
      '-eyJ',
      'eyJaaaaaaaa.',
      'eyJaaaaaaaa/',
      'xoxb-',
      'sk-',
      'sk-ant-',
      'ghp_\n',
      'aB3dE5fG7',
      'aB3-',
      '-----BEGIN CERTIFICATE-----',
      'a',
    ],
  ],
  [
    withoutGiven,
    [
      'echo a ',
      'echo "',
      'echo a | sudo ',
      'sudo ',
      'sudo -S <<< ',
      'vault kv put ',
      'vault kv put a=',
      'create secret ',
      'put-parameter ',
      'net use /user:',
      'ConvertTo-SecureString -a ',
      'login("a", ',
      'login(',
      'logIn',
      'auth=("a","b",',
    ],
  ],
  [
    withoutSpoken,
    [
      'password ',
      'password is ',
      'password a b c d e f g ',
      'mot de passe ',
      'login ',
      'login ada / ',
      'api key',
      'pass',
      'password, a ',
      'use abcdef12 as ',
      'use abcdef12 as a ',
    ],
  ],
  [withoutInvisible, ['\u001b]', '\u009d', '\u001b[', 'x\u0008', '\u0008', '\r', '\u200b', '\ud800']],
  [withoutMarkup, ['<', '＜', '< ', '<a-', '<system', '<|']],
  [withoutRoles, ['\n', '\n ', '[', '[INST', 'Human:']],
];
const cases = worst.flatMap(([rule, pieces]) => pieces.map((piece) => [rule.name, piece, rule] as const));

const ofSize = (piece: string, size: number): string => piece.repeat(Math.ceil(size / piece.length));
function cost(rule: (text: string) => string, text: string): number {
  const { user, system } = process.cpuUsage();
  rule(text);
  const after = process.cpuUsage();
  return after.user + after.system - user - system;
}

const quarter = 250_000;
const megabyte = 1_000_000;
/** Reading again and again would be sixteen times; below some milliseconds nothing can be compared. */
const allowed = (some: number): number => Math.max(some, 20_000) * 10;

test.each(cases)(
  '%s grows with its text, to a megabyte of %j',
  (_, piece, rule) => {
    let some = cost(rule, ofSize(piece, quarter));
    let more = cost(rule, ofSize(piece, megabyte));
    // What else the machine does only adds to the time, so the least of three tells most.
    for (let again = 0; again < 2 && more > allowed(some); again++) {
      some = Math.min(some, cost(rule, ofSize(piece, quarter)));
      more = Math.min(more, cost(rule, ofSize(piece, megabyte)));
    }
    expect(more, `${some} µs, then ${more} µs`).toBeLessThan(allowed(some));
  },
  60_000,
);
