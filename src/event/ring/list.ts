import type {ConsulClient} from '../../core/client.js'
import type {UserEvent} from '../../core/types.js'
import {EventIntake, type EventIntakeOptions} from '../intake/intake.js'
import {RingAlarm} from './ring-alarm.js'

/**
 * Handles the events that an earlier call left unfinished, then the new events of one list, as `consul watch` passes
 * such lists to its handler. Resolves when all these events are handled.
 */
export async function handleList(
  client: Pick<ConsulClient, 'clock' | 'random'>,
  list: readonly UserEvent[],
  options: EventIntakeOptions,
): Promise<void> {
  const {state, observer} = options
  const intake = await EventIntake.create(client, options)
  try {
    await intake.resume()
    const alarm = new RingAlarm({
      state,
      // With `-name`, `consul watch` passes lists that contain only the events of one name.
      isWhole: false,
      wallMs: () => client.clock.wallMs(),
      onMissed: missed => observer?.({type: 'events.missed', ...missed}),
    })
    await alarm.guard(list, all => intake.receive(all))
    await Promise.race([intake.idle(), intake.failed])
  } finally {
    await intake.close()
  }
}
