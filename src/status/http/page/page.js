/**
 * The page of `baton ui`: reads the stream of parts and keeps the tables equal to them. Rows keep their elements, so that
 * focus, selection and open details survive an update. Values become text, never markup.
 */
const byId = id => document.getElementById(id)
const mostChanges = 100

/** Shows a number of seconds as `2d 3h`, `4m 12s` or `9s`. */
function duration(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000))
  const units = [
    ['d', Math.floor(seconds / 86400)],
    ['h', Math.floor(seconds / 3600) % 24],
    ['m', Math.floor(seconds / 60) % 60],
    ['s', seconds % 60],
  ]
  const first = units.findIndex(([, count]) => count > 0)
  if (first < 0) return '0s'
  return units
    .slice(first, first + 2)
    .map(([unit, count]) => count + unit)
    .join(' ')
}

const setText = (element, text) => {
  if (element.textContent !== text) element.textContent = text
}

/** Fills a cell: a text, a time that counts up, or a summary with a list to open. */
function fill(cell, {text = '', since, list, kind = ''}) {
  cell.className = kind
  if (since === undefined) delete cell.dataset.since
  else cell.dataset.since = since
  if (list === undefined) {
    setText(cell, since === undefined ? text : duration(Date.now() - Date.parse(since)))
    return
  }
  if (!cell.querySelector('details')) {
    cell.textContent = ''
    const details = document.createElement('details')
    details.append(document.createElement('summary'), document.createElement('ol'))
    cell.append(details)
  }
  setText(cell.querySelector('summary'), text)
  const items = cell.querySelector('ol')
  while (items.children.length > list.length) items.lastChild.remove()
  while (items.children.length < list.length) items.append(document.createElement('li'))
  list.forEach((one, at) => setText(items.children[at], one))
}

/** Keeps the table of a section equal to the rows, in their order. */
function show(id, rows, count) {
  const section = byId(id)
  const body = section.querySelector('tbody')
  const labels = [...section.querySelectorAll('th')].map(head => head.textContent)
  const before = new Map([...body.rows].map(row => [row.dataset.key, row]))
  const isFirst = section.dataset.read === undefined
  section.dataset.read = ''
  rows.forEach(({key, cells}, at) => {
    let row = before.get(key)
    before.delete(key)
    if (!row) {
      row = document.createElement('tr')
      row.dataset.key = key
      if (!isFirst) row.className = 'new'
      for (const label of labels) row.insertCell().dataset.label = label
    }
    cells.forEach((cell, place) => fill(row.cells[place], cell))
    if (body.rows[at] !== row) body.insertBefore(row, body.rows[at] ?? null)
  })
  for (const row of before.values()) row.remove()
  section.querySelector('table').hidden = rows.length === 0
  section.querySelector('.empty').hidden = rows.length > 0
  section.querySelector('.problem')?.remove()
  setText(section.querySelector('.count'), count ?? String(rows.length))
  filter()
}

/** Shows why a section has no data. */
function showProblem(id, problem) {
  const section = byId(id)
  section.querySelector('.empty').hidden = true
  section.querySelector('table').hidden = true
  if (!section.querySelector('.problem')) {
    const text = document.createElement('p')
    text.className = 'problem'
    section.append(text)
  }
  setText(section.querySelector('.problem'), `Cannot be read: ${problem}`)
}

const nameOf = ({command, host, pid, name, session}) =>
  host === undefined ? name || `session ${session}` : `${command ?? 'a program'} on ${host}, pid ${pid}`

function stateOf({kind, limit, holders}) {
  if (kind === 'other') return {text: 'not a lock', kind: 'bad'}
  if (kind === 'semaphore') return {text: `${holders.length} of ${limit ?? '?'} held`}
  return holders.length > 0 ? {text: 'held'} : {text: 'free', kind: 'good'}
}

let knownLocks

