# shellcheck shell=sh
# The gate: answers the steady prompt and the steady batch of tools without starting Node.
#
# The settings say:  sh -c "trap 'exec node …' EXIT; . \"$0\"" <this file> <name of the hook>
#
# Node leaves an answer behind for a session. It holds while nobody joined, left, died or was renamed: then what Node would
# print is printed here. Everything else ends in Node, by the trap: also whatever goes wrong, since a shell that stumbles
# ends with 2, and that would block the user's prompt. stdin is not read, so Node finds it whole. No process is started here.

if [ "${FLOWLOOM-}" = off ]; then
  trap - EXIT
  exit 0
fi

# A hook does no network, and reading certificates can triple the start of Node; whatever the options preload is not for hooks.
trap 'unset NODE_EXTRA_CA_CERTS NODE_OPTIONS
  export FLOWLOOM_GATE="${0%/*}"
  exec node "${0%/*}/$1.cjs"' EXIT

case ${CLAUDE_CODE_SESSION_ID-} in '' | *[!A-Za-z0-9_-]*) exit ;; esac
ready=${XDG_CACHE_HOME:-${HOME-}/.cache}/flowloom/ready/$CLAUDE_CODE_SESSION_ID

# It is run as code, so it has to be this user's own.
# shellcheck disable=SC3067
[ -O "$ready" ] || exit
ready_format='' ready_hooks='' ready_pid='' ready_where='' ready_git='' ready_seal='' ready_beat='' ready_said=''
ready_near=missing ready_far=missing
# shellcheck disable=SC1090
. "$ready"

# The same session, in the same place.
[ "$ready_format" = 2 ] || exit
[ "$ready_pid" = "${CLAUDE_PID-}" ] || exit
[ "$ready_where" = "${CLAUDE_PROJECT_DIR-}|${FLOWLOOM_STATE_DIR-}|${XDG_STATE_HOME-}|${TMPDIR-}" ] || exit
if [ -e "$CLAUDE_PROJECT_DIR/.git" ]; then git=yes; else git=no; fi
[ "$ready_git" = "$git" ] || exit

# Whoever joins, leaves or is renamed breaks the seal; there is no beat where this member has no records.
[ -e "$ready_seal" ] || exit
[ -f "$ready_beat" ] || exit

# Nobody died, and these are the processes that Node judged. The directory of a process in /proc is as old as its first look-up
# and goes with the process, so the answer is newer than the directories of exactly those. Of a zombie there is no `exe`.
for pid in $ready_near; do
  [ -e "/proc/$pid/exe" ] || exit
  # shellcheck disable=SC3013
  [ "$ready" -nt "/proc/$pid" ] || exit
done
# Where there is no /proc, and for those far back in a crowd, who cannot change a role, it is enough that there is such a process.
for pid in $ready_far; do kill -0 "$pid" || exit; done

# The same hooks are installed twice: the others have this answer and say it.
if [ "$ready_hooks" != "${0%/*}" ]; then
  [ -f "$ready_hooks/gate.sh" ] || exit
  ready_said=''
fi

true >|"$ready_beat" || exit

trap - EXIT
if [ "$1" = user-prompt-submit ]; then printf %s "$ready_said"; fi
if [ "${FLOWLOOM_DEBUG-}" = 1 ]; then printf '%s\n' "flowloom gate: $1 answered without Node" >&2; fi
exit 0
