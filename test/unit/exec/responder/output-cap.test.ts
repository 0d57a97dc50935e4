import {expect, it} from 'vitest'
import {OutputCap} from '../../../../src/exec/responder/output-cap.js'

const text = (parts: readonly {chunk: Buffer}[]): string => Buffer.concat(parts.map(part => part.chunk)).toString()
const push = (cap: OutputCap, words: string): string => text(cap.push({stream: 'stdout', chunk: Buffer.from(words)}))

it('OutputCap passes on all output if it is below the limit', () => {
  const cap = new OutputCap(100)
  expect(push(cap, 'hello')).toBe('hello')
  expect(cap.end()).toEqual([])
  expect(cap.droppedBytes).toBe(0)
})

it('OutputCap keeps the beginning and the end of longer output, and states how many bytes were dropped', () => {
  const cap = new OutputCap(100)
  const all = Array.from({length: 50}, (_, at) => `line ${at.toString().padStart(3, '0')}\n`).join('')
  const head = push(cap, all.slice(0, 120)) + push(cap, all.slice(120))
  const end = text(cap.end())
  expect(head).toBe(all.slice(0, 75))
  expect(end).toBe(`\n[... ${all.length - 100} bytes dropped ...]\n${all.slice(-25)}`)
  expect(cap.droppedBytes).toBe(all.length - 100)
  expect(cap.totalBytes).toBe(all.length)
})