function showLocks({locks, sessions, unrenewed}) {
  noteChanges(locks)
  show(
    'locks',
    locks.map(lock => {
      const {prefix, holders, waiters} = lock
      const [holder] = holders
      const names = holders.map(nameOf)
      return {
        key: prefix,
        cells: [
          {text: prefix},
          stateOf(lock),
          holders.length > 1 ? {text: `${holders.length} holders`, list: names} : {text: names[0] ?? ''},
          holders.length === 1 && holder.since !== undefined ? {since: holder.since} : {},
          waiters.length > 0 ? {text: String(waiters.length), list: waiters.map(nameOf)} : {},
        ],
      }
    }),
  )
  show(
    'sessions',
    unrenewed.map(({session, name, node, checks, holds}) => ({
      key: session,
      cells: [
        {text: name || '(no name)'},
        {text: node},
        checks.length > 0 ? {text: checks.join(', ')} : {text: 'nothing', kind: 'bad'},
        {text: holds.join(', ')},
        {text: session},
      ],
    })),
    `${unrenewed.length} of ${sessions}`,
  )
}

/** Adds a line for each lock whose holders are others than in the last list. */
function noteChanges(locks) {
  const now = new Map(
    locks.map(({prefix, holders}) => [prefix, new Map(holders.map(one => [one.session, nameOf(one)]))]),
  )
  const before = knownLocks
  knownLocks = now
  if (!before) return
  for (const prefix of new Set([...before.keys(), ...now.keys()])) {
    const [old, next] = [before.get(prefix) ?? new Map(), now.get(prefix) ?? new Map()]
    const gone = [...old].filter(([session]) => !next.has(session)).map(([, name]) => name)
    const come = [...next].filter(([session]) => !old.has(session)).map(([, name]) => name)
    if (gone.length > 0 && come.length > 0) note(`${prefix}: from ${gone.join('; ')} to ${come.join('; ')}`)
    else if (come.length > 0) note(`${prefix}: taken by ${come.join('; ')}`)
    else if (gone.length > 0) note(`${prefix}: ${next.size > 0 ? 'released' : 'free'}, was held by ${gone.join('; ')}`)
  }
}

function note(text) {
  const list = byId('changes').querySelector('ol')
  const item = document.createElement('li')
  const time = document.createElement('time')
  const now = new Date()
  time.dateTime = now.toISOString()
  time.textContent = now.toLocaleTimeString()
  item.append(time, ` ${text}`)
  list.prepend(item)
  while (list.children.length > mostChanges) list.lastChild.remove()
  byId('changes').querySelector('.empty').hidden = true
  setText(byId('changes').querySelector('.count'), String(list.children.length))
}

function showExec({responders, jobs}) {
  show(
    'responders',
    responders.map(({name, node, passing}) => ({
      key: `${node}/${name}`,
      cells: [{text: name}, {text: node}, passing ? {text: 'passing', kind: 'good'} : {text: 'failing', kind: 'bad'}],
    })),
  )
  show(
    'jobs',
    jobs.map(({job, command, requester, issued, nodes, waitingCount, runningCount, endedCount}) => ({
      key: job,
      cells: [
        {text: command},
        {text: `${requester.name}@${requester.host}`},
        {since: issued},
        {text: `${waitingCount} waiting, ${runningCount} running, ${endedCount} ended`, list: nodes},
        {text: job},
      ],
    })),
  )
}

const kinds = {healthy: 'good', warning: 'warn', critical: 'bad', unknown: 'warn'}

function showReplication({mappings}) {
  show(
    'replication',
    mappings.map(({mapping, health, replicator, replicators}) => {
      const best = replicators.find(({id}) => id === replicator)
      const {source, datacenter, destination} = mapping
      return {
        key: `${source}@${datacenter ?? ''}:${destination}`,
        cells: [
          {text: `${source}@${datacenter ?? '?'} → ${destination}`},
          {text: health, kind: kinds[health]},
          {text: best ? duration(best.lagMs) : ''},
          {text: best ? String(best.held) : ''},
          {text: best ? String(best.refused) : ''},
          {
            text: best
              ? `${best.host}, pid ${best.pid}, ${best.isAlive ? best.state : best.phase}`
              : 'consul-replicate',
          },
        ],
      }
    }),
  )
}

function showWatchers(watchers) {
  byId('watchers').hidden = watchers === null
  show(
    'watchers',
    (watchers ?? []).map(({pid, events, stateFile = '', since}) => ({
      key: String(pid),
      cells: [{text: events.length > 0 ? events.join(', ') : 'all'}, {text: stateFile}, {text: `pid ${pid}`}, {since}],
    })),
  )
}

