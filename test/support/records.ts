/** Members and what belongs to them, made up. */

import type { Handoff } from '../../src/core/handoff.ts';
import type { Birth, Candidacy, Domain, Liveness, Member, Presence } from '../../src/core/member.ts';

export const here: Domain = { host: 'host-a', boot: 'boot-1', namespace: 'ns-1' };

export const birth = (id: string, more: Partial<Birth> = {}): Birth => ({
  version: 1,
  id,
  process: { pid: 4711, start: '1000', domain: here },
  host: 'desk',
  candidacy: 'eligible',
  attended: true,
  cause: 'startup',
  joinedAt: '2026-11-22T08:00:00.000Z',
  ...more,
});

export const presence = (more: Partial<Presence> = {}): Presence => ({
  version: 1,
  sessionId: '23351544-1c79-4d69-beae-dae97622fb9f',
  name: 'api',
  cwd: '/home/dev/shop',
  worktree: '/home/dev/shop',
  branch: 'main',
  doing: 'add a hello file',
  transcript: '/home/dev/.claude/projects/-home-dev-shop/x.jsonl',
  left: null,
  ...more,
});

export const member = (
  seq: number,
  id: string,
  {
    candidacy = 'eligible',
    liveness = 'alive',
    ...more
  }: { candidacy?: Candidacy; liveness?: Liveness } & Partial<Presence> = {},
): Member => ({
  seq,
  birth: birth(id, { candidacy }),
  presence: presence({ name: id, ...more }),
  seenAt: Date.parse('2026-11-22T08:30:00.000Z'),
  liveness,
});

export const handoff = (more: Partial<Handoff> = {}): Handoff => ({
  label: 'checkpoint',
  member: '4711-abc',
  name: 'api',
  role: 'master',
  attended: true,
  seq: 7,
  epoch: 7,
  sessionId: '23351544-1c79-4d69-beae-dae97622fb9f',
  joinedAt: '2026-11-22T08:00:00.000Z',
  writtenAt: '2026-11-22T09:00:00.000Z',
  firstPrompt: 'add a hello file',
  latestPrompt: 'now test it',
  words: null,
  said: 'The file is there. Shall I commit it? Next step: run the tests.',
  saidAt: Date.parse('2026-11-22T08:59:00.000Z'),
  asked: [],
  todos: [{ id: '1', text: 'write the test', status: 'pending' }],
  files: ['/home/dev/shop/hello.txt'],
  commands: [{ command: 'npm test', outcome: 'failed', said: '1 failed' }],
  git: { branch: 'main', head: 'abc', dirty: ['hello.txt'], staged: [] },
  worktree: '/home/dev/shop',
  summary: 'It was about hello.',
  transcript: '/home/dev/.claude/projects/-home-dev-shop/x.jsonl',
  ...more,
});
