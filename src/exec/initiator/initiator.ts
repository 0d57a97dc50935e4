import {linkSignal} from '../../core/cancel/link-signal.js'
import {abortSignal, bytes, checkOptions} from '../../core/check-options.js'
import type {ConsulClient} from '../../core/client.js'
import {clientRule} from '../../core/context-rules.js'
import type {ExecInitiator} from '../initiator-types.js'
import {checkAttach, checkDetach, checkFind, checkInitiatorOptions, checkRun, type InitiatorOptions} from './options.js'
import {startRollout} from './rollout/start-rollout.js'
import {findPlan, startRun} from './start.js'

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
      const {signal, isDryRun = false, rollout} = runOptions
      const settings = {...options, client}
      if (rollout === undefined || isDryRun) return startRun(settings, {job, selector, isDryRun}, signal)
      return startRollout(settings, {job, selector, rollout}, signal)
    },
    async findNodes(selector = {}, findOptions = {}) {
      checkFind(selector, findOptions)
      using finding = linkSignal(findOptions.signal)
      const {expected, serviceNamesMatched} = await findPlan({...options, client}, selector, finding.signal)
      return {nodes: expected, serviceNamesMatched}
    },
    async detach(job, selector = {}, detachOptions = {}) {
      checkDetach(job, selector, detachOptions)
      const {detachRun} = await import('./detached/detach.js')
      return detachRun({...options, client}, {job, selector, options: detachOptions})
    },
    async prepare(job, selector = {}, prepareOptions = {}) {
      checkDetach(job, selector, prepareOptions)
      const {prepareRun} = await import('./detached/detach.js')
      return prepareRun({...options, client}, {job, selector, options: prepareOptions})
    },
    async submit(document, submitOptions = {}) {
      checkOptions('submit', {document}, {document: bytes}, ['document'])
      checkOptions('submit', submitOptions, {signal: abortSignal})
      const {submitRun} = await import('./detached/submit.js')
      return submitRun(client, Buffer.from(document), submitOptions.signal)
    },
    async attach(id, attachOptions = {}) {
      checkAttach(id, attachOptions)
      const {attachRun} = await import('./detached/attach.js')
      return attachRun({...options, client}, id, attachOptions)
    },
    async list(listOptions = {}) {
      checkOptions('list', listOptions, {signal: abortSignal})
      const {listRuns} = await import('./detached/list-runs.js')
      return listRuns(client, listOptions.signal)
    },
  }
}
