/**
 * The guardian, in bash with nothing but builtins until the last step. Words: grace in hundredths of a second, then the
 * command that gives the lock back. The first line on stdin is what that command reads; read without a limit of time,
 * which would cost bash three system calls more for each byte. Then come `marked NAME=VALUE` (a child is to come),
 * `group PID`, `terminal PID NAME=VALUE`, `gone`, `deadline TERM KILL` in hundredths of a second since boot, `released`.
 * Who was once found stays in `known` when its parents end.
 */
const bashScript = String.raw`
grace=$1; shift
shape= root= marker= term_at=0 kill_at=0 stopped= payload= line= never=
declare -A known=()
clock() { local up; read -r up _ </proc/uptime; now=$((10#${'$'}{up/./})); }
pause() { local _; [ -n "$never" ] || exec {never}<> <(:); read -r -t "$1" -u "$never" _; }
marked() { local kv; while IFS= read -r -d '' kv; do [ "$kv" = "$marker" ] && return 0; done 2>/dev/null <"/proc/$1/environ"; return 1; }
living() {
  local file stat rest pid grown=1
  local -A parent=() started=() found=()
  for file in /proc/[0-9]*/stat; do
    { IFS= read -r stat <"$file"; } 2>/dev/null || continue
    pid=${'$'}{stat%% *}; rest=(${'$'}{stat##*) })
    case ${'$'}{rest[0]} in Z|X) continue;; esac
    parent[$pid]=${'$'}{rest[1]} started[$pid]=${'$'}{rest[19]}
    if [ "$pid" = "$root" ] || [ "${'$'}{known[$pid]}" = "${'$'}{rest[19]}" ]; then found[$pid]=1
    elif [ "$shape" != group ]; then marked "$pid" && found[$pid]=1
    elif [ "${'$'}{rest[2]}" = "$root" ] || [ "${'$'}{rest[3]}" = "$root" ]; then found[$pid]=1; fi
  done
  while ((grown)); do
    grown=0
    for pid in "${'$'}{!parent[@]}"; do
      if [ -z "${'$'}{found[$pid]}" ] && [ -n "${'$'}{found[${'$'}{parent[$pid]}]}" ]; then found[$pid]=1 grown=1; fi
    done
  done
  pids=("${'$'}{!found[@]}")
  for pid in "${'$'}{pids[@]}"; do known[$pid]=${'$'}{started[$pid]}; done
}
tell() { ((${'$'}{#pids[@]})) && kill -s "$1" -- "${'$'}{pids[@]}" 2>/dev/null; }
stop() {
  [ -n "$shape" ] || return
  local wait=0.01
  living; tell TERM; tell CONT
  while ((${'$'}{#pids[@]})); do
    clock; ((now >= $1)) && break
    pause 0.05; living
  done
  while ((${'$'}{#pids[@]})); do tell KILL; pause "$wait"; wait=0.2; living; done
}
heed() {
  case $1 in
    marked) shape=marked marker=$2;;
    group) shape=group root=$2 stopped=;;
    terminal) shape=terminal root=$2 marker=$3 stopped=;;
    gone) shape= root=;;
    deadline) term_at=$2 kill_at=$3 stopped=;;
    released) exit 0;;
  esac
}
IFS= read -r payload || exit 0
while :; do
  seconds=1
  if ((term_at)) && [ -z "$stopped" ]; then
    clock
    if ((now >= term_at)); then stop "$kill_at"; stopped=1; continue; fi
    left=$((term_at - now))
    ((left < 100)) && printf -v seconds '0.%02d' "$left"
  fi
  IFS= read -r -t "$seconds" part; status=$?
  line+=$part
  ((status > 128)) && continue
  ((status != 0)) && break
  set -f; heed $line; set +f; line=
done
[ "$shape" = marked ] && pause 0.1
clock; stop $((now + grace))
[ -n "$payload" ] && printf '%s' "$payload" | "$@"
`

/** The same for machines without bash, at ten times its memory. */
const nodeScript = String.raw`
const {readdirSync, readFileSync} = require('node:fs')
const {spawn} = require('node:child_process')
const {setTimeout: sleep} = require('node:timers/promises')
const [grace, ...release] = process.argv.slice(1)
const known = new Map()
let shape, root, marker, payload, alarm, text = '', termAt = Infinity, killAt = 0, stopping = Promise.resolve()
const read = path => { try { return readFileSync(path, 'utf8') } catch { return '' } }
const now = () => Number(read('/proc/uptime').split(' ')[0]) * 100
const table = () => readdirSync('/proc').filter(name => /^\d/.test(name)).flatMap(name => {
  const stat = read('/proc/' + name + '/stat')
  const [state, parent, group, session, ...rest] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return /^[ZX]?$/.test(state) ? [] : [{pid: name, parent, group, session, startedAt: rest[15]}]
})
const belongs = one => one.pid === root || known.get(one.pid) === one.startedAt ||
  (shape === 'group' ? one.group === root || one.session === root
    : read('/proc/' + one.pid + '/environ').split('\0').includes(marker))
const living = () => {
  const all = table()
  const found = new Set(all.filter(belongs))
  for (const parent of found) for (const one of all) if (one.parent === parent.pid) found.add(one)
  for (const one of found) known.set(one.pid, one.startedAt)
  return [...found]
}
const tell = (members, signal) => { for (const {pid} of members) try { process.kill(pid, signal) } catch {} }
const stop = async until => {
  if (!shape) return
  let members = living()
  tell(members, 'SIGTERM')
  tell(members, 'SIGCONT')
  for (; members.length > 0 && now() < until; members = living()) await sleep(50)
  for (let ms = 10; members.length > 0; members = living(), ms = 200) { tell(members, 'SIGKILL'); await sleep(ms) }
}
const watch = () => {
  clearTimeout(alarm)
  if (termAt === Infinity) return
  if (now() < termAt) { alarm = setTimeout(watch, Math.min(1000, (termAt - now()) * 10)); return }
  termAt = Infinity
  stopping = stopping.then(() => stop(killAt))
}
const deeds = {
  marked: text => { shape = 'marked'; marker = text },
  group: pid => { shape = 'group'; root = pid },
  terminal: (pid, text) => { shape = 'terminal'; root = pid; marker = text },
  gone: () => { shape = undefined; root = undefined },
  deadline: (term, kill) => { termAt = Number(term); killAt = Number(kill) },
  released: () => process.exit(0),
}
process.stdin.on('data', part => {
  const lines = (text += part).split('\n')
  text = lines.pop()
  payload ??= lines.shift()
  for (const line of lines) { const [verb, ...words] = line.split(' '); deeds[verb](...words) }
  watch()
}).on('end', async () => {
  if (shape === 'marked') await sleep(100)
  await stopping
  await stop(now() + Number(grace))
  if (payload) spawn(release[0], release.slice(1), {stdio: ['pipe', 'ignore', 'ignore']}).stdin.end(payload)
  else process.exit(0)
})
`

/** Without --norc bash reads ~/.bashrc when its stdin is a socket, as Node's pipes are: it takes itself for a remote shell. */
export const bashGuardian = ['bash', '--norc', '-c', bashScript, 'baton-guardian'] as const
export const nodeGuardian = [process.execPath, '-e', nodeScript, '--'] as const

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
