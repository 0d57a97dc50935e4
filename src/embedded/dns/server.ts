import {createSocket, type Socket} from 'node:dgram'
import {isIP} from 'node:net'
import type {Answer, DecodedPacket, Packet, Question} from 'dns-packet'
import type {Random} from '../../core/types.js'
import {type Found, resolveName, type Zone} from './resolve.js'
import {listenTcp} from './tcp.js'

export interface DnsDoor extends AsyncDisposable {
  readonly port: number
}

export interface DnsOptions {
  readonly host: string
  readonly port: number
  readonly zone: Zone
  readonly random: Random
}

/** Maximum number of records in a UDP answer, unless the client announces a larger buffer. */
const mostAnswers = 3
const nameError = 3
const refused = 5

/** Maximum number of free UDP ports that are tried until TCP is free on the same port. */
const mostPorts = 20

type Codec = typeof import('dns-packet')

/**
 * Answers DNS questions about the catalog over UDP and TCP, with a TTL of 0. Does not resolve names outside `consul.`.
 * Port 0 selects a port that is free for both.
 */
export async function openDnsDoor(options: DnsOptions): Promise<DnsDoor> {
  const codec = await import('dns-packet')
  for (let ports = 1; ; ports += 1) {
    try {
      return await openPort(options, codec)
    } catch (error) {
      const isInUse = (error as NodeJS.ErrnoException).code === 'EADDRINUSE'
      if (options.port !== 0 || !isInUse || ports === mostPorts) throw error
    }
  }
}

async function openPort(options: DnsOptions, codec: Codec): Promise<DnsDoor> {
  const socket = createSocket(isIP(options.host) === 6 ? 'udp6' : 'udp4')
  await bind(socket, options)
  socket.on('error', () => {})
  socket.on('message', (message, peer) => {
    const question = decode(codec, message)
    if (question) socket.send(codec.encode(replyTo(options, question)), peer.port, peer.address)
  })
  const {port} = socket.address()
  const close = (): Promise<void> => new Promise(resolve => socket.close(() => resolve()))
  const streams = await listenTcp({host: options.host, port}, message => {
    const question = decode(codec, message)
    return question && codec.encode(replyTo(options, question, true))
  }).catch(async (error: unknown) => {
    await close()
    throw error
  })
  return {
    port,
    [Symbol.asyncDispose]: async () => {
      await Promise.all([close(), streams[Symbol.asyncDispose]()])
    },
  }
}

async function bind(socket: Socket, {host, port}: DnsOptions): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject)
    socket.bind({address: host, port}, () => {
      socket.removeListener('error', reject)
      resolve()
    })
  })
}

/** Decodes a packet. Returns undefined if the packet is not a question; the server does not answer such a packet. */
function decode(codec: Codec, message: Buffer): DecodedPacket | undefined {
  try {
    const packet = codec.decode(message)
    return packet.type === 'query' && packet.questions?.length === 1 ? packet : undefined
  } catch {
    return undefined
  }
}

function replyTo({zone, random}: DnsOptions, packet: DecodedPacket, isStream = false): Packet {
  const {id, flags = 0, questions = [], additionals = []} = packet
  const [question] = questions as [Question]
  const isLarge = isStream || additionals.some(({type}) => type === 'OPT')
  const recursionDesired = flags & 0x0100
  const base: Packet = {type: 'response', ...(id !== undefined && {id}), questions: [question]}
  const {name} = question
  if (!/(?:^|\.)consul\.?$/i.test(name)) return {...base, flags: recursionDesired | refused}
  const authoritative = 0x0400 | recursionDesired
  const found = resolveName(zone, name)
  if (!found) return {...base, flags: authoritative | nameError, authorities: [authority(zone)]}
  const shown = shuffled(found, random).slice(0, isLarge ? found.length : mostAnswers)
  return {...base, flags: authoritative, ...records(question, shown)}
}

interface Records {
  readonly answers: Answer[]
  readonly additionals?: Answer[]
  readonly authorities?: Answer[]
}

function records({name, type}: Question, found: readonly Found[]): Records {
  const answers = found.flatMap(one => addressRecord(name, one.address, type))
  if (type !== 'SRV') return {answers}
  return {
    answers: found.map(({target, port, weight}) => ({name, type, ttl: 0, data: {target, port, weight, priority: 1}})),
    additionals: found.flatMap(({target, address}) => addressRecord(target, address, 'ANY')),
  }
}

function addressRecord(name: string, address: string, asked: Question['type'] | 'ANY'): Answer[] {
  const type = isIP(address) === 6 ? 'AAAA' : 'A'
  return isIP(address) !== 0 && (asked === type || asked === 'ANY') ? [{name, type, ttl: 0, data: address}] : []
}

function authority({home}: Zone): Answer {
  const serial = Math.floor(home.clock.wallMs() / 1000)
  const times = {refresh: 3600, retry: 600, expire: 86_400, minimum: 0}
  return {name: 'consul', type: 'SOA', ttl: 0, data: {mname: 'ns.consul', rname: 'hostmaster.consul', serial, ...times}}
}

function shuffled<T>(items: readonly T[], random: Random): T[] {
  const list = [...items]
  for (let at = list.length - 1; at > 0; at -= 1) {
    const other = Math.floor(random() * (at + 1))
    ;[list[at], list[other]] = [list[other] as T, list[at] as T]
  }
  return list
}
