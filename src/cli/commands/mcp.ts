/** Serves on stdin and stdout until the client is gone. The server is a file of its own: no other command loads it. */
export async function mcp(): Promise<void> {
  await import('../../mcp/main.ts');
}
