import * as Flags from '@oclif/core/flags'
import {consulFlags} from './flags.js'

/** Returns a flag with additional names. */
export function aliased<T>(flag: T, aliases: string[]): T {
  return {...flag, aliases}
}

/** Returns Consul's connection flags under the names that consul-replicate and consul-template use for them. */
export const goConnectionFlags = (helpGroup: string) => ({
  'http-addr': aliased(consulFlags['http-addr'], ['consul-addr', 'consul']),
  token: aliased(consulFlags.token, ['consul-token']),
  'ca-file': aliased(consulFlags['ca-file'], ['consul-ssl-ca-cert', 'ssl-ca-cert']),
  'ca-path': aliased(consulFlags['ca-path'], ['consul-ssl-ca-path', 'ssl-ca-path']),
  'client-cert': aliased(consulFlags['client-cert'], ['consul-ssl-cert', 'ssl-cert']),
  'client-key': aliased(consulFlags['client-key'], ['consul-ssl-key']),
  'tls-server-name': aliased(consulFlags['tls-server-name'], ['consul-ssl-server-name', 'ssl-server-name']),
  'consul-auth': Flags.string({
    helpGroup,
    description: 'USER[:PASSWORD] for a proxy in front of the agent',
    aliases: ['auth'],
  }),
  'consul-ssl': Flags.boolean({
    helpGroup,
    description: 'use TLS although the address says http',
    aliases: ['ssl'],
    allowNo: true,
  }),
  'consul-ssl-verify': Flags.boolean({
    helpGroup,
    description: 'check the certificate (default)',
    aliases: ['ssl-verify'],
    allowNo: true,
  }),
})

/** Returns a flag that is accepted but has no effect. */
export const acceptedFlag = (description: string) =>
  Flags.string({description: `${description}: accepted, without effect`, hidden: true})

/** Flags of the transport, which are accepted but have no effect. */
export const goTransportFlags = {
  'consul-transport-dial-keep-alive': acceptedFlag('keep-alive of connections'),
  'consul-transport-dial-timeout': acceptedFlag('timeout of connecting'),
  'consul-transport-disable-keep-alives': Flags.boolean({description: 'accepted, without effect', hidden: true}),
  'consul-transport-max-idle-conns-per-host': acceptedFlag('idle connections'),
  'consul-transport-tls-handshake-timeout': acceptedFlag('timeout of TLS'),
}
