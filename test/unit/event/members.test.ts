import {describe, expect, it} from 'vitest'
import type {CheckInfo, NodeInfo} from '../../../src/core/types.js'
import {memberChanges, memberLine, toMembers} from '../../../src/event/members/members.js'

const node = (name: string, address = '10.0.0.1') => ({node: name, address}) as NodeInfo
const check = (name: string, status: string, checkId = 'serfHealth') => ({node: name, status, checkId}) as CheckInfo

describe('membership derived from health checks', () => {
  const before = toMembers(
    [node('a'), node('b'), node('c'), node('ext')],
    [check('a', 'passing'), check('b', 'passing'), check('c', 'critical'), check('ext', 'passing', 'ping')],
  )

  it("includes only nodes with Serf's health check", () => {
    expect([...before.keys()]).toEqual(['a', 'b', 'c'])
  })

  it("is reported as changes that have Serf's event types", () => {
    const after = toMembers(
      [node('a', '10.0.0.9'), node('b'), node('d')],
      [check('a', 'passing'), check('b', 'critical'), check('d', 'passing')],
    )
    expect(memberChanges(before, after).map(({type, member}) => `${type} ${member.name}`)).toEqual([
      'member-update a',
      'member-failed b',
      'member-join d',
      'member-reap c',
    ])
    expect(memberChanges(after, before).map(({type, member}) => `${type} ${member.name}`)).toEqual([
      'member-update a',
      'member-join b',
      'member-failed c',
      'member-leave d',
    ])
    expect(memberChanges(before, before)).toEqual([])
  })

  it("is written in Serf's format", () => {
    expect(memberLine({name: 'a', address: '10.0.0.1', failed: false}, {role: 'web', dc: 'dc1'})).toBe(
      'a\t10.0.0.1\tweb\trole=web,dc=dc1\n',
    )
    expect(memberLine({name: 'a\tb', address: '10.0.0.1', failed: false}, {role: 'x\ny'})).toBe(
      'a\\tb\t10.0.0.1\tx\\ny\trole=x\\ny\n',
    )
  })
})
