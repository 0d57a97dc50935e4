// The guardian process for machines without bash. Its input, arguments and steps are those of guardian.sh.
const {readdirSync, readFileSync} = require('node:fs')
const {spawn} = require('node:child_process')
const {setTimeout: sleep} = require('node:timers/promises')

const [grace, , ...release] = process.argv.slice(1)
const known = new Map()
let shape
let root
let marker
let payload
let alarm
let text = ''
let termAt = Number.POSITIVE_INFINITY
let killAt = 0
let stopping = Promise.resolve()

const read = path => {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

const now = () => Number(read('/proc/uptime').split(' ')[0]) * 100

const table = () =>
  readdirSync('/proc')
    .filter(name => /^\d/.test(name))
    .flatMap(name => {
      const stat = read(`/proc/${name}/stat`)
      const [state, parent, group, session, ...rest] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      return /^[ZX]?$/.test(state) ? [] : [{pid: name, parent, group, session, startedAt: rest[15]}]
    })

const belongs = ({pid, group, session, startedAt}) => {
  if (pid === root || known.get(pid) === startedAt) return true
  if (shape === 'group') return group === root || session === root
  return read(`/proc/${pid}/environ`).split('\0').includes(marker)
}

const living = () => {
  const all = table()
  const found = new Set(all.filter(belongs))
  for (const parent of found) for (const one of all) if (one.parent === parent.pid) found.add(one)
  for (const one of found) known.set(one.pid, one.startedAt)
  return [...found]
}

const send = (members, signal) => {
  for (const {pid} of members) {
    try {
      process.kill(pid, signal)
    } catch {
      // The process has ended, or belongs to another user.
    }
  }
}

const stop = async until => {
  if (!shape) return
  const asked = new Map()
  const ask = members => {
    const others = members.filter(one => asked.get(one.pid) !== one.startedAt)
    send(others, 'SIGTERM')
    send(others, 'SIGCONT')
    for (const one of others) asked.set(one.pid, one.startedAt)
  }
  let members = living()
  ask(members)
  while (members.length > 0 && now() < until) {
    await sleep(50)
    members = living()
    const pids = new Set(members.map(one => one.pid))
    // A member that was forked while the others were listed receives TERM once its parent has ended: until then it may
    // be part of the parent's cleanup.
    ask(members.filter(one => !pids.has(one.parent)))
  }
  for (let ms = 10; members.length > 0; ms = 200) {
    send(members, 'SIGKILL')
    await sleep(ms)
    members = living()
  }
}

const watch = () => {
  clearTimeout(alarm)
  if (termAt === Number.POSITIVE_INFINITY) return
  if (now() < termAt) {
    alarm = setTimeout(watch, Math.min(1000, (termAt - now()) * 10))
    return
  }
  termAt = Number.POSITIVE_INFINITY
  stopping = stopping.then(() => stop(killAt))
}

const orders = {
  marked: () => {
    shape = 'marked'
  },
  group: pid => {
    shape = 'group'
    root = pid
  },
  terminal: pid => {
    shape = 'terminal'
    root = pid
  },
  gone: () => {
    shape = undefined
    root = undefined
  },
  deadline: (term, kill) => {
    termAt = Number(term)
    killAt = Number(kill)
  },
  released: () => process.exit(0),
}

process.stdin
  .on('data', part => {
    text += part
    const lines = text.split('\n')
    text = lines.pop()
    payload ??= lines.shift()
    marker ??= lines.shift()
    for (const line of lines) {
      const [verb, ...words] = line.split(' ')
      orders[verb](...words)
    }
    watch()
  })
  .on('end', async () => {
    clearTimeout(alarm)
    if (shape === 'marked') await sleep(100)
    await stopping
    await stop(now() + Number(grace))
    if (payload) spawn(release[0], release.slice(1), {stdio: ['pipe', 'ignore', 'ignore']}).stdin.end(payload)
    else process.exit(0)
  })
