import {randomUUID} from 'node:crypto'

/** Name of the environment variable of every command that the kit starts. Its children inherit the variable. */
export const markerName = 'BATON_TEST_ID'

let current = `file-${randomUUID()}`

export const currentMarker = (): string => current

/** Returns a new ID for the test that is about to begin. */
export function renewMarker(): string {
  current = `test-${randomUUID()}`
  return current
}
