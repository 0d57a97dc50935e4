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
  const path = `/v1/kv/${encodeKey(prefix)}`
  const timeout = options.index === undefined ? {timeoutMs: listTimeoutMs, idleTimeoutMs: answerTimeoutMs} : {}
  const answer = await client.caller.call(
    {method: 'GET', path, query: {recurse: true}, accept: [200, 404], compress},
    {...timeout, ...options},
  )
  return toSnapshot(answer, answer.status === 404 ? [] : await decodeEntries(answer, client.clock))
}

async function decodeEntries(answer: Answer, clock: Clock): Promise<readonly KvEntry[]> {
  const {body} = answer
  const end = body.lastIndexOf(']')
  let start = body.indexOf('[') + 1
  if (start === 0 || end < start) throw badAnswer('kv list', answer)
  const entries: KvEntry[] = []
  while (start < end) {
    const cut = findCut(body, start + chunkBytes, end)
    for (const raw of parsePiece(answer, start, cut)) entries.push(toKvEntry(raw))
    start = cut + 1
    if (start < end) await clock.sleep(0)
  }
  return entries
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

function parsePiece(answer: Answer, start: number, end: number): readonly RawKvEntry[] {
  try {
    return parseConsulJson(`[${answer.body.toString('utf8', start, end)}]`) as RawKvEntry[]
  } catch (error) {
    throw badAnswer('kv list', answer, error)
  }
}
