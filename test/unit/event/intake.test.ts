import {describe, expect, it} from 'vitest'
import {EventState} from '../../../src/event/intake/event-state.js'
import {EventIntake, type EventIntakeOptions} from '../../../src/event/intake/intake.js'
import {FakeClock} from '../../kit/fake-clock.js'
import {userEvent} from './support.js'

const newState = (): EventState => EventState.inMemory({datacenter: 'dc1', node: 'n1'})

async function setUp(over: Partial<EventIntakeOptions> = {}) {
  const handled: string[] = []
  const intake = await EventIntake.create(
    {clock: new FakeClock(), random: () => 0},
    {
      state: newState(),
      signal: new AbortController().signal,
      handle: async events => void handled.push(...events.map(event => event.id)),
      handleDead: async () => {},
      ...over,
    },
  )
  return {intake, handled}
}

describe('the intake of events for a handler', () => {
  it('starts with new events by default', async () => {
    const {intake, handled} = await setUp()
    await intake.receive([userEvent('a', 1), userEvent('b', 2)])
    await intake.receive([userEvent('a', 1), userEvent('b', 2), userEvent('c', 3)])
    await intake.idle()
    expect(handled).toEqual(['c'])
  })

  it('can start with all events in the list, or after a given event', async () => {
    const list = [userEvent('a', 1), userEvent('b', 2), userEvent('c', 3)]
    const all = await setUp({from: 'earliest'})
    await all.intake.receive(list)
    await all.intake.idle()
    expect(all.handled).toEqual(['a', 'b', 'c'])
    const some = await setUp({from: {afterId: 'a'}})
    await some.intake.receive(list)
    await some.intake.idle()
    expect(some.handled).toEqual(['b', 'c'])
    const none = await setUp({from: {afterId: 'zz'}})
    await expect(none.intake.receive(list)).rejects.toThrow(/event zz: is not listed/)
  })

  it('passes each event on once, even if it is listed late, twice, or again after an empty list', async () => {
    const {intake, handled} = await setUp({from: 'earliest'})
    await intake.receive([userEvent('b', 20), userEvent('b', 20)])
    await intake.receive([])
    await intake.receive([userEvent('b', 20), userEvent('late', 3)])
    await intake.receive([userEvent('late', 3), userEvent('b', 20)])
    await intake.idle()
    expect(handled).toEqual(['b', 'late'])
  })

  it('passes two events on even if they have the same Lamport time', async () => {
    const {intake, handled} = await setUp({from: 'earliest'})
    await intake.receive([userEvent('b', 7), userEvent('a', 7)])
    await intake.idle()
    expect(handled).toEqual(['a', 'b'])
  })

  it('passes on only events that the filter accepts', async () => {
    const {intake, handled} = await setUp({from: 'earliest', accepts: event => event.name === 'deploy'})
    await intake.receive([userEvent('a', 1), userEvent('x', 2, {name: 'other'})])
    await intake.idle()
    expect(handled).toEqual(['a'])
  })

  it('resumes after a crash, and runs a started handler a second time with `rerun` but not with `skip`', async () => {
    const prepare = async (): Promise<EventState> => {
      const state = newState()
      await state.take([userEvent('b', 2), userEvent('a', 3)])
      await state.start(['a'])
      return state
    }
    const again = await setUp({state: await prepare(), afterCrash: 'rerun'})
    await again.intake.resume()
    await again.intake.idle()
    expect(again.handled).toEqual(['a', 'b'])
    const not = await setUp({state: await prepare(), afterCrash: 'skip'})
    await not.intake.resume()
    await not.intake.receive([userEvent('a', 1), userEvent('b', 2)])
    await not.intake.idle()
    expect(not.handled).toEqual(['b'])
  })
})
