import {createSocket} from 'node:dgram'
import {connect} from 'node:net'
import type {Answer, Packet} from 'dns-packet'

/** A question about the catalog. */
export interface DnsQuestion {
  readonly name: string
  readonly type: 'A' | 'SRV'
  readonly port: number
  readonly overTcp: boolean
  readonly signal: AbortSignal
}

const id = 1
const recursionDesired = 0x0100
const udpPayloadSize = 4096

/** Asks a DNS server on this machine. Resolves to the answers in the form of `dig +noall +answer`, sorted. */
export async function dig(question: DnsQuestion): Promise<readonly string[]> {
  const codec = await import('dns-packet')
  const {name, type, overTcp} = question
  // The size is announced as dig does: without it, Consul sends at most three answers over UDP.
  const opt = {
    name: '.',
    type: 'OPT',
    udpPayloadSize,
    extendedRcode: 0,
    ednsVersion: 0,
    flags: 0,
    flag_do: false,
    options: [],
  }
  const packet = {
    type: 'query',
    id,
    flags: recursionDesired,
    questions: [{name, type, class: 'IN'}],
    additionals: [opt as unknown as Answer],
  } satisfies Packet
  const answer = overTcp
    ? codec.streamDecode(await askOverTcp(codec.streamEncode(packet), question))
    : codec.decode(await askOverUdp(codec.encode(packet), question))
  return linesOf(answer).sort()
}

function askOverUdp(packet: Buffer, {port, signal}: DnsQuestion): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = createSocket({type: 'udp4', signal})
    socket.once('error', reject)
    socket.once('close', () => reject(signal.reason as Error))
    socket.once('message', message => {
      resolve(message)
      socket.close()
    })
    socket.send(packet, port, '127.0.0.1')
  })
}

function askOverTcp(packet: Buffer, {port, signal}: DnsQuestion): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let received: Buffer = Buffer.alloc(0)
    const socket = connect({port, host: '127.0.0.1', signal})
    socket.once('error', reject)
    socket.once('close', () => reject(new Error('the DNS server closed the connection')))
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk])
      if (received.length < 2 || received.length < 2 + received.readUInt16BE()) return
      resolve(received)
      socket.destroy()
    })
    socket.write(packet)
  })
}

function linesOf({answers = []}: Packet): string[] {
  return answers.flatMap(answer => {
    const head = `${'name' in answer ? answer.name : ''}. 0\tIN\t${answer.type}\t`
    if (answer.type === 'A') return [`${head}${answer.data}`]
    if (answer.type !== 'SRV') return []
    const {priority = 0, weight = 0, port, target} = answer.data
    return [`${head}${priority} ${weight} ${port} ${target}.`]
  })
}
