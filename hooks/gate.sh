# shellcheck shell=sh
# The gate: every hook comes through here. It answers the steady prompt and the steady batch of tools without starting Node.
#
# The settings say:  sh -c "trap '… exec node …' EXIT; . \"$0\"" <this file> <name of the hook>
#
# Node leaves an answer behind for a session. It holds while nobody joined, left, died or was renamed: then what Node would
# print is printed here. Everything else ends in Node, by the trap: also whatever goes wrong, since a shell that stumbles
# ends with 2, and that would block the user's prompt. stdin is not read, so Node finds it whole. No process is started here.

if [ "${FLOWLOOM-}" = off ]; then
  trap - EXIT
  exit 0
fi

# What others want of the Nodes they start is not for hooks: a debugger's preload that is gone ends each of them, certificates triple
# the start, a channel to a parent that is not theirs crashes it. Without Node or the script there is nothing to do, and no error.
trap 'unset NODE_OPTIONS NODE_EXTRA_CA_CERTS NODE_PENDING_DEPRECATION NODE_DEBUG NODE_DEBUG_NATIVE NODE_V8_COVERAGE
  unset NODE_REDIRECT_WARNINGS NODE_CHANNEL_FD NODE_CHANNEL_SERIALIZATION_MODE NODE_UNIQUE_ID NODE_USE_ENV_PROXY NODE_USE_SYSTEM_CA
  export FLOWLOOM_GATE="${0%/*}"
  if [ ! -f "${0%/*}/$1.cjs" ]; then exit 0; fi
  if command -v node >/dev/null; then exec node "${0%/*}/$1.cjs"; fi
  if [ "$1" = session-start ]; then printf %s "$no_node"; fi
  exit 0' EXIT
no_node='{"systemMessage":"flowloom-hooks: this session takes no part, since there is no \"node\" on the PATH. Install Node.js 20.19 or newer where every shell finds it."}'

# The others have something to write down.
case $1 in user-prompt-submit | post-tool-batch) ;; *) exit ;; esac
case ${CLAUDE_CODE_SESSION_ID-} in '' | *[!A-Za-z0-9_-]*) exit ;; esac
cache=${XDG_CACHE_HOME:-${HOME-}/.cache}/flowloom
ready=$cache/ready/$CLAUDE_CODE_SESSION_ID
case $cache in /*) ;; *) exit ;; esac

# It is run as code, so all of it has to be this user's own. Any file of the user's could be put in its place by whoever may write to
# the directory: Node closes it to others and marks it as closed, by the sticky bit. What was looked at last is what is run.
for own in "$cache" "$cache/ready" "$ready"; do
  # shellcheck disable=SC3067
  [ -O "$own" ] || exit
  [ ! -L "$own" ] || exit
done
# shellcheck disable=SC3013
[ -k "$cache/ready" ] || exit
[ -f "$ready" ] || exit
exec 3<"$ready"
# shellcheck disable=SC3067
[ -O /dev/fd/3 ] || exit
ready_format='' ready_hooks='' ready_pid='' ready_where='' ready_git='' ready_seal='' ready_beat='' ready_said=''
ready_near=missing ready_far=missing ready_note='' ready_called=''
# shellcheck disable=SC1091
. /dev/fd/3
exec 3<&-

# The same session, in the same place.
[ "$ready_format" = 2 ] || exit
[ "$ready_pid" = "${CLAUDE_PID-}" ] || exit
[ "$ready_where" = "${CLAUDE_PROJECT_DIR-}|${FLOWLOOM_STATE_DIR-}|${XDG_STATE_HOME-}|${TMPDIR-}" ] || exit
if [ -e "$CLAUDE_PROJECT_DIR/.git" ]; then git=yes; else git=no; fi
[ "$ready_git" = "$git" ] || exit

# Whoever joins, leaves or is renamed breaks the seal; there is no beat where this member has no records.
[ -e "$ready_seal" ] || exit
[ -f "$ready_beat" ] || exit
# What is in it would be lost.
[ ! -s "$ready_beat" ] || exit

# Nobody died, and these are the processes that Node judged. The directory of a process in /proc is as old as its first look-up
# and goes with the process, so the answer is newer than the directories of exactly those. Of a zombie there is no `exe`.
for pid in $ready_near; do
  [ -e "/proc/$pid/exe" ] || exit
  # shellcheck disable=SC3013
  [ "$ready" -nt "/proc/$pid" ] || exit
done
# Where there is no /proc, and for those far back in a crowd, who cannot change a role, it is enough that there is such a process.
for pid in $ready_far; do kill -0 "$pid" || exit; done

# Nor was the one whose name is told renamed, which only the client's own note about it says. It is one short line.
if [ "$ready_note" ]; then
  note=''
  if [ "$ready_called" ]; then
    [ -f "$ready_note" ] && [ -r "$ready_note" ] || exit
    IFS= read -r note <"$ready_note"
    case $note in *"$ready_called"*) ;; *) exit ;; esac
  elif [ -e "$ready_note" ]; then
    exit
  fi
fi

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
