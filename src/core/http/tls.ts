/**
 * Settings for Node's TLS, for both transports. Certificates and keys are given as text, not as file
 * names.
 */
export interface TlsOptions {
  /** Certificates of the authorities to trust, in PEM. @default Node's own */
  readonly ca?: string[]
  /** The client's certificate, in PEM. @default none */
  readonly cert?: string
  /** The key of the client's certificate, in PEM. @default none */
  readonly key?: string
  /** The name that the agent's certificate must carry. @default the host of the address */
  readonly servername?: string
  /** False to accept any certificate, as CONSUL_HTTP_SSL_VERIFY=false requests. @default true */
  readonly rejectUnauthorized?: boolean
}
