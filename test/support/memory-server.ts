/** The official memory server on a file, spoken to by the official client over stdio. */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { onTestFinished } from 'vitest';

export interface Entity {
  readonly name: string;
  readonly entityType: string;
  readonly observations: readonly string[];
}

interface Graph {
  readonly entities: readonly Entity[];
  readonly relations: readonly { from: string; to: string; relationType: string }[];
}

export interface MemoryServer {
  /** Calls a tool and returns what it answers; rejects with the server's words when the tool fails. */
  call(tool: string, args?: Record<string, unknown>): Promise<Graph>;
  /** Creates entities by their names. */
  create(...names: string[]): Promise<Graph>;
}

const require = createRequire(import.meta.url);
const script = (): string =>
  join(dirname(require.resolve('@modelcontextprotocol/server-memory/package.json')), 'dist', 'index.js');

/** Starts the server on this file; it ends with the test. */
export async function memoryServer(file: string): Promise<MemoryServer> {
  const client = new Client({ name: 'test', version: '1.0.0' });
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [script()],
    env: { PATH: process.env.PATH ?? '', HOME: dirname(file), MEMORY_FILE_PATH: file },
    stderr: 'ignore',
  });
  await client.connect(transport);
  onTestFinished(() => client.close());
  const call = async (tool: string, args: Record<string, unknown> = {}): Promise<Graph> => {
    const { isError, content, structuredContent } = await client.callTool({ name: tool, arguments: args });
    if (isError) throw new Error(JSON.stringify(content));
    return structuredContent as unknown as Graph;
  };
  return {
    call,
    create: (...names) =>
      call('create_entities', {
        entities: names.map((name) => ({ name, entityType: 'thing', observations: [`${name} is a thing`] })),
      }),
  };
}
