import {describe, expect, it} from 'vitest'
import {parseHandler, selects, wantsMembers} from '../../../src/event/selector.js'

describe("handlers in Serf's form", () => {
  it.each([
    ['user:deploy=./d.sh', ['user:deploy'], './d.sh'],
    ['user=./all.sh', ['user:deploy', 'user:other'], './all.sh'],
    ['./any.sh', ['user:deploy', 'user:other', 'member-join', 'member-failed'], './any.sh'],
    ['*=./any.sh', ['user:deploy', 'user:other', 'member-join', 'member-failed'], './any.sh'],
    ['member-join,user:deploy=a=b', ['user:deploy', 'member-join'], 'a=b'],
    ['user:a:b=x', [], 'x'],
  ])('can be written as %s, which selects %j', (text, expected, script) => {
    const handler = parseHandler(text)
    expect(handler.script).toBe(script)
    const selected = [
      ...['deploy', 'other'].filter(name => selects(handler, {type: 'user', name})).map(name => `user:${name}`),
      ...(['member-join', 'member-failed'] as const).filter(type => selects(handler, {type})),
    ]
    expect(selected).toEqual(expected)
  })

  it('are refused if the event type is unknown or the script is missing', () => {
    expect(() => parseHandler('query:load=x')).toThrow(/unknown event type 'query:load'/)
    expect(() => parseHandler('member-join:x=y')).toThrow(/unknown event type/)
    expect(() => parseHandler('user:deploy=')).toThrow(/has no script/)
  })

  it('need the list of members only if one of them selects a member event', () => {
    expect(wantsMembers([parseHandler('user:a=x')])).toBe(false)
    expect(wantsMembers([parseHandler('user:a=x'), parseHandler('member-leave=y')])).toBe(true)
  })
})
