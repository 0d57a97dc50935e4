import {brief} from '../brief.js'
import {UsageError} from '../errors.js'

/** Address of an agent. */
export interface AgentAddress {
  readonly protocol: 'http:' | 'https:'
  readonly hostname: string
  readonly port: number
  /** Path of a reverse proxy before `/v1/`, without a slash at its end. */
  readonly basePath: string
  readonly socketPath: string | undefined
}

export const defaultAddress = '127.0.0.1:8500'

/**
 * An IPv4 address or a name, with a port. Most addresses are like this. They are read without Node's URL, and with a
 * pattern that V8 compiles fast, because each of the two takes a hundredth of the start-up time.
 */
const plainAddress = /^(?:http:\/\/)?([a-z0-9.-]+):(\d{1,5})$/
const longestPort = 65_535

/**
 * Reads an address in the forms of CONSUL_HTTP_ADDR: `host:port`, `http(s)://host:port/prefix`, `unix:///path`. With
 * `ssl` a plain `http` address is used with TLS anyway, as Consul's own client does.
 */
export function parseAddress(text: string, options: {readonly ssl?: boolean} = {}): AgentAddress {
  if (text.startsWith('unix://')) {
    const socketPath = text.slice('unix://'.length)
    if (socketPath === '') throw badAddress(text)
    return {protocol: 'http:', hostname: 'localhost', port: 80, basePath: '', socketPath}
  }
  const [, hostname, port] = plainAddress.exec(text) ?? []
  if (hostname !== undefined && isPlainHost(hostname) && Number(port) <= longestPort)
    return {
      protocol: options.ssl === true ? 'https:' : 'http:',
      hostname,
      port: Number(port),
      basePath: '',
      socketPath: undefined,
    }
  let url: URL
  try {
    url = new URL(text.includes('://') ? text : `http://${text}`)
  } catch {
    throw badAddress(text)
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw badAddress(text)
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hostname === '') throw badAddress(text)
  const protocol = options.ssl === true ? 'https:' : url.protocol
  return {
    protocol,
    hostname: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port),
    basePath: url.pathname.replace(/\/+$/, ''),
    socketPath: undefined,
  }
}

/** True for an IPv4 address or a name in its usual form, which URL would not change. */
function isPlainHost(host: string): boolean {
  const labels = host.split('.')
  return labels.every(isOctet) ? labels.length === 4 : labels.every(isPlainLabel)
}

const isOctet = (label: string): boolean => String(Number(label)) === label && Number(label) <= 255

const isPlainLabel = (label: string): boolean =>
  /^[a-z]/.test(label) && !label.endsWith('-') && !label.startsWith('xn--')

const badAddress = (text: string): UsageError =>
  new UsageError(`Consul address: '${brief(text.replace(/\/\/[^/@]*@/, '//…@'))}' cannot be used`, {
    hint: 'write host:port, http://host:port, https://host:port or unix:///path/to/socket',
  })

/** Returns the address for messages: `127.0.0.1:8500`, or the path of the socket. */
export function formatAddress(address: AgentAddress): string {
  if (address.socketPath !== undefined) return `unix://${address.socketPath}`
  const host = address.hostname.includes(':') ? `[${address.hostname}]` : address.hostname
  return `${address.protocol === 'https:' ? 'https://' : ''}${host}:${address.port}${address.basePath}`
}
