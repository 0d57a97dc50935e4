import {randomUUID} from 'node:crypto'

/** Name of the variable that every command started by the kit has in its environment, and that its children inherit. */
export const markerName = 'BATON_TEST_ID'

let current = `file-${randomUUID()}`

export const currentMarker = (): string => current

/** Returns a new ID for the test that begins. */
export function renewMarker(): string {
  current = `test-${randomUUID()}`
  return current
}
