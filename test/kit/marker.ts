import {randomUUID} from 'node:crypto'

/**
 * Name of the environment variable by which the processes of a test are found. The kit sets it for every command, and
 * the children of the command inherit it.
 */
export const markerName = 'BATON_TEST_ID'

let current = `file-${randomUUID()}`

export const currentMarker = (): string => current

/** Returns a new ID for the test that is about to begin. */
export function renewMarker(): string {
  current = `test-${randomUUID()}`
  return current
}
