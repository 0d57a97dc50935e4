import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {goJson} from '../../../src/core/api/go-json.js'
import {parseConsulJson} from '../../../src/core/http/json-bigint.js'
import {goCheck, goHealthService, goKvPair} from '../../../src/watch/go-shapes.js'
import {ListMemory} from '../../../src/watch/list-memory.js'
import {toItem} from '../../../src/watch/value.js'

type Raw = Readonly<Record<string, unknown>>

const texts = (raws: readonly Raw[]): string[] =>
  (parseConsulJson(JSON.stringify(raws)) as readonly Raw[]).map(raw => goJson(goKvPair(raw)))
const memory = (): ListMemory => new ListMemory(raw => toItem(String(raw['Key']), goKvPair(raw)))
// Texts that look like the places where answers are divided, and texts that share much.
const text = fc.oneof(fc.constantFrom('a', 'aa', '},{"LockIndex":', '"}]', '\\', 'é', '😀', '\u2028<&>'), fc.string())
const pair = fc.record({LockIndex: fc.nat(3), Key: text, Flags: fc.nat(3), Value: fc.option(text), Session: text})

describe('the memory of a list', () => {
  it('gives what decoding every answer whole gives, whatever changes between two answers', () => {
    fc.assert(
      fc.property(fc.array(fc.array(pair, {maxLength: 6}), {maxLength: 5}), fc.boolean(), (answers, hasLineBreak) => {
        const list = memory()
        for (const answer of answers) {
          const body = Buffer.from(`${JSON.stringify(answer)}${hasLineBreak ? '\n' : ''}`)
          const items = list.decode(body)
          if (answer.length === 0) expect(items).toBeUndefined()
          else expect(items?.map(item => item.version)).toEqual(texts(answer))
        }
      }),
    )
  })

  it('gives the same items for one insertion, change or deletion in a list', () => {
    const key = (at: number, Value = 'v'): Raw => ({LockIndex: 0, Key: `k${at}`, Value})
    fc.assert(
      fc.property(fc.nat(9), fc.constantFrom('insert', 'change', 'delete'), (at, op) => {
        const list = memory()
        const before = Array.from({length: 10}, (_, number) => key(number))
        const after = [...before]
        after.splice(at, op === 'insert' ? 0 : 1, ...(op === 'delete' ? [] : [key(at, 'new')]))
        const old = list.decode(Buffer.from(JSON.stringify(before)))
        const now = list.decode(Buffer.from(JSON.stringify(after)))
        expect(now?.map(item => item.version)).toEqual(texts(after))
        expect(now?.filter(item => !old?.includes(item))).toHaveLength(op === 'delete' ? 0 : 1)
      }),
    )
  })

  it.each(['', '[]', 'null', '{}', '[{"Key":}]', '[{"Key":"a"}', '[{"Key":"a"},{"Key":}]', ' [{"Key":"a"}]', '[1]'])(
    'does not divide %s',
    answer => {
      expect(memory().decode(Buffer.from(answer))).toBeUndefined()
    },
  )

  it('goes on after an answer that could not be divided', () => {
    const list = memory()
    const answer = Buffer.from('[{"Key":"a"},{"Key":"b"}]')
    const before = list.decode(answer)
    expect(list.decode(Buffer.from('[{"Key":'))).toBeUndefined()
    expect(list.decode(answer)).toEqual(before)
  })

  it('does not take the checks of an instance for instances', () => {
    const check = {Node: 'n', CheckID: 'c', ServiceTags: []}
    const instance = {Node: {ID: 'i', Node: 'n'}, Service: {ID: 's'}, Checks: [check, {...check, CheckID: 'd'}]}
    const list = new ListMemory(raw => toItem('', goHealthService(raw)))
    const items = list.decode(Buffer.from(JSON.stringify([instance, instance])))
    expect(items?.map(item => item.version)).toEqual([instance, instance].map(each => goJson(goHealthService(each))))
    const checks = new ListMemory(raw => toItem('', goCheck(raw)))
    expect(checks.decode(Buffer.from(JSON.stringify([check, check])))).toHaveLength(2)
  })
})
