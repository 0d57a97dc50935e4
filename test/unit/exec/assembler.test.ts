import {describe, expect, it} from 'vitest'
import {Assembler, gapPatienceMs} from '../../../src/exec/initiator/assembler.js'

const output = (seq: number, text = `${seq}`) => ({
  type: 'output' as const,
  node: 'n1',
  seq,
  parts: [{stream: 'merged' as const, chunk: Buffer.from(text)}],
})
const texts = (events: readonly {type: string; chunk?: Buffer}[]): string[] =>
  events.map(event => event.chunk?.toString() ?? event.type)

describe('the assembler, which orders the output of a node', () => {
  it('sorts output by its sequence numbers, and passes the exit on after all output', () => {
    const assembler = new Assembler('n1')
    assembler.end({code: 0})
    assembler.add(output(1))
    assembler.add(output(0))
    const {events, exit} = assembler.advance(0)
    expect(texts(events)).toEqual(['0', '1'])
    expect(exit).toEqual({code: 0})
  })

  it('passes on output only once if it arrives twice with the same number', () => {
    const assembler = new Assembler('n1')
    assembler.add(output(0))
    expect(texts(assembler.advance(0).events)).toEqual(['0'])
    assembler.add(output(0, 'again'))
    expect(assembler.advance(0).events).toEqual([])
  })

  it('waits if the sequence of output has a gap, and reports the missing output if that never arrives', () => {
    const assembler = new Assembler('n1')
    assembler.add(output(0))
    assembler.add(output(3))
    assembler.end({code: 0})
    expect(assembler.advance(100)).toMatchObject({missingCount: 0})
    expect(assembler.deadlineMs).toBe(100 + gapPatienceMs)
    expect(assembler.advance(99 + gapPatienceMs).exit).toBeUndefined()
    const late = assembler.advance(100 + gapPatienceMs)
    expect(late.events).toMatchObject([
      {type: 'missing', seq: 1, count: 2},
      {type: 'output', seq: 3},
    ])
    expect(late).toMatchObject({missingCount: 2, exit: {code: 0}})
  })

  it('passes all output on in order if the missing part arrives in time', () => {
    const assembler = new Assembler('n1')
    assembler.add(output(1))
    assembler.advance(0)
    assembler.add(output(0))
    expect(texts(assembler.advance(500).events)).toEqual(['0', '1'])
    expect(assembler.deadlineMs).toBe(Number.POSITIVE_INFINITY)
  })

  it('reports the exit only after it has passed on all pieces of output that the result of the job announces', () => {
    const assembler = new Assembler('n1')
    assembler.end({code: 0, frameCount: 1})
    expect(assembler.advance(0).exit).toBeUndefined()
    assembler.add(output(0))
    expect(assembler.advance(1).exit).toMatchObject({code: 0})
  })
})
