import {type OptionRule, object, withMethod} from './check-options.js'

/** Rule for a client, or for an object with the members of a client that the function uses. */
export const clientRule: OptionRule = {...object, expected: 'a ConsulClient'}
export const clockRule = withMethod('a Clock', 'monotonicMs')
export const loggerRule = withMethod('a Logger', 'child')
export const queryRule = withMethod('a query', 'read')

/** Rule for a client, or for an object with a clock, a source of jitter and a logger. Checks only the clock. */
export const contextRule: OptionRule = {
  expected: 'a client, or an object with a clock, a random function and a logger',
  accepts: value => object.accepts(value) && clockRule.accepts((value as {readonly clock?: unknown}).clock),
}
