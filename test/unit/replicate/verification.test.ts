import {describe, expect, it} from 'vitest'
import {leafOf, type Vertex} from '../../../src/replicate/shard/key-tree.js'
import {type Node, nodeOf} from '../../../src/replicate/shard/node.js'
import type {NodeReader} from '../../../src/replicate/shard/node-reader.js'
import {Verification} from '../../../src/replicate/shard/verification.js'
import {FakeClock} from '../../kit/fake-clock.js'

describe('the verification of a prefix that the replicator itself has changed', () => {
  const leaves = Array.from({length: 40}, (_, at) => leafOf(`p/${at}/`, [], 1))
  const top: Vertex = {...leafOf('p/', [], 40), children: leaves}

  /** Makes steps until nothing is due. Returns the prefixes that were read in each step. */
  async function run(read: (vertex: Vertex) => readonly Vertex[]): Promise<readonly (readonly string[])[]> {
    const clock = new FakeClock()
    const node: Node = {...nodeOf(top), verifyAtMs: clock.monotonicMs()}
    let steps: string[] = []
    const step = async (vertex: Vertex): Promise<readonly Vertex[]> => {
      steps.push(vertex.prefix)
      return read(vertex)
    }
    const verification = new Verification({step} as unknown as NodeReader, clock)
    const all: (readonly string[])[] = []
    while (verification.dueAtMs([node]) < Number.POSITIVE_INFINITY) {
      steps = []
      await verification.step([node]).catch(() => {})
      all.push(steps)
    }
    return all
  }

  it('reads a few narrower prefixes in each step, and each of them once', async () => {
    const steps = await run(({children}) => children)
    expect(Math.max(...steps.map(({length}) => length))).toBeLessThanOrEqual(16)
    expect(steps.flat().toSorted()).toEqual([top, ...leaves].map(({prefix}) => prefix).toSorted())
  })

  it('reads a prefix again if reading it has failed', async () => {
    let failures = 1
    const steps = await run(({prefix, children}) => {
      if (prefix === 'p/7/' && failures-- > 0) throw new Error('no answer')
      return children
    })
    expect(steps.flat().filter(prefix => prefix === 'p/7/')).toHaveLength(2)
    expect(new Set(steps.flat()).size).toBe(41)
  })

  it('begins only after a while if the last one was long and there were few writes since, at once after many', async () => {
    const clock = new FakeClock()
    const node: Node = {...nodeOf(top), verifyAtMs: clock.monotonicMs()}
    const step = async ({children}: Vertex): Promise<readonly Vertex[]> => children
    const verification = new Verification({step} as unknown as NodeReader, clock)
    while (verification.dueAtMs([node]) < Number.POSITIVE_INFINITY) await verification.step([node])
    node.verifyAtMs = clock.monotonicMs()
    verification.written()
    expect(verification.dueAtMs([node])).toBe(clock.monotonicMs() + 120_000)
    for (let count = 0; count < 20; count += 1) verification.written()
    expect(verification.dueAtMs([node])).toBe(clock.monotonicMs())
  })
})
