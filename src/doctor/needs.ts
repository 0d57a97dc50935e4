import type {AclRule} from '../core/api/acl-rule.js'

/** Permissions that a command needs. */
export interface CommandNeeds {
  /** The command, with the option that needs the rules. */
  readonly command: string
  readonly rules: readonly AclRule[]
}

const sessions: AclRule = {resource: 'session', segment: '', isPrefix: true, access: 'write'}
const readAll = (...resources: readonly AclRule['resource'][]): readonly AclRule[] =>
  resources.map(resource => ({resource, segment: '', isPrefix: true, access: 'read'}))
const keysBelow = (segment: string, access: AclRule['access']): AclRule => ({
  resource: 'key',
  segment,
  isPrefix: true,
  access,
})

const execRules: readonly AclRule[] = [
  keysBelow('baton/exec/v1/jobs/', 'write'),
  keysBelow('baton/exec/v1/ctl/', 'write'),
  keysBelow('baton/exec/v1/run/', 'read'),
  sessions,
  ...readAll('node', 'service', 'agent'),
]

/**
 * Returns the rules that each command needs for the key that the user wants to use. docs/commands lists the same rules.
 */
export const commandNeeds = (key: string): readonly CommandNeeds[] => [
  {command: 'lock', rules: [keysBelow(key, 'write'), sessions]},
  {command: 'kv put', rules: [{resource: 'key', segment: key, access: 'write'}]},
  {command: 'kv incr, update and edit', rules: [{resource: 'key', segment: key, access: 'write'}]},
  {command: 'kv wait-for', rules: [{resource: 'key', segment: key, access: 'read'}]},
  {command: 'kv diff', rules: [keysBelow(key, 'read')]},
  {command: 'kv import --prefix', rules: [keysBelow(key, 'write')]},
  {command: 'exec', rules: execRules},
  {
    command: 'exec --via rexec',
    rules: [
      keysBelow('_rexec/', 'write'),
      {resource: 'event', segment: '_rexec', access: 'write'},
      sessions,
      ...readAll('node', 'service', 'agent'),
    ],
  },
  {
    command: 'responder',
    rules: [
      {resource: 'service', segment: 'baton-responder', access: 'write'},
      keysBelow('baton/exec/v1/jobs/', 'read'),
      {resource: 'key', segment: 'baton/exec/v1/jobs/.standing', access: 'write'},
      keysBelow('baton/exec/v1/ctl/', 'read'),
      ...readAll('node', 'agent'),
    ],
  },
  {
    command: 'replicate',
    rules: [keysBelow(key, 'write'), keysBelow('service/consul-replicate/statuses/', 'write'), ...readAll('agent')],
  },
  {
    command: 'service run, register, deregister and maint',
    rules: [{resource: 'service', segment: '', isPrefix: true, access: 'write'}],
  },
  {command: 'service ls', rules: readAll('service', 'node')},
  {command: 'members', rules: readAll('node')},
  {command: 'event list', rules: readAll('event')},
  {command: 'event fire', rules: [{resource: 'event', segment: '', isPrefix: true, access: 'write'}]},
  {
    command: 'event --durable',
    rules: [keysBelow('baton/events/v1/', 'write'), {resource: 'event', segment: '', isPrefix: true, access: 'write'}],
  },
]
