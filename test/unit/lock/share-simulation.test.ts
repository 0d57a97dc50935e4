import {describe, expect, it} from 'vitest'
import {seeded} from '../core/support/seeded.js'
import {simulateSharing} from './simulation/share-simulation.js'

describe('a simulated lock that contenders of baton share with those of consul lock', () => {
  it.each([2, 3, 10])('gives each tool at least 40 % of 400 turns (contenders of each tool: %d)', async contenders => {
    const random = seeded(`shared lock, ${contenders}`)
    const {order, faults} = await simulateSharing(random, {contenders, turns: 400})
    expect(faults).toEqual([])
    const theirs = order.filter(name => name.startsWith('go')).length
    expect(theirs).toBeGreaterThanOrEqual(160)
    expect(theirs).toBeLessThanOrEqual(240)
  })
})
