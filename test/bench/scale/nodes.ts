import {mkdtempSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {createInitiator} from '../../../src/exec/initiator/initiator.js'
import {generateKey} from '../../../src/exec/native/keys.js'
import {trustKeys} from '../../../src/exec/native/trust.js'
import {createResponder} from '../../../src/exec/responder/responder.js'
import {parseMapping} from '../../../src/replicate/mapping.js'
import {createReplicator} from '../../../src/replicate/replicator.js'
import {registerService} from '../../../src/service/register.js'
import {waitUntil} from '../../kit/wait-until.js'
import {type Capability, each, keep} from './capability.js'

const responders: Capability = {
  name: 'responder',
  unit: 'one run of `true` on all nodes',
  async start({count, node, outside, signal}) {
    const folder = mkdtempSync(join(tmpdir(), 'bench-scale-'))
    const key = generateKey('bench', 0)
    const trusted = trustKeys([key.publicFile])
    writeFileSync(join(folder, 'key'), key.privateFile, {mode: 0o600})
    let ready = 0
    for (let at = 0; at < count; at += 1) {
      const responder = createResponder(node(), {
        trust: trusted,
        stateDirectory: folder,
        node: `sim-${at}`,
        env: process.env,
        // On this machine, one agent tells the catalog about the services of many nodes, one after the other: with the
        // default, services of a large fleet expire meanwhile.
        ...(count > 20 && {ttlMs: 120_000}),
        observer: event => {
          if (event.type === 'responder.registered') ready += 1
        },
      })
      keep(signal, responder.serve({signal}))
    }
    const isReady = async (): Promise<boolean> =>
      ready === count && (await outside.catalog.service('baton-responder', {passing: true})).value.length === count
    await waitUntil(isReady, {what: 'all responders', timeoutMs: 300_000})
    return {
      async work() {
        const initiator = createInitiator(outside, {keys: [key.key], via: 'native', ackTimeoutMs: 120_000})
        await using run = await initiator.run({command: {kind: 'shell', line: 'true'}}, {node: '^sim-'})
        const {nodes} = await run.summary
        if (nodes.length !== count) throw new Error(`${nodes.length} of ${count} nodes answered`)
      },
    }
  },
}

const services: Capability = {
  name: 'service run',
  unit: 'one change of the health of each',
  async start({count, node}) {
    const all: Awaited<ReturnType<typeof registerService>>[] = []
    await each(count, async at => all.push(await registerService(node(), {name: 'shop', port: 1024 + at})))
    let isFine = true
    return {
      async work() {
        isFine = !isFine
        await each(count, at => all[at]!.setState(isFine ? 'passing' : 'warning', 'bench'))
      },
    }
  },
}

const replicator: Capability = {
  name: 'replicate, one process for as many keys',
  unit: 'in all, one changed key',
  isWhole: true,
  async start({count, node, outside, signal}) {
    await each(count, at => outside.kv.put(`app/${at}`, Buffer.alloc(100)))
    const passes = createReplicator(node(), {mappings: [parseMapping('app/@dc1:copy/')]}).run({signal})
    const run = async (): Promise<void> => {
      for await (const _ of passes) signal.throwIfAborted()
    }
    keep(signal, run())
    const isCopied = async (): Promise<boolean> => (await outside.kv.keys('copy/')).value.length === count
    await waitUntil(isCopied, {what: 'the copy', timeoutMs: 300_000})
    let change = 0
    return {
      async work() {
        const value = `${(change += 1)}`
        await outside.kv.put('app/0', Buffer.from(value))
        const read = async (): Promise<string | undefined> => (await outside.kv.get('copy/0')).value?.value.toString()
        await waitUntil(async () => (await read()) === value, {what: 'the copy', timeoutMs: 60_000})
      },
    }
  },
}

export const nodeFleets: readonly Capability[] = [responders, services, replicator]
