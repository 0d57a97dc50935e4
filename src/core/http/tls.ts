/** What both transports hand to Node's TLS, already read from files. */
export interface TlsOptions {
  readonly ca?: string[]
  readonly cert?: string
  readonly key?: string
  readonly servername?: string
  /** False only where CONSUL_HTTP_SSL_VERIFY=false asked for it. */
  readonly rejectUnauthorized?: boolean
}
