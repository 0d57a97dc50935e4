import {describe, expect, it} from 'vitest'
import {startEmbeddedAgent} from '../../../src/embedded/index.js'

describe('embedded agent', () => {
  it('refuses to listen on anything but loopback', async () => {
    await expect(startEmbeddedAgent({host: '0.0.0.0'})).rejects.toThrow("'0.0.0.0' is not a loopback address")
  })

  it('wakes a parked query when its key is written', async () => {
    await using agent = await startEmbeddedAgent()
    const parked = fetch(`${agent.address}/v1/kv/k?index=1&wait=30s`)
    await expect.poll(() => agent.faults.statistics().parked).toBe(1)
    await fetch(`${agent.address}/v1/kv/k`, {method: 'PUT', body: 'v'})
    const answer = await parked
    expect(await answer.json()).toMatchObject([{Key: 'k', Value: 'dg==', LockIndex: 0}])
  })

  it('keeps its address over a restart, and its state unless told otherwise', async () => {
    await using agent = await startEmbeddedAgent()
    const url = `${agent.address}/v1/kv/k`
    await fetch(url, {method: 'PUT', body: 'v'})
    await agent.faults.restart()
    expect((await fetch(url)).status).toBe(200)
    await agent.faults.restart({keepState: false})
    expect((await fetch(url)).status).toBe(404)
  })
})
