import * as Flags from '@oclif/core/flags'
import {brief} from '../../core/brief.js'
import {UsageError} from '../../core/errors.js'
import type {Probe} from '../../service/probe.js'
import {durationFlag} from '../flags.js'

const service = 'SERVICE'
const health = 'HEALTH'

/** Flags that describe a service. */
export const serviceFlags = {
  name: Flags.string({helpGroup: service, description: 'name that the instances of the service share', required: true}),
  id: Flags.string({helpGroup: service, description: 'ID on its agent (default: NAME-PORT, or NAME)'}),
  port: Flags.integer({helpGroup: service, helpValue: 'N', description: 'its port', min: 1, max: 65_535}),
  address: Flags.string({helpGroup: service, helpValue: 'ADDR', description: "its address (default: the node's)"}),
  tag: Flags.string({
    helpGroup: service,
    description: 'a tag (repeatable)',
    multiple: true,
    multipleNonGreedy: true,
  }),
  meta: Flags.string({
    helpGroup: service,
    helpValue: 'KEY=VALUE',
    description: 'metadata (repeatable)',
    multiple: true,
    multipleNonGreedy: true,
  }),
}

/** Flags that describe how to check the health of a service. */
export const healthFlags = {
  check: Flags.string({
    helpGroup: health,
    helpValue: 'CHECK',
    description: 'URL, http:/PATH, tcp, tcp:[HOST:]PORT or script:COMMAND (repeatable)',
    multiple: true,
    multipleNonGreedy: true,
  }),
  interval: durationFlag({
    helpGroup: health,
    description: 'time between two runs of a check',
    default: '10s',
    min: 100,
  }),
  timeout: durationFlag({
    helpGroup: health,
    description: 'a check without a result after this time has failed',
    default: '5s',
    min: 1,
  }),
  'deregister-after': durationFlag({
    helpGroup: health,
    description: 'let the agent remove the service after it was critical for this time, at least 1m (default: never)',
  }),
}

interface Described {
  readonly name: string
  readonly id?: string | undefined
  readonly port?: number | undefined
  readonly address?: string | undefined
  readonly tag?: readonly string[] | undefined
  readonly meta?: readonly string[] | undefined
}

/**
 * Returns the registration option for --deregister-after. Rejects times below a minute, which an agent would silently
 * raise.
 */
export function toRemoval(flags: {readonly 'deregister-after'?: number | undefined}): {
  readonly deregisterAfterMs?: number
} {
  const ms = flags['deregister-after']
  if (ms === undefined) return {}
  if (ms < 60_000) throw new UsageError('--deregister-after: agents accept no less than 1m')
  return {deregisterAfterMs: ms}
}

/** Returns the service that the flags describe. */
export function toService(flags: Described): {
  readonly id: string
  readonly name: string
  readonly port?: number
  readonly address?: string
  readonly tags: readonly string[]
  readonly meta: Readonly<Record<string, string>>
} {
  const {name, port, address} = flags
  if (address !== undefined) checkHost('address', address)
  return {
    id: flags.id ?? (port === undefined ? name : `${name}-${port}`),
    name,
    ...(port !== undefined && {port}),
    ...(address !== undefined && {address}),
    tags: flags.tag ?? [],
    meta: toMeta(flags.meta ?? []),
  }
}

/** Throws a UsageError if an address is neither an IP address nor a host name. */
export function checkHost(flag: 'address' | 'node-address', text: string): void {
  if (/^[\w.:%-]+$/.test(text) && !/^[^:]*:[^:]*$/.test(text)) return
  throw new UsageError(`--${flag}: '${brief(text)}' is not an address or a name of a host`)
}

const [longestMetaKey, longestMetaValue, mostMeta] = [128, 512, 64]

/** Parses `KEY=VALUE` pairs. Refuses pairs that Consul would refuse, before anything is started or sent. */
function toMeta(texts: readonly string[]): Readonly<Record<string, string>> {
  const pairs = new Map<string, string>()
  for (const text of texts) {
    const at = text.indexOf('=')
    if (at < 1) throw new UsageError(`--meta: '${brief(text)}' is not KEY=VALUE`)
    const [key, value] = [text.slice(0, at), text.slice(at + 1)]
    const fault = metaFault(key, value)
    if (fault !== undefined) throw new UsageError(`--meta: '${brief(key)}': ${fault}`)
    if (pairs.has(key)) throw new UsageError(`--meta: '${brief(key)}' is given twice`)
    pairs.set(key, value)
  }
  if (pairs.size > mostMeta) throw new UsageError(`--meta: Consul accepts at most ${mostMeta} pairs`)
  return Object.fromEntries(pairs)
}

function metaFault(key: string, value: string): string | undefined {
  if (key.length > longestMetaKey) return `the key is longer than ${longestMetaKey} characters`
  if (!/^[\w-]+$/.test(key)) return 'a key has letters, digits, - and _'
  return value.length > longestMetaValue ? `the value is longer than ${longestMetaValue} characters` : undefined
}

/** Returns the probe that a value of --check describes. A path or port without a host refers to the service itself. */
export function toProbe(text: string, own: {readonly port?: number; readonly address?: string}): Probe {
  const host = own.address ?? '127.0.0.1'
  const ownPort = (): number => {
    if (own.port === undefined) throw new UsageError(`--check: '${brief(text)}' needs --port`)
    return own.port
  }
  if (/^https?:\/\//.test(text)) {
    if (!URL.canParse(text)) throw new UsageError(`--check: '${brief(text)}' is not a URL`)
    return {kind: 'http', url: text}
  }
  const [, scheme, path] = /^(https?):(\/.*)$/s.exec(text) ?? []
  if (scheme !== undefined) return {kind: 'http', url: `${scheme}://${bracketed(host)}:${ownPort()}${path ?? ''}`}
  if (text === 'tcp') return {kind: 'tcp', host, port: ownPort()}
  const [, , tcpHost, digits] = /^tcp:((.+):)?(\d+)$/.exec(text) ?? []
  const port = Number(digits)
  if (port >= 1 && port <= 65_535) return {kind: 'tcp', host: tcpHost?.replace(/^\[(.*)\]$/, '$1') ?? host, port}
  const [, script = ''] = /^script:\s*(.*)$/s.exec(text) ?? []
  if (script !== '') return {kind: 'script', argv: ['/bin/sh', '-c', script]}
  throw new UsageError(`--check: '${brief(text)}' is not a URL, http:/PATH, tcp, tcp:[HOST:]PORT or script:COMMAND`)
}

const bracketed = (host: string): string => (host.includes(':') ? `[${host}]` : host)
