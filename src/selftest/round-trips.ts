import {messageOf} from '../core/errors.js'
import {follow} from '../core/query/follow.js'
import {kvKey} from '../core/query/topics.js'
import {createInitiator} from '../exec/initiator/initiator.js'
import {createReplicator} from '../replicate/replicator.js'
import type {Bench, Proof} from './types.js'

/** Tests that a blocking query sees a write. */
export async function proveWake({client, prefix, signal}: Bench): Promise<readonly Proof[]> {
  const key = `${prefix}/wake`
  let writtenAt: number | undefined
  for await (const {snapshot} of follow(kvKey(client, key), client, {signal})) {
    if (snapshot.value !== undefined) break
    writtenAt = client.clock.monotonicMs()
    await client.kv.put(key, 'x', {signal})
  }
  const took = Math.round(client.clock.monotonicMs() - (writtenAt ?? 0))
  return [{check: 'wake', verdict: 'ok', text: `a watch saw a write after ${took}ms`}]
}

/**
 * Tests remote execution with `echo` on the node of one responder, if there is a responder and a
 * signing key.
 */
export async function proveExec({client, keys, signal}: Bench): Promise<readonly Proof[]> {
  const initiator = createInitiator(client, {via: 'native', keys})
  const {nodes} = await initiator.findNodes({}, {signal})
  const [node] = nodes
  if (node === undefined) return [{check: 'exec', verdict: 'skip', text: 'no responder is registered'}]
  if (keys.length === 0) return [{check: 'exec', verdict: 'skip', text: 'you have no signing key'}]
  const job = {command: {kind: 'shell', line: 'echo baton'}} as const
  await using run = await initiator.run(job, {names: [node.node]}, {signal})
  const parts: Buffer[] = []
  for await (const event of run) if (event.type === 'output') parts.push(event.chunk)
  const outcome = (await run.summary).nodes[0]?.outcome
  if (outcome?.type === 'refused') {
    return [{check: 'exec', verdict: 'skip', text: `${node.node} refuses the job: ${outcome.reason}`}]
  }
  const isDone = outcome?.type === 'ok' && Buffer.concat(parts).toString() === 'baton\n'
  const text = isDone
    ? `ran on ${node.node}, and its output came back`
    : `${node.node}: ${outcome?.type ?? 'no outcome'}`
  return [{check: 'exec', verdict: isDone ? 'ok' : 'fail', text}]
}

/**
 * Tests replication: writes a few keys in every other datacenter, below the prefix of this run, and copies them from
 * there.
 */
export async function proveReplication(bench: Bench): Promise<readonly Proof[]> {
  const others = await otherDatacenters(bench)
  if (others.length === 0) return [{check: 'replicate', verdict: 'skip', text: 'there is one datacenter'}]
  return await Promise.all(others.map(datacenter => proveFrom(bench, datacenter)))
}

export async function otherDatacenters({client, signal}: Pick<Bench, 'client' | 'signal'>): Promise<readonly string[]> {
  const [{value: names}, {datacenter}] = await Promise.all([
    client.catalog.datacenters({signal}),
    client.agent.self({signal}),
  ])
  return names.filter(name => name !== datacenter)
}

async function proveFrom({client, prefix, signal}: Bench, datacenter: string): Promise<Proof> {
  const source = `${prefix}/source/`
  const destination = `${prefix}/copy-of-${datacenter}/`
  const values = new Map([1, 2, 3].map(number => [`key-${number}`, `${prefix} ${number}`]))
  try {
    for (const [name, value] of values) await client.kv.put(source + name, value, {datacenter, signal})
    const mappings = [{source, datacenter, destination}]
    await createReplicator(client, {mappings, statusDir: `${prefix}/status`}).runOnce({signal})
  } catch (error) {
    signal.throwIfAborted()
    return {check: 'replicate', verdict: 'fail', text: `from ${datacenter}: ${messageOf(error)}`}
  }
  const copies = (await client.kv.list(destination, {consistency: 'consistent', signal})).value
  const right = copies.filter(({key, value}) => values.get(key.slice(destination.length)) === value.toString())
  const isRight = right.length === values.size && copies.length === values.size
  const text = isRight ? `${values.size} keys from ${datacenter} are equal here` : `keys from ${datacenter} differ here`
  return {check: 'replicate', verdict: isRight ? 'ok' : 'fail', text}
}
