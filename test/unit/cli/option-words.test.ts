import {readFileSync} from 'node:fs'
import {describe, expect, it} from 'vitest'
import type {FlagShape} from '../../../src/cli/flag-words.js'
import {toFlagWords} from '../../../src/cli/option-words.js'

interface Surface {
  readonly shared: Readonly<Record<string, Readonly<Record<string, FlagShape>>>>
  readonly commands: Readonly<
    Record<string, {readonly flags?: Readonly<Record<string, FlagShape>>; readonly shared?: readonly string[]}>
  >
}
const surface = JSON.parse(readFileSync(new URL('../../surface/commands.json', import.meta.url), 'utf8')) as Surface

function flagsOf(id: string): Readonly<Record<string, FlagShape>> {
  const {flags = {}, shared = []} = surface.commands[id]!
  return Object.assign({}, ...shared.map(name => surface.shared[name]!), flags) as Record<string, FlagShape>
}

/** Every option that a command passes to the library and for which the command has a flag. */
const options: readonly (readonly [command: string, option: string, flag: string])[] = [
  ['lock', 'limit', '--limit'],
  ['lock', 'timeoutMs', '--timeout'],
  ['lock', 'ttlMs', '--ttl'],
  ['lock', 'lockDelayMs', '--lock-delay'],
  ['lock', 'nodeChecks', '--checks'],
  ['lock', 'graceMs', '--grace'],
  ['lock', 'sessionName', '--name'],
  ['lock', 'maxRuntimeMs', '--max-runtime'],
  ['exec', 'via', '--via'],
  ['exec', 'isUnsigned', '--unsigned'],
  ['exec', 'cluster', '--cluster'],
  ['exec', 'ackTimeoutMs', '--ack-timeout'],
  ['exec', 'killAfterMs', '--grace'],
  ['exec', 'maxOutputBytes', '--max-output'],
  ['exec', 'prefix', '--prefix'],
  ['exec', 'replicationWaitMs', '--wait-repl'],
  ['exec', 'timeoutMs', '--timeout'],
  ['exec', 'node', '--node'],
  ['exec', 'service', '--service'],
  ['exec', 'keysDirectory', '--keys-dir'],
  ['responder', 'node', '--name'],
  ['responder', 'stateDirectory', '--state-dir'],
  ['responder', 'trustDirectory', '--trust-dir'],
  ['responder', 'unsignedPolicy', '--unsigned-policy'],
  ['responder', 'ttlMs', '--ttl'],
  ['responder', 'maxSkewMs', '--max-skew'],
  ['responder', 'maxValidityMs', '--max-validity'],
  ['keys add', 'expires', '--expires'],
  ['keys add', 'name', '--name'],
  ['event fire', 'spill', '--spill'],
  ['event fire', 'spillTtlMs', '--spill-ttl'],
  ['event fire', 'keep', '--keep'],
  ['event watch', 'from', '--from'],
  ['event watch', 'onCrash', '--on-crash'],
  ['event watch', 'orderWindowMs', '--order-window'],
  ['event watch', 'coalesce', '--coalesce'],
  ['event watch', 'retryDelayMs', '--retry-delay'],
  ['event watch', 'concurrency', '--concurrency'],
  ['event watch', 'timeoutMs', '--timeout'],
  ['watch key', 'debounceMs', '--debounce'],
  ['watch key', 'ignoreIndexes', '--ignore-indexes'],
  ['watch key', 'isOnce', '--once'],
  ['watch key', 'once', '--once'],
  ['watch key', 'withPrevious', '--previous'],
  ['watch key', 'hasPrevious', '--previous'],
  ['watch key', 'skipVerify', '--http-skip-verify'],
  ['watch key', 'method', '--http-method'],
  ['watch key', 'headers', '--http-header'],
  ['watch key', 'onFailure', '--on-error'],
  ['replicate', 'excludes', '--exclude'],
  ['replicate', 'excludeMatches', '--exclude-match'],
  ['replicate', 'lockKeys', '--lock-keys'],
  ['replicate', 'deletes', '--delete'],
  ['replicate', 'maxDelete', '--max-delete'],
  ['replicate', 'approved', '--approve'],
  ['replicate', 'statusDir', '--status-dir'],
  ['replicate', 'maxStaleMs', '--max-stale'],
  ['replicate', 'quiescence', '--wait'],
  ['replicate', 'attempts', '--consul-retry-attempts'],
  ['replicate', 'graceMs', '--grace'],
  ['kv import', 'atomic', '--atomic'],
  ['kv import', 'isAtomic', '--atomic'],
  ['kv import', 'create', '--create'],
  ['discover', 'waitMs', '--wait'],
  ['discover', 'port', '--listen'],
  ['dev', 'port', '--http-addr'],
  ['dev', 'datacenters', '--datacenter'],
  ['dev', 'nodes', '--node'],
  ['dev', 'nodeMeta', '--node-meta'],
  ['dev', 'dnsPort', '--dns-port'],
  ['dev', 'like', '--like'],
  ['dev', 'seed', '--seed'],
  ['dev', 'runScript', '--enable-script-checks'],
  ['kv get', 'token', '--token'],
  ['kv get', 'tls.ca', '--ca-file'],
  ['kv get', 'tls.cert', '--client-cert'],
  ['kv get', 'tls.key', '--client-key'],
  ['kv get', 'tls.servername', '--tls-server-name'],
  ['kv get', 'datacenter', '--datacenter'],
  ['kv get', 'namespace', '--namespace'],
  ['kv get', 'partition', '--partition'],
  ['kv get', 'consistency', '--stale'],
]

describe('toFlagWords', () => {
  it.each(options)('for baton %s, replaces the option %s by the flag %s', (command, option, flag) => {
    expect(toFlagWords(`set \`${option}\``, flagsOf(command))).toBe(`set ${flag}`)
  })

  it.each([
    ['lock', 'shorten `graceMs`, or lengthen `ttlMs`', 'shorten --grace, or lengthen --ttl'],
    ['exec', "reach the agents: `via: 'rexec'`", 'reach the agents: --via rexec'],
    ['event fire', 'set `spill: true`', 'set --spill'],
    ['lock', 'set `shell: false`', 'set --no-shell'],
    ['kv get', 'set `address`', 'set --http-addr or CONSUL_HTTP_ADDR'],
  ])('for baton %s, replaces the options within a text: %s', (command, text, shown) => {
    expect(toFlagWords(text, flagsOf(command))).toBe(shown)
  })

  it('changes neither an option that has no flag nor text that is not an option', () => {
    const text = '`retryMs` and `a b` and `Limit` and `lock`'
    expect(toFlagWords(text, flagsOf('lock'))).toBe(text)
  })

  it.each([
    ['use `limit` 3', 'use -n 3'],
    ['set `shell: false`', 'set -shell=false'],
    ['lengthen `timeoutMs`', 'lengthen -timeout'],
  ])('writes flags with one dash, as the consul command does, if asked to: %s', (text, shown) => {
    expect(toFlagWords(text, flagsOf('lock'), 'go')).toBe(shown)
  })
})
