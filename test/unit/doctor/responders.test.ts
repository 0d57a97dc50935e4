import {expect, it} from 'vitest'
import type {ConsulClient} from '../../../src/core/client.js'
import {examineResponders} from '../../../src/doctor/cluster.js'

const examine = async (output: string): Promise<readonly string[]> => {
  const checks = [{serviceId: 'baton-responder', status: 'passing', output}]
  const value = [{serviceId: 'baton-responder', node: {node: 'web-1'}, meta: {}, checks}]
  const client = {catalog: {service: async () => ({value})}}
  return (await examineResponders(client as unknown as ConsulClient)).map(({verdict, text}) => `${verdict} ${text}`)
}

it('the check of responders repeats what a responder says of its keys, and warns of none that has said nothing yet', async () => {
  const trouble = 'serving 1 key(s) of the last good state: trust.d: no such directory'
  expect(await examine(trouble)).toEqual(['ok 1 of 1 passing', `warn web-1: ${trouble}`])
  expect(await examine('serving')).toEqual(['ok 1 of 1 passing'])
  // An agent sends the text of a check later than its state.
  expect(await examine('')).toEqual(['ok 1 of 1 passing'])
})
