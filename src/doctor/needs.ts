import type {AclRule} from '../core/api/acl-rule.js'
import {rulesOf} from './command-rules.js'

/** The permissions that a command needs. */
export interface CommandNeeds {
  /** Names of the commands that need the rules, with an option if they need the rules only with this option. */
  readonly command: string
  readonly rules: readonly AclRule[]
}

const need = (command: string, rules: readonly AclRule[]): CommandNeeds => ({command, rules})
const [durable] = rulesOf('event prune', '')

/** Returns the rules that commands need for the key that the user wants to use. */
export const commandNeeds = (key: string): readonly CommandNeeds[] => [
  need('lock', rulesOf('lock', key)),
  need('kv put', rulesOf('kv put', key)),
  need('kv incr, update and edit', rulesOf('kv incr', key)),
  need('kv wait-for', rulesOf('kv wait-for', key)),
  need('kv diff', rulesOf('kv diff', key)),
  need('kv import --prefix', rulesOf('kv import', key)),
  need('watch and discover, template, env of keys', rulesOf('discover', key)),
  need('watch and discover, template of services', rulesOf('watch service', '')),
  need('watch and template of nodes', rulesOf('watch nodes', '')),
  need('exec', rulesOf('exec', '')),
  need('exec --via rexec', [
    {resource: 'key', segment: '_rexec/', isPrefix: true, access: 'write'},
    {resource: 'event', segment: '_rexec', access: 'write'},
    ...rulesOf('exec', '').filter(({resource}) => resource !== 'key'),
  ]),
  need('responder', rulesOf('responder', '')),
  need('replicate', rulesOf('replicate', key)),
  need('service run, register, deregister and maint', rulesOf('service run', '')),
  need('service ls', rulesOf('service ls', '')),
  need('members', rulesOf('members', '')),
  need('event list', rulesOf('event list', '')),
  need('event fire', rulesOf('event fire', '')),
  need('event --durable', [...(durable ? [durable] : []), ...rulesOf('event fire', '')]),
]
