// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are lines of shells and templates.
/**
 * A third corpus, written before its author had read the rules: secrets as developers paste them, and lines of a day's work that hold
 * none. Random values come from fixed dice, so that no scanner takes this file for a leak; none was ever valid.
 */

let dice = 77_001_945;
/** A number from 0 to below `most`, the same at every run. */
function roll(most: number): number {
  dice = (Math.imul(dice, 1_664_525) + 1_013_904_223) >>> 0;
  return Math.floor((dice / 2 ** 32) * most);
}
const from = (alphabet: string, length: number): string =>
  Array.from({ length }, () => alphabet[roll(alphabet.length)]).join('');
const lower = 'abcdefghijklmnopqrstuvwxyz';
const digits = '0123456789';
const base62 = (length: number): string => from(lower + lower.toUpperCase() + digits, length);
const base64 = (length: number): string => from(`${lower}${lower.toUpperCase()}${digits}+/`, length);
const url64 = (length: number): string => from(`${lower}${lower.toUpperCase()}${digits}-_`, length);
const hex = (length: number): string => from('0123456789abcdef', length);
const uuid = (): string => `${hex(8)}-${hex(4)}-4${hex(3)}-a${hex(3)}-${hex(12)}`;

/** What a developer pastes, and what of it nobody else may read. */
export interface Pasted {
  readonly text: string;
  readonly secret: string;
}
const pasted: Pasted[] = [];
const paste = (secret: string, text: (secret: string) => string): void => {
  pasted.push({ secret, text: text(secret) });
};

