import type {AclRule} from '../core/api/acl-rule.js'

const all = (access: AclRule['access'], ...resources: readonly AclRule['resource'][]): readonly AclRule[] =>
  resources.map(resource => ({resource, segment: '', isPrefix: true, access}))
const below = (segment: string, access: AclRule['access']): AclRule => ({
  resource: 'key',
  segment,
  isPrefix: true,
  access,
})
const key = (segment: string, access: AclRule['access']): AclRule => ({resource: 'key', segment, access})

const sessions = all('write', 'session')
const jobs = 'baton/exec/v1/jobs/'
const statuses = 'service/consul-replicate/statuses/'
const readJobs = [below(jobs, 'read'), below('baton/exec/v1/run/', 'read')]
const seeLocks = (prefix: string): readonly AclRule[] => [below(prefix, 'read'), ...all('read', 'session')]

/** The rules that a status of the locks below a prefix needs. `statusDir` is where replicators keep their status keys. */
export const statusRules = (prefix: string, statusDir: string): readonly AclRule[] => [
  ...seeLocks(prefix),
  below('baton/exec/v1/', 'read'),
  below(`${statusDir}/`, 'read'),
  ...all('read', 'node', 'service', 'agent'),
]
const seeAll = (prefix: string): readonly AclRule[] => statusRules(prefix, statuses.slice(0, -1))
const readKey = (name: string): readonly AclRule[] => [key(name, 'read')]
const writeKey = (name: string): readonly AclRule[] => [key(name, 'write')]
const readBelow = (prefix: string): readonly AclRule[] => [below(prefix, 'read')]
const holdLock = (prefix: string): readonly AclRule[] => [below(prefix, 'write'), ...sessions]
const named = (resource: AclRule['resource'], name: string): readonly AclRule[] =>
  name === '' ? all('write', resource) : [{resource, segment: name, access: 'write'}]
const fire = (name: string): readonly AclRule[] => named('event', name)
const offer = (name: string): readonly AclRule[] => named('service', name)
const none = (): readonly AclRule[] => []

/**
 * The rules that each command needs in its usual form. `target` is the key, prefix or name that the command is about;
 * `written` is the key that `lock put` writes. Commands that adapt to the token, such as `doctor`, need none.
 */
const rules: Readonly<Record<string, (target: string, written: string) => readonly AclRule[]>> = {
  discover: readBelow,
  doctor: none,
  env: prefix => [below(`${prefix}/`, 'read')],
  event: fire,
  'event fire': fire,
  'event list': () => all('read', 'event'),
  'event prune': name => [below(`baton/events/v1/${name === '' ? '' : `${name}/`}`, 'write')],
  // The target is the name of a durable log; an empty one stands for the list of the agent.
  'event watch': log =>
    log === '' ? all('read', 'agent', 'event') : [...all('read', 'agent'), below(`baton/events/v1/${log}/`, 'read')],
  exec: () => [
    below(jobs, 'write'),
    below('baton/exec/v1/ctl/', 'write'),
    below('baton/exec/v1/run/', 'read'),
    ...sessions,
    ...all('read', 'node', 'service', 'agent'),
  ],
  'exec attach': () => readJobs,
  'exec cancel': () => [...readJobs, below('baton/exec/v1/ctl/', 'write')],
  'exec ls': () => readBelow(jobs),
  'exec show': () => readJobs,
  'exec submit': () => [
    below(jobs, 'write'),
    below('baton/exec/v1/ctl/', 'write'),
    below('baton/exec/v1/run/', 'read'),
  ],
  'kv cas': writeKey,
  'kv delete': writeKey,
  'kv diff': readBelow,
  'kv edit': writeKey,
  'kv export': readBelow,
  'kv get': readKey,
  'kv import': prefix => [below(prefix, 'write')],
  'kv incr': writeKey,
  'kv ls': readBelow,
  'kv put': writeKey,
  'kv update': writeKey,
  'kv wait-for': readKey,
  'kv watch': readKey,
  lock: holdLock,
  'lock assert': readBelow,
  'lock break': prefix => [below(prefix, 'read'), ...sessions],
  'lock history': readBelow,
  'lock hold': holdLock,
  'lock ls': seeLocks,
  'lock overdue': readBelow,
  'lock put': (prefix, written) => [below(prefix, 'read'), key(written, 'write')],
  'lock status': seeLocks,
  'lock watch': seeLocks,
  members: () => all('read', 'node'),
  replicate: destination => [below(destination, 'write'), below(statuses, 'write'), ...all('read', 'agent')],
  'replicate approve': () => [below(statuses, 'write')],
  'replicate held': () => readBelow(statuses),
  'replicate status': () => readBelow(statuses),
  'replicate undo': destination =>
    destination === '' ? [below(statuses, 'write')] : [below(destination, 'write'), below(statuses, 'write')],
  'responder check': () => [...all('read', 'agent'), below(jobs, 'read')],
  responder: () => [
    {resource: 'service', segment: 'baton-responder', access: 'write'},
    below(jobs, 'read'),
    key(`${jobs}.standing`, 'write'),
    below('baton/exec/v1/ctl/', 'read'),
    ...all('read', 'node', 'agent'),
  ],
  selftest: () => [below('baton/selftest/', 'write'), ...sessions, ...all('read', 'agent', 'node', 'service')],
  'service deregister': offer,
  'service ls': () => all('read', 'service', 'node'),
  'service maint': offer,
  'service register': offer,
  'service run': offer,
  status: seeAll,
  template: none,
  ui: seeAll,
  watch: none,
  'watch checks': () => all('read', 'node', 'service'),
  'watch event': () => all('read', 'event'),
  'watch key': readKey,
  'watch keyprefix': readBelow,
  'watch nodes': () => all('read', 'node'),
  'watch query': none,
  'watch service': () => all('read', 'service', 'node'),
  'watch services': () => all('read', 'service'),
}

/** The names of all commands in the table, including those that need no rules. */
export const commandsWithRules: readonly string[] = Object.keys(rules)

/**
 * Returns the rules that a command needs for the key, prefix or name that it is about. Empty if the command needs no
 * rules, or if the rules depend on more than its arguments. In the latter case, each refusal by Consul names a missing
 * rule. docs/commands lists the same rules.
 */
export const rulesOf = (command: string, target: string, written = ''): readonly AclRule[] =>
  rules[command]?.(target, written) ?? []