let contact = {isLive: true, problem: null}
let liveAt = new Date()
let connection = 'connecting'

function showContact() {
  const [state, text] =
    connection === 'open'
      ? contact.isLive
        ? ['live', 'live']
        : ['stale', `Consul: ${contact.problem}; state of ${liveAt.toLocaleTimeString()}`]
      : connection === 'lost'
        ? ['lost', `not connected; state of ${liveAt.toLocaleTimeString()}`]
        : ['connecting', connection]
  byId('contact').dataset.state = state
  setText(byId('contact'), text)
}

const parts = {
  agent: ({datacenter, node, version}) => setText(byId('agent'), `${datacenter}, Consul ${version}, agent on ${node}`),
  locks: showLocks,
  exec: showExec,
  replication: showReplication,
  watchers: showWatchers,
  missingRules(rules) {
    byId('missing').hidden = rules.length === 0
    setText(byId('missing'), `The token lacks permissions, so this page may be incomplete: ${rules.join(' ')}`)
  },
  contact(next) {
    contact = next
    if (next.isLive) liveAt = new Date()
    showContact()
  },
}
const sectionsOf = {
  locks: ['locks', 'sessions'],
  exec: ['responders', 'jobs'],
  replication: ['replication'],
  watchers: ['watchers'],
}

function receive(name, data) {
  if (data?.problem !== undefined && name !== 'contact') {
    for (const id of sectionsOf[name] ?? []) showProblem(id, data.problem)
  } else parts[name]?.(data)
}

/** Hides the rows that do not contain the text of the filter. */
function filter() {
  const wanted = byId('filter').value.toLowerCase()
  for (const row of document.querySelectorAll('tbody tr'))
    row.hidden = wanted !== '' && !row.textContent.toLowerCase().includes(wanted)
}

let token = sessionStorage.getItem('token') ?? ''

/** Reads the stream until it ends. Resolves with false if the server wants a token. */
async function readStream() {
  const response = await fetch('events', token === '' ? {} : {headers: {authorization: `Bearer ${token}`}})
  if (response.status === 401) return false
  if (!response.ok) throw new Error(String(response.status))
  connection = 'open'
  showContact()
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
  let rest = ''
  for (;;) {
    const {value, done} = await reader.read()
    if (done) return true
    const blocks = (rest + value).split('\n\n')
    rest = blocks.pop()
    for (const block of blocks) {
      const [, name, data] = /^event: (.*)\ndata: (.*)$/.exec(block) ?? []
      if (name !== undefined) receive(name, JSON.parse(data))
      if (contact.isLive) liveAt = new Date()
    }
  }
}

async function run() {
  for (;;) {
    const isAllowed = await readStream().catch(() => true)
    if (!isAllowed) {
      connection = 'an access token is needed'
      showContact()
      byId('access').hidden = false
      byId('token').focus()
      return
    }
    connection = 'lost'
    showContact()
    await new Promise(resolve => setTimeout(resolve, 500 + Math.random() * 1000))
  }
}

byId('access').addEventListener('submit', event => {
  event.preventDefault()
  token = byId('token').value
  sessionStorage.setItem('token', token)
  byId('token').value = ''
  byId('access').hidden = true
  run()
})
byId('filter').addEventListener('input', filter)
document.addEventListener('keydown', event => {
  if (event.key === '/' && event.target.tagName !== 'INPUT') {
    event.preventDefault()
    byId('filter').focus()
  } else if (event.key === 'Escape' && event.target === byId('filter')) {
    byId('filter').value = ''
    filter()
    byId('filter').blur()
  }
})
setInterval(() => {
  for (const cell of document.querySelectorAll('[data-since]'))
    setText(cell, duration(Date.now() - Date.parse(cell.dataset.since)))
}, 1000)

// The token arrives in the fragment, which browsers do not send, and leaves the address at once.
const [, given] = /^#token=(.+)$/.exec(location.hash) ?? []
if (given !== undefined) {
  token = decodeURIComponent(given)
  sessionStorage.setItem('token', token)
  history.replaceState(null, '', location.pathname)
}
run()
