import { fail } from '../terminal.ts';

export async function doctor(_options: { fix?: boolean; json?: boolean }): Promise<void> {
  fail('doctor is being written');
}
