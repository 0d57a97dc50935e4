import {
  abortSignal,
  bytes,
  callback,
  checkOptions,
  count,
  name,
  type OptionRule,
  object,
  oneOf,
  span,
} from '../check-options.js'
import {clockRule} from '../context-rules.js'
import {formatAddress} from './address.js'
import {Deadline} from './deadline.js'
import {Lane} from './lane.js'
import {toTransportError} from './transport-errors.js'
import type {Plane, Transport, TransportOptions, TransportRequest, TransportResponse} from './types.js'

const defaultConnections = 64
const addressRule: OptionRule = {
  expected: 'an address with protocol, hostname and port',
  accepts: value => object.accepts(value) && name.accepts((value as {readonly hostname?: unknown}).hostname),
}
const transportRules = {
  address: addressRule,
  tls: object,
  clock: clockRule,
  watchConnections: count({min: 1}),
  controlConnections: count({min: 1}),
}
const requestRules = {
  method: oneOf(['GET', 'PUT', 'POST', 'DELETE']),
  path: name,
  headers: object,
  body: bytes,
  timeoutMs: span,
  idleTimeoutMs: span,
  onFirstByte: callback,
  plane: oneOf(['control', 'watch']),
  signal: abortSignal,
}

/** Throws a UsageError if an option of a transport is not valid. */
export const checkTransportOptions = (options: TransportOptions): void =>
  checkOptions('transport', options, transportRules, ['address', 'clock'])

export const checkRequest = (request: TransportRequest): void =>
  checkOptions('transport', request, requestRules, ['method', 'path', 'timeoutMs', 'plane'])

/**
 * The common part of both transports: a limited set of connections (a lane) for each plane, a deadline for each
 * request, and the conversion of errors.
 */
export abstract class LaneTransport<Connection> implements Transport {
  protected readonly options: TransportOptions
  readonly #peer: string
  protected readonly lanes: Readonly<Record<Plane, Lane<Connection>>>

  constructor(options: TransportOptions) {
    checkTransportOptions(options)
    const {controlConnections = defaultConnections, watchConnections = defaultConnections} = options
    this.options = options
    this.#peer = formatAddress(options.address)
    const open = (): Connection => this.open()
    this.lanes = {control: new Lane(controlConnections, open), watch: new Lane(watchConnections, open)}
  }

  /**
   * Sends one request and resolves with the whole answer, whatever its status. Rejects with a TransportError, or with
   * the reason of the request's signal.
   */
  async send(request: TransportRequest): Promise<TransportResponse> {
    checkRequest(request)
    return this.perform(request)
  }

  /**
   * Performs a request like `send`, but without checking it. `start` begins the exchange on a connection that the
   * caller has taken from its lane.
   */
  protected async perform(
    request: TransportRequest,
    start?: {readonly connection: Connection; readonly exchange: (deadline: Deadline) => Promise<TransportResponse>},
  ): Promise<TransportResponse> {
    // Avoids `using`, because its compiled form for Node 20 is slow and every request runs this code.
    const deadline = new Deadline(request, {clock: this.options.clock, peer: this.#peer})
    const lane = this.lanes[request.plane]
    let connection = start?.connection
    let isAnswered = false
    try {
      if (deadline.isOver) throw deadline.reason
      connection ??= lane.takeFree() ?? (await lane.take(deadline.signal))
      const answer = await (start?.exchange(deadline) ?? this.exchange(connection, request, deadline))
      isAnswered = true
      return answer
    } catch (error) {
      throw deadline.isOver ? deadline.reason : toTransportError(error, this.#peer)
    } finally {
      deadline[Symbol.dispose]()
      if (connection !== undefined) {
        lane.give(connection, isAnswered)
        if (!isAnswered) void this.close(connection, new Error('the request failed'))
      }
    }
  }

  /** Closes all connections. Requests in progress reject. */
  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Error('the client is closed')
    const connections = Object.values(this.lanes).flatMap(lane => lane.close(closed))
    await Promise.all(connections.map(connection => this.close(connection, closed)))
  }

  /** Returns a new connection, which may connect later. */
  protected abstract open(): Connection

  /** Sends the request on this connection. Rejects if the deadline ends the request. */
  protected abstract exchange(
    connection: Connection,
    request: TransportRequest,
    deadline: Deadline,
  ): Promise<TransportResponse>

  /** Closes the connection, which may be closed already, and rejects its request with the error. */
  protected abstract close(connection: Connection, error: Error): Promise<void>
}
