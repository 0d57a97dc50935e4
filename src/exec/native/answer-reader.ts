import type {KeyObject} from 'node:crypto'
import type {ConsulClient} from '../../core/client.js'
import {txnOperationLimit} from '../../core/consul-constants.js'
import {KeyReader} from '../reader.js'
import type {Report, ReportContent} from '../reports.js'
import {type OpenedAnswer, openAnswer} from './answers.js'
import {parseObject} from './envelope.js'
import {decodeFrame, decodeResult} from './frames.js'
import {allowedCode, answerRoot, runPrefix, runsPrefix} from './layout.js'
import {signedVersion} from './versions.js'

export interface AnswerReaderOptions {
  readonly client: ConsulClient
  /** Version of the job's manifest. */
  readonly version: number
  readonly id: string
  /** Nodes to which the job is addressed. */
  readonly nodes: ReadonlySet<string>
  /** Nodes to which the job is addressed but whose answers are ignored. */
  readonly ignored: ReadonlySet<string>
  /** Public keys of responders, by responder name. Answers of responders without a key count as unsigned. */
  readonly answerKeys: ReadonlyMap<string, KeyObject>
  readonly onRetry: (error: unknown) => void
  /** Called once if a key below the run's prefix names a node to which the job is not addressed. */
  readonly onForeign: (node: string) => void
  /** Called once if an answer is not signed by the key of its node's responder. */
  readonly onForged: (node: string) => void
}

/** Reads the answers of responders to one job, and verifies their signatures. */
export class AnswerReader {
  readonly #options: AnswerReaderOptions
  /** Keys for nodes to which the job is not addressed. Another client wrote them. */
  readonly #foreignKeys: string[] = []
  #hasForged = false

  constructor(options: AnswerReaderOptions) {
    this.#options = options
  }

  reader(handle: (reports: readonly Report[]) => void): KeyReader {
    const {client, version, id, onRetry} = this.#options
    const prefix = version < signedVersion ? runPrefix(id) : runsPrefix
    const parse = (rest: string): AnswerKey | undefined => parseAnswerKey(rest, version)
    // Even the values of acks are read, because they contain a signature.
    const needsValue = (rest: string): boolean => parse(rest) !== undefined
    const isOurs = (rest: string): boolean => version < signedVersion || parse(rest)?.id === id
    return new KeyReader({client, prefix, needsValue, isOurs, onRetry}, keys => {
      const forged: string[] = []
      const reports: Report[] = []
      for (const {rest, value} of keys) {
        const key = parse(rest)
        if (!key || !this.#isNamed(key.node, prefix + rest)) continue
        const opened = this.#open(key, value)
        if (opened) reports.push(...toReports(key, opened))
        else forged.push(rest)
      }
      handle(reports)
      return forged
    })
  }

  /**
   * Deletes the keys that other clients forged. Consul does not delete these keys with the job's session, because they
   * do not belong to that session. Does nothing if the token lacks the permission.
   */
  async deleteForged(): Promise<void> {
    const {client, version, id, nodes} = this.#options
    const {kv, txn} = client
    if (this.#hasForged) for (const node of nodes) await kv.deleteTree(answerRoot({version, id, node})).catch(() => {})
    // Deleted in a transaction, because some names cannot be part of an HTTP path.
    if (this.#foreignKeys.length > 0) {
      await txn.commit(this.#foreignKeys.map(key => ({verb: 'delete', key}))).catch(() => {})
    }
  }

  /**
   * Verifies an answer. Returns undefined if the responder should have signed it but did not; the genuine answer may
   * still arrive.
   */
  #open({node, name}: AnswerKey, value: Buffer): OpenedAnswer | undefined {
    const {version, id, answerKeys} = this.#options
    const opened = openAnswer({version, id, node}, {name, value}, answerKeys.get(node))
    if (!opened && !this.#hasForged) {
      this.#hasForged = true
      this.#options.onForged(node)
    }
    return opened
  }

  /**
   * True if the signed job names the node. A client with write permission below `run/` can invent nodes, which must not
   * count.
   */
  #isNamed(node: string, key: string): boolean {
    const {nodes, ignored, onForeign} = this.#options
    if (nodes.has(node)) return !ignored.has(node)
    if (this.#foreignKeys.length === 0) onForeign(node)
    if (this.#foreignKeys.length < maxForeignKeys) this.#foreignKeys.push(key)
    return false
  }
}

/** Maximum number of keys of other clients that are deleted at the end, in one transaction. */
const maxForeignKeys = txnOperationLimit

export interface AnswerKey {
  readonly node: string
  readonly id: string
  readonly name: string
}

const answerName = /^(?:[ark]|o\/[0-9a-f]{6,})$/

/** Parses the key of an answer. Returns undefined for other keys. */
export function parseAnswerKey(rest: string, version: number): AnswerKey | undefined {
  const parts = rest.split('/')
  const [node = '', id = ''] = version < signedVersion ? [parts[0]] : parts
  const name = parts.slice(version < signedVersion ? 1 : 2).join('/')
  return node !== '' && answerName.test(name) ? {node, id, name} : undefined
}

function toReports({node, name}: AnswerKey, {body, isSigned}: OpenedAnswer): readonly Report[] {
  const content = toContent(node, name, body)
  return content ? [{...content, isSigned}] : []
}

function toContent(node: string, name: string, body: Buffer): ReportContent | undefined {
  if (name === 'a') return {type: 'ack', node, announcesStop: parseObject(body)?.['stop'] === true}
  if (name === 'k') return toRefusal(node, body)
  if (name === 'r') {
    const exit = decodeResult(body)
    return exit ? {type: 'exit', node, exit} : {type: 'refused', node, code: 'bad-result', reason: 'not readable'}
  }
  const seq = Number.parseInt(name.slice(2), 16)
  if (body.length === 0) return {type: 'heartbeat', node, seq}
  const frame = decodeFrame(body)
  return frame && {type: 'output', node, seq, ...frame}
}

function toRefusal(node: string, value: Buffer): ReportContent {
  const {code, reason} = parseObject(value) ?? {}
  if (code === allowedCode) return {type: 'allowed', node, reason: typeof reason === 'string' ? reason : ''}
  return {
    type: 'refused',
    node,
    code: typeof code === 'string' ? code : 'unknown',
    reason: typeof reason === 'string' ? reason : 'no reason given',
  }
}
