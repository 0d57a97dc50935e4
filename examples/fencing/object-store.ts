/**
 * Stores the text on stdin as an object, unless a later holder of the lock has written the object.
 *
 *   make-report | baton lock jobs/report -- node --import tsx object-store.ts http://store/reports/daily
 *
 * The store must honour `If-Match` and `If-None-Match` on PUT. The token is a part of the object. A write names the
 * version that was read, so the store refuses it if another writer came between, and the token is compared again. Exits
 * with 76 if the write is refused.
 */
import {text} from 'node:stream/consumers'

const [url = ''] = process.argv.slice(2)
const token = BigInt(process.env.BATON_FENCING_TOKEN ?? '')
const body = await text(process.stdin)

/** Returns the condition under which nothing was written since the read, and the token of the last writer. */
async function read(): Promise<{readonly condition: Record<string, string>; readonly seen: bigint}> {
  const answer = await fetch(url)
  if (answer.status === 404) return {condition: {'if-none-match': '*'}, seen: 0n}
  if (!answer.ok) throw new Error(`GET ${url}: ${answer.status}`)
  const {token: seen} = (await answer.json()) as {readonly token: string}
  return {condition: {'if-match': answer.headers.get('etag') ?? ''}, seen: BigInt(seen)}
}

for (;;) {
  const {condition, seen} = await read()
  if (token < seen) {
    console.error(`${url} was written by a later holder: token ${token} is less than ${seen}`)
    process.exitCode = 76
    break
  }
  const object = JSON.stringify({token: String(token), body})
  const answer = await fetch(url, {method: 'PUT', headers: condition, body: object})
  if (answer.ok) break
  if (answer.status !== 412) throw new Error(`PUT ${url}: ${answer.status}`)
}