// Files of configuration.
paste('hunter2-Prod', (s) => `machine api.heroku.com\n  login dev@example.com\n  password ${s}`);
paste(base62(20), (s) => `<server><id>nexus</id><username>ci</username><password>${s}</password></server>`);
paste('Tr0ub4dor&3', (s) => `db.default.password = "${s}"`);
paste(base62(40), (s) => `[pypi]\nusername = __token__\npassword = pypi-${s}`);
paste('k8Vh!2rQz', (s) => `[client]\nuser=root\npassword=${s}\nhost=localhost`);
paste('s3cr3tPg', (s) => `localhost:5432:shop:ada:${s}\n`);
paste(base64(32), (s) => `{"auths":{"ghcr.io":{"auth":"${s}"}}}`);
paste(
  base62(32),
  (s) => `"ConnectionStrings": { "Default": "Server=tcp:x.database.windows.net;User ID=app;Password=${s};" }`,
);
paste(hex(64), (s) => `SECRET_KEY_BASE: ${s}`);
paste(url64(50), (s) => `SECRET_KEY = 'django-insecure-${s}'`);
paste(base62(24), (s) => `requirepass ${s}`);
paste(base64(44), (s) => `APP_KEY=base64:${s}`);
paste('Passw0rd!2024', (s) => `  redis:\n    host: cache\n    password: ${s}\n    port: 6379`);
paste(base62(36), (s) => `npmAuthToken: "${s}"`);
paste(hex(40), (s) => `cargo:\n[registry]\ntoken = "${s}"`);
paste(base62(43), (s) => `PrivateKey = ${s}=\nAddress = 10.0.0.2/24`);
// Commands of a shell.
paste('letmein99', (s) => `PGPASSWORD=${s} psql -h db.internal -U ada shop`);
paste('Zebra-4711', (s) => `sshpass -p ${s} ssh ada@10.0.0.5`);
paste('muffin77!', (s) => `echo '${s}' | sudo -S systemctl restart nginx`);
paste('Qwertz123', (s) => `mysqldump -uroot -p${s} shop > dump.sql`);
paste(base62(32), (s) => `docker login -u ada -p ${s} hub.example.com`);
paste(hex(32), (s) => `curl "https://api.openweathermap.org/data/2.5/weather?q=Bern&appid=${s}"`);
paste(hex(40), (s) => `curl -H "X-Vault-Token: ${s}" http://127.0.0.1:8200/v1/secret/data/x`);
paste(base62(30), (s) => `az login --service-principal -u 1 -p ${s} --tenant t`);
paste(base62(24), (s) => `kubectl create secret generic db --from-literal=pw=${s}`);
paste(base62(28), (s) => `gh secret set DEPLOY --body "${s}"`);
paste('correct-horse-7', (s) => `openssl enc -aes-256-cbc -in a -out b -pass pass:${s}`);
paste(base62(22), (s) => `htpasswd -b .htpasswd ada ${s}`);
paste('Sommer2025!', (s) => `net use Z: \\\\srv\\share /user:ada ${s}`);
paste(base62(26), (s) => `vault kv put secret/shop api=${s}`);
paste(base62(20), (s) => `redis-cli -h cache -a ${s} ping`);
paste('7f!mongoPw', (s) => `mongosh "mongodb+srv://ada:${s}@cluster0.example.mongodb.net/shop"`);
paste(base62(18), (s) => `$cred = ConvertTo-SecureString "${s}" -AsPlainText -Force`);
paste(base62(40), (s) => `heroku config:set STRIPE_KEY=sk_test_${s}`);
paste(base62(24), (s) => `gpg --batch --passphrase ${s} -d file.gpg`);
paste(base62(32), (s) => `aws configure set aws_secret_access_key ${s}/xYz12345`);
// Tokens of vendors.
paste(`glptt-${hex(40)}`, (s) => `trigger with ${s} please`);
paste(`sntrys_${base62(90)}`, (s) => `SENTRY says ${s}`);
paste(`AGE-SECRET-KEY-1${from('QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L', 58)}`, (s) => `# age\n${s}`);
paste(`hvs.${base62(90)}`, (s) => `root token ${s}`);
paste(`EAA${base62(120)}`, (s) => `the page token is ${s}`);
paste(`${from(digits, 10)}:AA${url64(33)}`, (s) => `bot ${s} answers`);
paste(`MTk4NjIyNDgzNDcxOTI1MjQ4.${url64(6)}.${url64(38)}`, (s) => `client.login('${s}')`);
paste(`sbp_${hex(40)}`, (s) => `supabase ${s}`);
paste(`dckr_pat_${url64(27)}`, (s) => `hub: ${s}`);
paste(`https://discord.com/api/webhooks/${from(digits, 18)}/${url64(68)}`, (s) => `post to ${s}`);
// Logs and headers.
paste(base62(32), (s) => `2026-03-01T10:00:00Z DEBUG http > X-Api-Key: ${s}`);
paste(base62(40), (s) => `GET /cb?code=1&access_token=${s}&state=x HTTP/1.1" 200`);
paste(base62(48), (s) => `Set-Cookie: connect.sid=s%3A${s}; Path=/; HttpOnly`);
paste(base64(24), (s) => `[error] could not decrypt, key was "${s}"`);
paste(base62(16), (s) => `ERROR 1045: using password '${s}' for user ada`);
paste(base62(24), (s) => `{"level":"info","headers":{"x-auth-token":"${s}","accept":"*/*"}}`);
// Sentences.
paste('Blaubeere42', (s) => `das Passwort für den Testserver ist ${s}, bitte nicht weitergeben`);
paste('lapinrose88', (s) => `le mot de passe de la base c'est ${s}`);
paste('gatonegro#5', (s) => `la contraseña del admin es ${s} y el usuario es root`);
paste('bananpaj12', (s) => `lösenordet till wifi är ${s}`);
paste('m0tdepasse!', (s) => `login with ada / ${s} on staging`);
paste('tulip-Garden-19', (s) => `btw the admin pw is ${s}`);
paste('さくら2025pass', (s) => `パスワードは「${s}」です`);
paste('orange-Tree-55', (s) => `the staging password changed, it's now ${s}`);
paste('redPanda99', (s) => `use ${s} as the password`);
paste('tiger_Moth8', (s) => `password for ada@example.com: ${s}`);
paste('winterfell7', (s) => `wifi: SSID shop, PSK is ${s}`);
paste('openSesame1', (s) => `If asked for a passphrase type ${s}`);
paste('clau2024segura', (s) => `la contrasenya és ${s}`);
// Code and tables.
paste(base62(28), (s) => `| service | key |\n| --- | --- |\n| maps api key | ${s} |`);
paste(base62(32), (s) => `const stripe = new Stripe("${s}", { apiVersion: "2024-06-20" });`);
paste(base64(40), (s) => `new AWS.Config({ secretAccessKey: "${s}" })`);
paste('p@ssDe4d', (s) => `jdbc:oracle:thin:ada/${s}@db.example.com:1521:shop`);
paste(base62(20), (s) => `smtp.login("ada@example.com", "${s}")`);
paste(uuid(), (s) => `HEROKU_API_KEY: "${s}"`);
paste(base62(24), (s) => `  - name: DB_PASS\n    value: ${s}`);
paste(base62(32), (s) => `variable "api_token" {\n  default = "${s}"\n}`);
paste(base62(30), (s) => `ARG GITHUB_TOKEN=${s}`);
paste(base62(32), (s) => `bash -c '{"apiToken":"${s}"}'`);
paste(base62(32), (s) => `curl -d "{\\"client_secret\\":\\"${s}\\"}" https://example.com/oauth`);

