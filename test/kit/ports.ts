import {createSocket} from 'node:dgram'
import {createServer} from 'node:net'

// The lowest port. Ports are chosen below the range for outgoing connections, so that a port stays free while its agent
// restarts.
const lowest = 10_000
const highest = 31_999
const handedOut = new Set<number>()

const tcpIsFree = (port: number, host: string): Promise<boolean> =>
  new Promise(resolve => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen({port, host, exclusive: true}, () => server.close(() => resolve(true)))
  })

const udpIsFree = (port: number, host: string): Promise<boolean> =>
  new Promise(resolve => {
    const socket = createSocket('udp4')
    socket.once('error', () => resolve(false))
    socket.bind({port, address: host, exclusive: true}, () => socket.close(() => resolve(true)))
  })

/** Returns ports that are free for TCP and UDP at the moment. Each port is returned only once. */
export async function freePorts(count: number, host = '127.0.0.1'): Promise<number[]> {
  const ports: number[] = []
  while (ports.length < count) {
    const port = lowest + Math.floor(Math.random() * (highest - lowest + 1))
    if (handedOut.has(port)) continue
    handedOut.add(port)
    if ((await tcpIsFree(port, host)) && (await udpIsFree(port, host))) ports.push(port)
  }
  return ports
}

export async function freePort(host = '127.0.0.1'): Promise<number> {
  const [port] = await freePorts(1, host)
  return port!
}
