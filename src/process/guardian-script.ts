/**
 * The guardian, in bash with nothing but builtins until the last step. Words: grace in hundredths of a second, then the
 * command that gives the lock back. Lines on stdin: `group PID`, `terminal PID NAME=VALUE`, `deadline TERM KILL` in
 * hundredths of a second since boot, `release TEXT` (what that command reads), `released`.
 */
export const guardianScript = String.raw`
grace=$1; shift
root= shape= marker= term_at=0 kill_at=0 payload=
exec {never}<> <(:)
clock() { local up; read -r up _ </proc/uptime; now=$((10#${'$'}{up/./})); }
pause() { local _; read -r -t "$1" -u "$never" _; }
marked() { local kv; while IFS= read -r -d '' kv; do [ "$kv" = "$marker" ] && return 0; done 2>/dev/null <"/proc/$1/environ"; return 1; }
living() {
  local file line rest pid grown=1
  local -A parent=() found=()
  pids=()
  for file in /proc/[0-9]*/stat; do
    { IFS= read -r line <"$file"; } 2>/dev/null || continue
    pid=${'$'}{line%% *}; rest=(${'$'}{line##*) })
    case ${'$'}{rest[0]} in Z|X) continue;; esac
    if [ "$shape" = group ]; then
      if [ "${'$'}{rest[2]}" = "$root" ] || [ "${'$'}{rest[3]}" = "$root" ]; then pids+=("$pid"); fi
    else
      parent[$pid]=${'$'}{rest[1]}
      if [ "$pid" = "$root" ] || marked "$pid"; then found[$pid]=1; fi
    fi
  done
  [ "$shape" = group ] && return
  while ((grown)); do
    grown=0
    for pid in "${'$'}{!parent[@]}"; do
      if [ -z "${'$'}{found[$pid]}" ] && [ -n "${'$'}{found[${'$'}{parent[$pid]}]}" ]; then found[$pid]=1; grown=1; fi
    done
  done
  pids=("${'$'}{!found[@]}")
}
tell() { ((${'$'}{#pids[@]})) && kill -s "$1" -- "${'$'}{pids[@]}" 2>/dev/null; }
stop() {
  [ -n "$root" ] || return
  living; tell TERM; tell CONT
  while ((${'$'}{#pids[@]})); do
    clock; ((now >= $1)) && break
    pause 0.05; living
  done
  while ((${'$'}{#pids[@]})); do tell KILL; pause 0.01; living; done
}
while :; do
  seconds=1
  if ((term_at)); then
    clock
    if ((now >= term_at)); then stop "$kill_at"; term_at=0; continue; fi
    left=$((term_at - now))
    ((left < 100)) && printf -v seconds '0.%02d' "$left"
  fi
  IFS=' ' read -r -t "$seconds" verb one two; status=$?
  ((status > 128)) && continue
  ((status != 0)) && break
  case $verb in
    group) shape=group; root=$one;;
    terminal) shape=terminal; root=$one; marker=$two;;
    deadline) term_at=$one; kill_at=$two;;
    release) payload=$one;;
    gone) root=; term_at=0;;
    released) exit 0;;
  esac
done
clock; stop $((now + grace))
[ -n "$payload" ] && printf '%s' "$payload" | "$@"
`

/** Reads `{target, requests}` in base64 and sends the requests one after the other. Run by a node of its own. */
export const releaseScript = `
let text = ''
process.stdin.on('data', part => { text += part }).on('end', async () => {
  const {target, requests} = JSON.parse(Buffer.from(text, 'base64').toString())
  const {request} = require(target.protocol === 'https:' ? 'node:https' : 'node:http')
  for (const {body, ...one} of requests) await new Promise(done => {
    const outgoing = request({...target, ...one, timeout: 5000}, answer => answer.resume().on('close', done))
    outgoing.on('error', done).on('timeout', () => outgoing.destroy()).end(Buffer.from(body, 'base64'))
  })
})
`
