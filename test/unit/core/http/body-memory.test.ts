import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {BodyBuilder, BodyMemory, type TakeMemory} from '../../../../src/core/http/body-memory.js'

describe("the builder of an answer's body", () => {
  it('returns all bytes in order, whatever length was announced', () => {
    const piece = fc.uint8Array({maxLength: 50})
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.option(fc.nat(100)), piece), {maxLength: 20}), pieces => {
        const body = new BodyBuilder()
        for (const [announced, bytes] of pieces) {
          if (announced !== null) body.expect(announced)
          body.push(Buffer.from(bytes))
        }
        expect(body.body).toEqual(Buffer.concat(pieces.map(([, bytes]) => bytes)))
      }),
    )
  })

  it('allocates memory once for a body of known length, and rarely for a body in many chunks', () => {
    const taken: number[] = []
    const take: TakeMemory = bytes => {
      taken.push(bytes)
      return Buffer.alloc(bytes)
    }
    const whole = new BodyBuilder(take)
    whole.expect(1000)
    for (let count = 0; count < 10; count += 1) whole.push(Buffer.alloc(100))
    expect(taken).toEqual([1000])
    const chunked = new BodyBuilder(take)
    for (let count = 0; count < 1000; count += 1) chunked.push(Buffer.alloc(100))
    expect(taken.length).toBeLessThan(15)
  })

  it('does not allocate the announced length in advance if it is huge', () => {
    const taken: number[] = []
    new BodyBuilder(bytes => {
      taken.push(bytes)
      return Buffer.alloc(0)
    }).expect(10 ** 14)
    expect(Math.max(...taken)).toBeLessThan(10 ** 9)
  })
})

describe('the memory for the answers of one query', () => {
  const takeOnce = (memory: BodyMemory, bytes: number): Promise<Buffer | undefined> =>
    memory.lend(async take => take?.(bytes))

  it('is reused for the next answer, even if that answer is a little longer', async () => {
    const memory = new BodyMemory()
    const first = await takeOnce(memory, 1000)
    expect(await takeOnce(memory, 1000)).toBe(first)
    expect(await takeOnce(memory, 1050)).toBe(first)
    expect((await takeOnce(memory, 2000))?.length).toBeGreaterThanOrEqual(2000)
  })

  it('is not lent to two reads at the same time, and is lent again after a failed read', async () => {
    const memory = new BodyMemory()
    let finish: (() => void) | undefined
    const slow = memory.lend(async take => {
      await new Promise<void>(resolve => {
        finish = resolve
      })
      return take?.(10)
    })
    expect(await memory.lend(async take => take)).toBeUndefined()
    finish?.()
    expect(await slow).toBeDefined()
    await expect(memory.lend(() => Promise.reject(new Error('no answer')))).rejects.toThrow('no answer')
    expect(await takeOnce(memory, 10)).toBeDefined()
  })

  it('is released after an answer that needs much less', async () => {
    const memory = new BodyMemory()
    const large = await takeOnce(memory, 100_000)
    await takeOnce(memory, 10)
    expect((await takeOnce(memory, 10))?.length).toBeLessThan(large?.length ?? 0)
  })
})
