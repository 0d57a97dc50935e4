import {createPublicKey} from 'node:crypto'
import {describe, expect, it} from 'vitest'
import type {SessionId} from '../../../../src/core/types.js'
import {AnswerWriter, frameName, openAnswer} from '../../../../src/exec/native/answers.js'
import {generateKey} from '../../../../src/exec/native/keys.js'

const own = generateKey('own', 0).key.privateKey
const [ours, other] = [createPublicKey(own), createPublicKey(generateKey('other', 0).key.privateKey)]
const place = {version: 2, id: '01a20041-8c12-70fb-8e51-0498fb29db8b', node: 'web1'}
const body = Buffer.from('output\n')
const name = frameName(3)
const value = new AnswerWriter(place, own).value(name, body)
const open = (changes: object, found: object = {}, key = ours) =>
  openAnswer({...place, ...changes}, {name, value, ...found}, key)

describe('a signed answer', () => {
  it('contains the body that its writer signed', () => {
    expect(open({})).toEqual({body, isSigned: true})
    const {key} = new AnswerWriter(place, own).write('r', body, 's' as SessionId)
    expect(key).toBe(`baton/exec/v1/run/web1/${place.id}/r`)
  })

  it.each([
    ['another job', {id: 'x'}, {}, ours],
    ['another node', {node: 'web2'}, {}, ours],
    ['another number of the frame', {}, {name: frameName(4)}, ours],
    ['another body', {}, {value: Buffer.concat([value, Buffer.from('x')])}, ours],
    ['another key', {}, {}, other],
    ['no signature', {}, {value: body}, ours],
    ['an empty value', {}, {value: Buffer.alloc(0)}, ours],
  ])('is refused with %s', (_, changes, found, key) => {
    expect(open(changes, found, key)).toBeUndefined()
  })

  it("counts as unsigned if its responder's key is unknown or the protocol version is 1", () => {
    expect(openAnswer(place, {name, value}, undefined)).toEqual({body, isSigned: false})
    const older = {...place, version: 1}
    const plain = new AnswerWriter(older, own)
    expect(plain.value(name, body)).toEqual(body)
    expect(plain.key('a')).toBe(`baton/exec/v1/run/${place.id}/web1/a`)
    expect(openAnswer(older, {name, value: body}, ours)).toEqual({body, isSigned: false})
  })
})
