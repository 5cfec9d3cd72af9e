import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const gate = join(import.meta.dirname, '..', '..', 'hooks', 'gate.sh');
const isHere = spawnSync('shellcheck', ['--version']).status === 0;

test.skipIf(!isHere)(`the gate is clean${isHere ? '' : ' (skipped: needs shellcheck)'}`, () => {
  const { stdout, status } = spawnSync('shellcheck', ['--shell=sh', gate], { encoding: 'utf8' });
  expect([status, stdout]).toEqual([0, '']);
});
