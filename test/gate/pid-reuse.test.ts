/** A process that takes over the number of a member is not that member: tried in a pid namespace, where numbers can be chosen. */
import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { gateArguments, hooksFolder } from '../support/built.ts';
import { world } from '../support/world.ts';
import { shells } from './kit.ts';

const enter = ['--user', '--map-root-user', '--pid', '--fork', '--mount-proc'];
const canEnter = spawnSync('unshare', [...enter, 'true']).status === 0;

/** Prints `REUSED` when the number was taken over, and what the other one was told before and after. */
const story = `
payload() { printf '{"session_id":"%s","cwd":"%s","prompt":"go on","prompt_id":"%s","source":"startup"}' "$1" "$CLAUDE_PROJECT_DIR" "$2"; }
start() { payload "$1" s | CLAUDE_PID=$2 CLAUDE_CODE_SESSION_ID=$1 node "$HOOKS/session-start.cjs" >/dev/null; }
prompt() { payload ada "p$1" | CLAUDE_PID=$ada CLAUDE_CODE_SESSION_ID=ada FLOWLOOM_DEBUG=1 $GATE -c "$SCRIPT" "$HOOKS/gate.sh" user-prompt-submit 2>&1; echo; }
sleep 1000 & ada=$!
sleep 1000 & bob=$!
start ada $ada
start bob $bob
for n in 1 2 3 4 5 6; do
  sleep 1.1
  told=$(prompt $n)
  case $told in *"answered without Node"*) break ;; esac
done
echo "BEFORE $told"
kill -9 $bob
wait $bob 2>/dev/null
sleep 1.1
for n in $(seq 50); do
  echo $((bob - 1)) >/proc/sys/kernel/ns_last_pid
  sleep 1000 & new=$!
  [ $new = $bob ] && echo REUSED && break
  kill -9 $new
done
echo "AFTER $(prompt 9)"
kill -9 $ada $new
`;

describe.each(shells)('in $name', ({ name, shell, isHere }) => {
  const needs = [isHere ? '' : name, canEnter ? '' : 'unshare with user namespaces']
    .filter(Boolean)
    .join(', ');
  if (needs) {
    test.skip(`skipped: needs ${needs}`, () => {});
    return;
  }
  test('a reused pid is another process', () => {
    const session = world().session();
    const script = gateArguments('user-prompt-submit')[1]!;
    const run = spawnSync('unshare', [...enter, 'sh', '-c', story], {
      env: { ...session.environment(), HOOKS: hooksFolder, GATE: shell.join(' '), SCRIPT: script },
      encoding: 'utf8',
    });
    const [before = '', after = ''] = run.stdout.split('AFTER');
    expect(before).toMatch(/BEFORE.*2 live sessions.*answered without Node[\s\S]*REUSED/);
    expect(after).toMatch(/1 live session;[\s\S]*Changed: /);
    expect(after).not.toContain('answered without Node');
  });
});
