import {checkOptions} from '../../core/check-options.js'
import type {ConsulClient} from '../../core/client.js'
import {clientRule} from '../../core/context-rules.js'
import type {ExecInitiator} from '../types.js'
import {checkInitiatorOptions, checkRun, type InitiatorOptions} from './options.js'
import {startRun} from './start.js'

/**
 * Runs commands on the nodes of a datacenter. Throws a UsageError if an option is not valid.
 *
 * @example
 * ```ts
 * await using run = await createInitiator(client, {keys: [key]}).run({command: {kind: 'shell', line: 'echo hello'}})
 * for await (const event of run) {
 *   if (event.type === 'output') event.chunk.toString() // => 'hello\n'
 * }
 * const {verdict} = await run.summary
 * verdict // => 'ok'
 * ```
 */
export function createInitiator(client: ConsulClient, options: InitiatorOptions = {}): ExecInitiator {
  checkOptions('createInitiator', {client}, {client: clientRule}, ['client'])
  checkInitiatorOptions(options)
  return {
    async run(job, selector = {}, runOptions = {}) {
      checkRun(job, selector, runOptions)
      return startRun({...options, client}, {job, selector}, runOptions.signal)
    },
  }
}