/** Secrets as they are pasted. */
export { pasted };

/** Lines of a day's work with nothing in them that anyone must not read. */
export const everyday: readonly string[] = [
  // Code about tokens, keys and passwords.
  'const token = await getToken(request);',
  'if (!password) throw new Error("Password is required");',
  "export const TOKEN_HEADER = 'x-auth-token';",
  'const { apiKey, secret } = loadConfig(process.env);',
  'password: z.string().min(8).max(128),',
  'type Token = { kind: "number"; value: number } | { kind: "ident"; name: string };',
  'for (const [key, value] of Object.entries(map)) out[key] = value;',
  'password_hash = bcrypt.hashpw(password.encode(), bcrypt.gensalt())',
  'SECRET_KEY = os.environ["SECRET_KEY"]',
  'token: ${{ secrets.GITHUB_TOKEN }}',
  'PASSWORD=$(pass show shop/db)',
  'export DB_PASSWORD="${DB_PASSWORD:?missing}"',
  'api_key: str | None = None',
  'private readonly tokenService: TokenService,',
  'const cacheKey = `user:${id}:profile`;',
  '<input type="password" name="password" placeholder="Your password" />',
  'public string Password { get; set; }',
  'let token = self.lexer.next_token().expect("a token");',
  'func (s *Server) authToken(ctx context.Context) (string, error) {',
  'expect(screen.getByLabelText("Password")).toBeInTheDocument();',
  'primaryKey: true, autoIncrement: true',
  '  key={item.id} onClick={() => select(item.id)}',
  'secretKeyRef: { name: shop-db, key: password }',
  'this.passwordField.setValue(this.defaults.passwordLabel);',
  'return jwt.verify(token, publicKey, { algorithms: ["RS256"] });',
  // What programs say.
  'Error: Invalid token < in JSON at position 0',
  'SyntaxError: Unexpected token } in JSON at position 42',
  'fatal: Authentication failed for https://github.com/ada/shop.git',
  'remote: Support for password authentication was removed on August 13, 2021.',
  'psql: error: FATAL: password authentication failed for user "ada"',
  'TypeError: Cannot read properties of undefined (reading "token")',
  'ERROR: duplicate key value violates unique constraint "users_email_key"',
  'Permission denied (publickey,password).',
  'npm ERR! code E401 Unable to authenticate, your authentication token seems to be invalid.',
  'warning: secret scanning found nothing in 214 files',
  ' ✓ test/auth/password-reset.test.ts (14 tests) 231ms',
  'FAIL src/token-bucket.spec.ts > TokenBucket > refills after one second',
  'Compiling secrecy v0.8.0, zeroize v1.7.0',
  'key "password" is missing in section "database"',
  'error[E0433]: failed to resolve: use of undeclared type `SecretString`',
  // Lock files, git, hashes.
  '"integrity": "sha512-dLitG79d+GV1Nb/VYcCDFivJeK1hiukt9QjRNVOsUtTy1rR1YJsmpGGTZ3qJos+uw7WmWF4wUwBd9jxjocFC2w=="',
  'flask==3.0.0 --hash=sha256:21128f47e4e3b9d597a3e8521a329bf56909b690fcc3fa3e477725aa81367638',
  'checksum = "b4496661e8b0f2c8e8a5b9a5f7e3d2a1c0b9e8f7d6c5b4a39281706f5e4d3c2b"',
  'github.com/pkg/errors v0.9.1 h1:FEBLx1zS214owpjy7qsBeixbURkuhQAwrK5UwLGTwt4=',
  'index 3f1c2a9..b7d4e10 100644',
  'commit 4b825dc642cb6eb9a060e54bf8d69288fbee4904 (HEAD -> token-refresh, origin/main)',
  'Merge branch "feature/password-reset" into develop',
  '* 9fceb02 fix(auth): refresh the access token before it expires',
  '[main 1a2b3c4] Add api-key rotation\n 3 files changed, 20 insertions(+), 4 deletions(-)',
  'FROM node@sha256:0c0734eb7051babbb3e95cd74e684f940552b31472152edf0bb23e54ab44a0d7',
  'parent 9fceb02d0ae598e95dc970b74767f19372d61af8 tree d8329fc1cc938780ffdd9f94e0d364e0ea74f579',
  'ETag: "33a64df551425fcc55e4d42a148795d9f25f89d4"',
  // Addresses and paths.
  'https://github.com/ada/shop/blob/main/src/auth/token-service.ts#L42-L57',
  'https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_access-keys.html',
  'https://www.youtube.com/watch?v=dQw4w9WgXcQ&list=PLrAXtmErZgOeiKm4sgNOknGvNjby9efdf',
  '/home/dev/shop/node_modules/.pnpm/@types+jsonwebtoken@9.0.5/node_modules/@types/jsonwebtoken/index.d.ts',
  'src/main/java/com/example/security/JwtTokenAuthenticationFilter.java:118',
  'http://localhost:3000/reset-password?step=2&lang=en',
  'postgres://localhost:5432/shop_test',
  'redis://cache:6379/0',
  'C:\\Users\\ada\\AppData\\Local\\Temp\\vscode-typescript\\tsserver.log',
  'ssh -i ~/.ssh/id_ed25519 ada@build.example.com -p 2222',
  's3://my-bucket/backups/2026/03/01/shop.sql.gz',
  'arn:aws:secretsmanager:eu-central-1:123456789012:secret:shop/db-AbCdEf',
  'https://accounts.example.com/o/oauth2/v2/auth?response_type=code&scope=openid%20email',
  // CSS, SQL, markup, configuration.
  '.password-field::after { content: "\\2022"; letter-spacing: 0.125em; }',
  'background: linear-gradient(135deg, #667eea 0%, #764ba2 100%);',
  'SELECT id, password_hash, token_expires_at FROM users WHERE email = $1;',
  'ALTER TABLE sessions ADD COLUMN refresh_token_id uuid REFERENCES tokens(id);',
  'CREATE UNIQUE INDEX api_keys_prefix_idx ON api_keys (prefix);',
  '<svg viewBox="0 0 24 24"><path d="M12 2C6.48 2 2 6.48 2 12s4.48 10 10 10 10-4.48 10-10S17.52 2 12 2zm0 18"/></svg>',
  'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'max_tokens: 4096',
  'token_limit = 200_000',
  'KEY_LENGTH=32',
  'PASSWORD_MIN_LENGTH=12',
  'NODE_ENV=production PORT=8080 LOG_LEVEL=debug',
  'TOKENIZERS_PARALLELISM=false',
  'AUTH_PROVIDER=keycloak',
  'session.timeout=30m',
  'ssh-key-type: ed25519',
  'volumes: [ "./secrets:/run/secrets:ro" ]',
  'auth: { strategy: "jwt", session: true, expiresIn: "15m" }',
  '"password.reset.title": "Reset your password"',
  'login.password.label=Passwort',
  // Prose.
  'The token is passed on as is, and the key of the map is the name of the session.',
  'Please do not commit passwords; use the secret manager instead.',
  'Das Passwort muss mindestens zwölf Zeichen lang sein.',
  'Le mot de passe est trop court, et la clé est invalide.',
  'La contraseña es obligatoria y el token ha caducado.',
  'パスワードを忘れた場合は、こちらをクリックしてください。',
  'Пароль должен содержать не менее восьми символов.',
  'Store the API key in the keychain, then restart the password manager.',
  'Bearer tokens are sent in the Authorization header; basic authentication is deprecated.',
  'Can you make the secret optional and rename token to accessToken everywhere?',
  'The password is wrong three times in a row, so the account is locked.',
  'A session cookie is set by the login page and cleared by the logout page.',
  '| Field | Type | Meaning |\n| --- | --- | --- |\n| token | string | what the client sends back |',
  // Names, numbers, identifiers.
  'id: 7c9e6679-7425-40de-944b-e07fc1f90ae7',
  'trace_id=4bf92f3577b34da6a3ce929d0e0e4736 span_id=00f067aa0ba902b7',
  'session 0191f5c2-8d5e-7c3a-9b0e-5a1d2f3e4c5b joined as master',
  'test("rejects a password without digits", async () => {',
  'describe("AccessTokenRefreshInterceptor", () => {',
  'class AbstractAuthenticationProcessingFilterConfigurer extends Base {}',
  'IMAGE=ghcr.io/ada/shop:2026.03.01-4b825dc',
  'JWT_ALGORITHM=HS256',
  'OAUTH_CALLBACK_URL=https://shop.example.com/oauth/callback',
  'toolu_01A09q90qw90lq917835lq9',
  '+49 30 901820, DE89 3704 0044 0532 0130 00',
];
