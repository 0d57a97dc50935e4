import {type ChildProcess, fork} from 'node:child_process'
import {once} from 'node:events'
import {type AddressInfo, connect, createServer} from 'node:net'
import {fileURLToPath} from 'node:url'

/** Bytes and requests that passed in both directions, and the connections that are open now. */
export interface Traffic {
  requests: number
  connections: number
  bytesIn: number
  bytesOut: number
}

const file = fileURLToPath(import.meta.url)
const requestLine = /(?:GET|PUT|POST|DELETE) \/\S* HTTP\/1\.1\r\n/g

/**
 * Forwards everything to an agent and counts it. Runs as a process of its own, so that its CPU time is not counted as
 * that of a measured tool.
 */
export class CountingProxy implements AsyncDisposable {
  readonly address: string
  readonly #child: ChildProcess

  private constructor(child: ChildProcess, port: number) {
    this.#child = child
    this.address = `http://127.0.0.1:${port}`
  }

  static async start(target: string): Promise<CountingProxy> {
    const child = fork(file, [target], {execArgv: ['--import', 'tsx']})
    const [port] = (await once(child, 'message')) as [number]
    return new CountingProxy(child, port)
  }

  /** Returns the traffic since the last call. */
  async take(): Promise<Traffic> {
    const answer = once(this.#child, 'message')
    this.#child.send('take')
    const [traffic] = (await answer) as [Traffic]
    return traffic
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const exited = once(this.#child, 'exit')
    this.#child.disconnect()
    await exited
  }
}

function serve(target: string): void {
  const {hostname, port} = new URL(target)
  const none = {requests: 0, bytesIn: 0, bytesOut: 0}
  let connections = 0
  let traffic = {...none}
  const server = createServer(client => {
    connections += 1
    const agent = connect(Number(port), hostname)
    for (const socket of [client, agent]) socket.setNoDelay().on('error', () => {})
    client.on('data', (chunk: Buffer) => {
      traffic.bytesOut += chunk.length
      traffic.requests += chunk.toString('latin1').match(requestLine)?.length ?? 0
      agent.write(chunk)
    })
    agent.on('data', (chunk: Buffer) => {
      traffic.bytesIn += chunk.length
      client.write(chunk)
    })
    client.on('close', () => {
      connections -= 1
      agent.destroy()
    })
    agent.on('close', () => client.destroy())
  })
  server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port))
  process.on('message', () => {
    process.send?.({...traffic, connections} satisfies Traffic)
    traffic = {...none}
  })
  process.on('disconnect', () => process.exit(0))
}

if (process.argv[1] === file) serve(process.argv[2] ?? '')
