import type * as library from '../../../src/index.js'

const notText = [5, null, {}, true]
const noNumber = ['15s', '1', null, {}, 5n]

/** For each kind of argument or option, invalid values that must be refused. */
export const wrongValues = {
  /** A number of milliseconds that a timer can wait. */
  duration: [Number.NaN, Number.POSITIVE_INFINITY, -1, 1e20, ...noNumber],
  endlessDuration: [Number.NaN, Number.NEGATIVE_INFINITY, -1, 1e20, ...noNumber],
  /** A number of milliseconds without an upper limit. */
  span: [Number.NaN, Number.POSITIVE_INFINITY, -1, ...noNumber],
  /** A number of milliseconds, positive or negative. */
  difference: [Number.NaN, Number.POSITIVE_INFINITY, ...noNumber],
  instant: [Number.NaN, Number.POSITIVE_INFINITY, 1e20, ...noNumber],
  count: [Number.NaN, Number.POSITIVE_INFINITY, -1, 1e20, 1.5, ...noNumber],
  endlessCount: [Number.NaN, -1, 1e20, 1.5, ...noNumber],
  uint64: [Number.NaN, 1, -1n, 2n ** 64n, '1', null],
  text: notText,
  name: [...notText, ''],
  texts: ['a', 5, {}, null, [1]],
  list: ['a', 5, {}, null],
  flag: ['yes', 0, 1, null],
  choice: ['nonsense', '', 5, null],
  bytes: ['text', 5, {}, null, []],
  textOrBytes: [5, {}, null, []],
  callback: ['now', 5, {}, null],
  signal: ['now', 5, {}, null],
  object: ['a', 5, true, null],
  /** An object that needs certain methods or fields, so that `{}` is refused too. */
  thing: ['a', 5, true, null, {}],
} as const

export type Kind = keyof typeof wrongValues

/** How the test calls one public function, static method or method of an object. */
export interface Door {
  /** Its arguments and options by name, each with its kind. */
  readonly takes: Readonly<Record<string, Kind>>
  /** Arguments and options that may not be undefined. */
  readonly needs?: readonly string[]
  /** Creates the object whose method is called. Requests of this function do not count. */
  readonly arrange?: (client: library.ConsulClient) => Promise<AsyncDisposable>
  /**
   * Calls the function. `given` sets one argument or option to an invalid value; all others are
   * valid.
   */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- wrong types are the point
  readonly open: (client: library.ConsulClient, given: any, arranged: any) => unknown
}

export type Doors = Readonly<Record<string, Door>>

/** Returns the given value or, if there is none, the valid one. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- wrong types are the point
export const or = (given: Readonly<Record<string, unknown>>, name: string, valid: unknown): any =>
  name in given ? given[name] : valid

/** Returns the given values as options, without the values of the named arguments. */
export function without(given: Readonly<Record<string, unknown>>, ...names: readonly string[]): object {
  return Object.fromEntries(Object.entries(given).filter(([name]) => !names.includes(name)))
}
