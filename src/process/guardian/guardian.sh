#!/usr/bin/env bash
# The guardian uses only builtins until its last step. Arguments: the grace in hundredths of a second, the length of the
# first two lines of stdin, and then the command that releases the lock. The first line is the input of that command,
# the second is NAME=VALUE, which a child has in its environment. Each later line ends in spaces and has 40 characters,
# because bash reads a text of known length with one system call, but a line with one for each character. They are:
#   marked                    a child is about to start
#   group PID                 the child leads its own session and group
#   terminal PID              the child shares a terminal's group
#   gone                      no process of the child is left
#   deadline TERM KILL        in hundredths of a second since boot
#   released                  the lock was released: the guardian ends
# A process that was found stays in `known` after its parents have exited.
# shellcheck disable=SC2034 # `_` receives unused values

grace=$1 length=$2
shift 2
shape='' root='' marker='' term_at=0 kill_at=0 stopped='' payload='' line='' never='' now=0
declare -A known=() asked=()
pids=() orphans=()

clock() {
  local up
  read -r up _ </proc/uptime
  now=$((10#${up/./}))
}

pause() {
  local _
  [ -n "$never" ] || exec {never}<> <(:)
  read -r -t "$1" -u "$never" _
}

is_marked() {
  local variable
  while IFS= read -r -d '' variable; do
    [ "$variable" = "$marker" ] && return 0
  done 2>/dev/null <"/proc/$1/environ"
  return 1
}

# Sets `pids` to the living members and `orphans` to those whose parent is not a living member.
living() {
  local file stat fields pid is_growing=1
  local -A parent=() started=() found=()
  for file in /proc/[0-9]*/stat; do
    { IFS= read -r stat <"$file"; } 2>/dev/null || continue
    pid=${stat%% *}
    # shellcheck disable=SC2206 # numbers and one letter
    fields=(${stat##*) })
    case ${fields[0]} in Z | X) continue ;; esac
    parent[$pid]=${fields[1]} started[$pid]=${fields[19]}
    if [ "$pid" = "$root" ] || [ "${known[$pid]}" = "${fields[19]}" ]; then
      found[$pid]=1
    elif [ "$shape" != group ]; then
      is_marked "$pid" && found[$pid]=1
    elif [ "${fields[2]}" = "$root" ] || [ "${fields[3]}" = "$root" ]; then
      found[$pid]=1
    fi
  done
  while ((is_growing)); do
    is_growing=0
    for pid in "${!parent[@]}"; do
      if [ -z "${found[$pid]}" ] && [ -n "${found[${parent[$pid]}]}" ]; then found[$pid]=1 is_growing=1; fi
    done
  done
  pids=("${!found[@]}") orphans=()
  for pid in "${pids[@]}"; do
    known[$pid]=${started[$pid]}
    [ -n "${found[${parent[$pid]}]}" ] || orphans+=("$pid")
  done
}

# send SIGNAL PID...
send() {
  local signal=$1
  shift
  (($#)) && kill -s "$signal" -- "$@" 2>/dev/null
}

# Sends TERM to those of its arguments that have not received it. CONT lets stopped processes receive it.
ask() {
  local pid
  for pid; do
    [ "${asked[$pid]}" = "${known[$pid]}" ] && continue
    asked[$pid]=${known[$pid]}
    send TERM "$pid"
    send CONT "$pid"
  done
}

# stop UNTIL: TERM, the grace until that instant, then KILL until no member is left.
stop() {
  [ -n "$shape" ] || return
  local seconds=0.01
  asked=()
  living
  ask "${pids[@]}"
  while ((${#pids[@]})); do
    clock
    ((now >= $1)) && break
    pause 0.05
    living
    # A member that was forked while the others were listed receives TERM once its parent has ended: until then it may
    # be part of the parent's cleanup.
    ask "${orphans[@]}"
  done
  while ((${#pids[@]})); do
    send KILL "${pids[@]}"
    pause "$seconds"
    seconds=0.2
    living
  done
}

obey() {
  case $1 in
    marked) shape=marked ;;
    group) shape=group root=$2 stopped='' ;;
    terminal) shape=terminal root=$2 stopped='' ;;
    gone) shape='' root='' ;;
    deadline) term_at=$2 kill_at=$3 stopped='' ;;
    released) exit 0 ;;
  esac
}

IFS= read -r -N "$length" line || exit 0
payload=${line%%$'\n'*}
marker=${line#*$'\n'}
marker=${marker%$'\n'}
line=''
while :; do
  timeout=()
  if ((term_at)) && [ -z "$stopped" ]; then
    seconds=1
    clock
    if ((now >= term_at)); then
      stop "$kill_at"
      stopped=1
      continue
    fi
    left=$((term_at - now))
    ((left < 100)) && printf -v seconds '0.%02d' "$left"
    timeout=(-t "$seconds")
  fi
  IFS= read -r -N $((40 - ${#line})) "${timeout[@]}" part
  status=$?
  line+=$part
  ((status > 128)) && continue
  ((status != 0)) && break
  set -f
  # shellcheck disable=SC2086 # the line is split at spaces
  obey $line
  set +f
  line=''
done
[ "$shape" = marked ] && pause 0.1
clock
stop $((now + grace))
[ -n "$payload" ] && printf '%s' "$payload" | "$@"
