/** Official clients of both protocol eras, each talking over stdio to the server as it ships. */

import { dirname, join } from 'node:path';
import { Client as ModernClient } from '@modelcontextprotocol/client';
import { StdioClientTransport as ModernStdio } from '@modelcontextprotocol/client/stdio';
import { Client as EarlierClient } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport as EarlierStdio } from '@modelcontextprotocol/sdk/client/stdio.js';
import { expect, onTestFinished } from 'vitest';
import { cleanEnv, commandPath, jsonOf, type } from '../cli/command.ts';
import { write } from '../support/scratch.ts';
import type { World } from '../support/world.ts';

export const serverPath = join(dirname(commandPath), 'mcp.mjs');

export const eras = ['2026-07-28', '2025-11-25'] as const;
export type Era = (typeof eras)[number];

interface Tool {
  name: string;
  title?: string;
  description?: string;
  inputSchema: unknown;
  outputSchema?: unknown;
  annotations?: Record<string, unknown>;
}

/** What a tool answered. */
export interface Answer {
  readonly text: string;
  readonly facts: Record<string, unknown>;
  readonly failed: boolean;
}

export interface Connection {
  /** The process that the client started: the server, or what stands before it. */
  readonly pid: number;
  /** The revision that was agreed on, where the client tells. */
  readonly version: string | undefined;
  readonly instructions: string;
  tools(): Promise<Tool[]>;
  call(name: string, args?: Record<string, unknown>): Promise<Answer>;
  /** Closes the server's stdin, as the protocol wants it, and waits for its end. */
  close(): Promise<void>;
}

export interface Connect {
  readonly era?: Era;
  readonly env?: Record<string, string | undefined>;
  readonly cwd?: string;
  /** The client is a process of its own and not this one. */
  readonly apart?: boolean;
  /** What is started instead of the server's own file. */
  readonly command?: readonly string[];
}

/** Stands for a client: starts what it is told, lends it stdin and stdout, and ends with it. */
const standIn = `
const { spawn } = require('node:child_process');
const child = spawn(process.argv[2], process.argv.slice(3), { stdio: 'inherit' });
child.on('exit', (code) => process.exit(code ?? 1));
`;

/** A connection to a server in that world; closed after the test. */
export async function connect(world: World, options: Connect = {}): Promise<Connection> {
  const { era = '2026-07-28', env, cwd = world.root, apart = true } = options;
  const server = [...(options.command ?? [process.execPath, serverPath])];
  const [command = '', ...args] = apart
    ? [process.execPath, write(join(world.base, 'client.cjs'), standIn), ...server]
    : server;
  const start = {
    command,
    args,
    cwd,
    env: cleanEnv(world, env) as Record<string, string>,
    stderr: 'pipe',
  } as const;
  const about = { name: 'test', version: '1' };
  const transport = era === '2026-07-28' ? new ModernStdio(start) : new EarlierStdio(start);
  let stderr = '';
  transport.stderr?.on('data', (bytes: Buffer) => {
    stderr += bytes;
  });
  const client =
    era === '2026-07-28'
      ? new ModernClient(about, { versionNegotiation: { mode: { pin: era } } })
      : new EarlierClient(about);
  const open = client as EarlierClient;
  await open.connect(transport as EarlierStdio);
  onTestFinished(async () => {
    await open.close();
    expect(stderr, 'what the server printed to stderr').toBe('');
  });
  return {
    pid: transport.pid!,
    version: client instanceof ModernClient ? client.getNegotiatedProtocolVersion() : undefined,
    instructions: open.getInstructions() ?? '',
    tools: async () => (await open.listTools()).tools as Tool[],
    async call(name, args = {}) {
      const result = await open.callTool({ name, arguments: args });
      const [first, ...more] = result.content as { type: string; text: string }[];
      expect([first?.type, more]).toEqual(['text', []]);
      const facts = (result.structuredContent ?? {}) as Record<string, unknown>;
      if (!result.isError) expect(facts.text).toBe(first!.text);
      return { text: first!.text, facts, failed: result.isError === true };
    },
    close: () => open.close(),
  };
}

interface Status {
  master: string | null;
  epoch: number;
  members: {
    id: string;
    seq: number;
    role: string;
    pid: number;
    attended: boolean;
    doing: string;
    lastSeenAt: string;
  }[];
}

/** Who is there, as the command tells it. */
export const statusOf = async (world: World, cwd?: string): Promise<Status> =>
  jsonOf<Status>(await type(world, ['status', '--json'], { cwd }));

/** Asks until it is true; what it is about appears in the failure. */
export async function eventually(what: string, ask: () => Promise<boolean>): Promise<void> {
  for (let attempt = 0; attempt < 300; attempt++) {
    if (await ask()) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`waited in vain: ${what}`);
}
