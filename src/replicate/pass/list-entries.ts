import {encodeKey, type RawKvEntry, toKvEntry} from '../../core/api/kv.js'
import type {ConsulClient} from '../../core/client.js'
import {type Answer, answerTimeoutMs, badAnswer, toSnapshot} from '../../core/http/caller.js'
import {parseConsulJson} from '../../core/http/json-bigint.js'
import type {BlockingReadOptions, Clock, KvEntry, Snapshot} from '../../core/types.js'

const chunkBytes = 512 * 1024
/**
 * Timeout of a request for a list. The agent sends nothing until it has the whole list, which may come from another
 * datacenter.
 */
export const listTimeoutMs = 120_000

/** Reads a list of any size, and decodes it in steps, so that timers and other connections can run in between. */
export async function listEntries(
  client: ConsulClient,
  prefix: string,
  options: BlockingReadOptions = {},
  compress = false,
): Promise<Snapshot<readonly KvEntry[]>> {
  const answer = await readList(client, prefix, options, compress)
  const entries: KvEntry[] = []
  await forEachPiece(answer, client.clock, text => {
    for (const raw of parseConsulJson(text) as readonly RawKvEntry[]) entries.push(toKvEntry(raw))
  })
  return toSnapshot(answer, entries)
}

/** The names in a list, and those entries of which the reader has no or another ModifyIndex. */
export interface NewInList {
  readonly names: readonly string[]
  readonly changed: readonly KvEntry[]
  /** Length of the list in bytes. */
  readonly bytes: number
}

/**
 * Reads a list as `listEntries` does, but decodes only the entries that have changed, which takes a fraction of the
 * time if few have.
 */
export async function listNew(
  client: ConsulClient,
  prefix: string,
  options: BlockingReadOptions & {readonly compress: boolean; readonly versions: ReadonlyMap<string, number>},
): Promise<Snapshot<NewInList>> {
  const {compress, versions, ...call} = options
  const answer = await readList(client, prefix, call, compress)
  const names: string[] = []
  const changed: KvEntry[] = []
  await forEachPiece(answer, client.clock, text => {
    const rough = JSON.parse(text) as readonly RoughEntry[]
    const differing: RoughEntry[] = []
    for (const entry of rough) {
      names.push(entry.Key)
      if (versions.get(entry.Key) !== entry.ModifyIndex) differing.push(entry)
    }
    if (differing.length === 0) return
    const exact = differing.every(isExact) ? JSON.stringify(differing) : text
    for (const raw of parseConsulJson(exact) as readonly RawKvEntry[]) {
      if (versions.get(raw.Key) !== Number(raw.ModifyIndex)) changed.push(toKvEntry(raw))
    }
  })
  return toSnapshot(answer, {names, changed, bytes: answer.body.length})
}

/** An entry as `JSON.parse` returns it, which rounds numbers of more than 53 bits. */
type RoughEntry = Pick<RawKvEntry, 'Key'> &
  Readonly<Record<'Flags' | 'CreateIndex' | 'ModifyIndex' | 'LockIndex', number>>

const isExact = ({Flags, CreateIndex, ModifyIndex, LockIndex}: RoughEntry): boolean =>
  [Flags, CreateIndex, ModifyIndex, LockIndex].every(Number.isSafeInteger)

function readList(
  client: ConsulClient,
  prefix: string,
  options: BlockingReadOptions,
  compress: boolean,
): Promise<Answer> {
  const path = `/v1/kv/${encodeKey(prefix)}`
  const timeout = options.index === undefined ? {timeoutMs: listTimeoutMs, idleTimeoutMs: answerTimeoutMs} : {}
  return client.caller.call(
    {method: 'GET', path, query: {recurse: true}, accept: [200, 404], compress},
    {...timeout, ...options},
  )
}

/** Calls `handle` with the JSON of some entries of a list after those of others. */
async function forEachPiece(answer: Answer, clock: Clock, handle: (text: string) => void): Promise<void> {
  if (answer.status === 404) return
  const {body} = answer
  const end = body.lastIndexOf(']')
  let start = body.indexOf('[') + 1
  if (start === 0 || end < start) throw badAnswer('kv list', answer)
  while (start < end) {
    const cut = findCut(body, start + chunkBytes, end)
    try {
      handle(`[${body.toString('utf8', start, cut)}]`)
    } catch (error) {
      throw badAnswer('kv list', answer, error)
    }
    start = cut + 1
    if (start < end) await clock.sleep(0)
  }
}

/**
 * Matches a comma between two entries. This sequence cannot occur inside a string, because quotes there are escaped.
 */
const between = /^\},\s*\{\s*"[A-Za-z]/

function findCut(body: Buffer, from: number, end: number): number {
  if (from >= end) return end
  for (let at = body.indexOf('},', from); at >= 0 && at < end; at = body.indexOf('},', at + 2)) {
    if (between.test(body.toString('latin1', at, at + 48))) return at + 1
  }
  return end
}
