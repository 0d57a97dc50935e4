/**
 * A counter that many processes increment at the same time, without a lock: compare-and-set.
 *
 *   node --import tsx examples/counter.ts app/visits 5
 *
 * Each write names the ModifyIndex that was read. If another process wrote in between, `cas` resolves to false, and the
 * value is read again: no increment is lost. If the answer to a write is lost on the way, the call rejects and the write
 * may have happened; a counter that must be exact then records an ID of each increment instead of a number.
 */
import {type ConsulClient, createClient} from 'consul-baton'

async function increment(client: ConsulClient, key: string): Promise<number> {
  for (;;) {
    const {value: entry} = await client.kv.get(key, {consistency: 'consistent'})
    const next = Number(entry?.value.toString() ?? 0) + 1
    // With index 0, the write succeeds only if the key does not exist.
    if (await client.kv.cas(key, Buffer.from(`${next}`), {index: entry?.modifyIndex ?? 0n})) return next
  }
}

const [key = 'app/visits', times = '1'] = process.argv.slice(2)
await using client = createClient({address: process.env.CONSUL_HTTP_ADDR ?? '127.0.0.1:8500'})
for (let done = 0; done < Number(times); done += 1) console.log(await increment(client, key))
