/** What a user does about configurations: agrees to a repository's, or writes one of their own. */
import { join } from 'node:path';
import { agree } from '../../src/config/consent.ts';
import { configOf } from '../../src/config/find.ts';
import { locateScope } from '../../src/io/scope.ts';
import { write } from './scratch.ts';

/** Agrees to what the repository's configuration wants, as `trust --yes` does. Fails where it wants nothing that needs it. */
export async function trust(directory: string, env: NodeJS.ProcessEnv): Promise<void> {
  const scope = locateScope(directory);
  const { wants } = await configOf(scope, env);
  if (!wants) throw new Error(`the configuration in ${directory} wants nothing that needs trust`);
  agree(wants, scope, env);
}

/** Writes the user's own configuration, which needs no consent; returns its file. */
export const writeOwnConfig = (home: string, values: unknown): string =>
  write(
    join(home, '.config', 'flowloom', 'config.json'),
    typeof values === 'string' ? values : JSON.stringify(values),
  );
