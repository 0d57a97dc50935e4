import {readFileSync} from 'node:fs'
import {createServer, type IncomingMessage, type RequestListener, type ServerResponse} from 'node:http'
import {createServer as createTlsServer} from 'node:https'
import type {AddressInfo, Socket} from 'node:net'
import {join} from 'node:path'

/**
 * Reads a certificate or key that was made with openssl for these tests and is valid for 100 years.
 */
export const pem = (name: string): string =>
  readFileSync(join(import.meta.dirname, 'fixtures', 'tls', `${name}.pem`), 'utf8')

export interface TestServer extends AsyncDisposable {
  readonly port: number
  readonly sockets: ReadonlySet<Socket>
  /** The requests that arrived. */
  readonly seen: IncomingMessage[]
}

export interface TestServerOptions {
  readonly socketPath?: string
  readonly tls?: boolean
  readonly clientCertificate?: boolean
}

/** Starts a server based on node:http or node:https, which share no code with the transports. */
export async function startServer(handle: RequestListener, options: TestServerOptions = {}): Promise<TestServer> {
  const seen: IncomingMessage[] = []
  const sockets = new Set<Socket>()
  const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    seen.push(request)
    handle(request, response)
  }
  const tlsOptions = {
    key: pem('server-key'),
    cert: pem('server'),
    ca: pem('ca'),
    requestCert: options.clientCertificate === true,
    rejectUnauthorized: options.clientCertificate === true,
  }
  const server = options.tls === true ? createTlsServer(tlsOptions, onRequest) : createServer(onRequest)
  server.keepAliveTimeout = 0
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => {})
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    if (options.socketPath === undefined) server.listen(0, '127.0.0.1', resolve)
    else server.listen(options.socketPath, resolve)
  })
  const port = options.socketPath === undefined ? (server.address() as AddressInfo).port : 0
  return {
    port,
    sockets,
    seen,
    [Symbol.asyncDispose]: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

export async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}
