#!/usr/bin/env bash
# usage: critical-section.sh HISTORY ID SECONDS [EXCLUSIVE]
# What a lock protects in tests: writes `start ID NS`, then `beat ID NS` every 10 ms, then `end ID NS` to HISTORY, one
# append each, so that the order of the lines is the order of events whatever the clocks say. EXCLUSIVE is a file made
# with O_EXCL while it runs: finding it made by a live process is a `clash`.
set -u
history=$1 id=$2 seconds=$3 exclusive=${4:-}

note() { printf '%s %s %s\n' "$1" "$id" "$(( ${EPOCHREALTIME/./} * 1000 ))" >>"$history"; }
alive() {
  local stat
  read -r stat 2>/dev/null <"/proc/$1/stat" || return 1
  [[ ${stat##*) } != [ZX]* ]]
}

note start
if [ -n "$exclusive" ]; then
  if ! (set -C; printf '%s' "$$" >"$exclusive") 2>/dev/null; then
    owner=
    read -r owner 2>/dev/null <"$exclusive"
    # A killed holder cannot remove its file; a holder that still runs or has just exited is a clash.
    if [ -z "$owner" ] || alive "$owner"; then note clash; exclusive=; else printf '%s' "$$" >"$exclusive"; fi
  fi
fi
exec {never}<> <(:)
until_us=$(( ${EPOCHREALTIME/./} + $(printf '%.0f' "${seconds}e6") ))
while (( ${EPOCHREALTIME/./} < until_us )); do
  read -r -t 0.01 -u "$never" _
  note beat
done
[ -z "$exclusive" ] || rm -f "$exclusive"
note end
