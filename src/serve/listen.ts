import {brief} from '../core/brief.js'
import {UsageError} from '../core/errors.js'

export interface ListenAddress {
  readonly host: string
  readonly port: number
}

/**
 * Parses `host:port`, `[v6]:port`, `:port` or `port`. Without a host, the server listens on the loopback address only,
 * not on every interface.
 */
export function parseListen(text: string): ListenAddress {
  const [, v6, host, port = ''] = /^(?:(?:\[([0-9a-f:.]+)\]|([^:/[\]]*)):)?(\d{1,5})$/i.exec(text) ?? []
  if (port === '' || Number(port) > 65_535) {
    throw new UsageError(`listen address: '${brief(text)}' cannot be used`, {
      hint: 'write HOST:PORT, for example 127.0.0.1:8080',
    })
  }
  return {host: v6 ?? (host === undefined || host === '' ? '127.0.0.1' : host), port: Number(port)}
}

export const isLoopback = (host: string): boolean => host === 'localhost' || host === '::1' || /^127\./.test(host)

export const formatListen = ({host, port}: ListenAddress): string =>
  `${host.includes(':') ? `[${host}]` : host}:${port}`
