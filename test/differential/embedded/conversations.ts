import fc from 'fast-check'
import {agentReads, agentWrites} from './asks/agent.js'
import type {Ask, Asks} from './asks/ask.js'
import {catalog, catalogReads, catalogWrites} from './asks/catalog.js'
import {kvDeletes, kvReads, kvWrites} from './asks/kv.js'
import {eventReads, eventWrites, odd} from './asks/other.js'
import {sessionReads, sessions} from './asks/session.js'
import {transactions} from './asks/txn.js'

const ask = fc.oneof(
  {weight: 20, arbitrary: kvWrites},
  {weight: 14, arbitrary: kvReads},
  {weight: 8, arbitrary: kvDeletes},
  {weight: 14, arbitrary: sessions},
  {weight: 14, arbitrary: transactions},
  {weight: 12, arbitrary: catalog},
  {weight: 7, arbitrary: agentWrites},
  {weight: 5, arbitrary: agentReads},
  {weight: 3, arbitrary: eventWrites},
  {weight: 1, arbitrary: eventReads},
  {weight: 5, arbitrary: odd},
)

const about = (...topics: readonly Asks[]): fc.Arbitrary<Ask[]> =>
  fc.array(fc.oneof(...topics), {minLength: 2, maxLength: 14})

/**
 * Random series of requests to an agent, about unrelated things or about things that depend on each other.
 */
export const conversations = fc.oneof(
  {weight: 4, arbitrary: fc.array(ask, {minLength: 1, maxLength: 14})},
  {weight: 2, arbitrary: about(catalogWrites, catalogReads, transactions)},
  {weight: 1, arbitrary: about(catalogWrites, sessions, sessions, kvWrites, kvReads)},
  {weight: 1, arbitrary: about(sessions, sessions, kvWrites, kvDeletes, kvReads, transactions)},
  {weight: 2, arbitrary: about(agentWrites, agentWrites, agentReads, sessions, kvWrites, catalogReads)},
)

const writes = fc.oneof(kvWrites, kvDeletes, sessions, transactions, catalogWrites, catalogWrites, agentWrites)
const reads = fc.oneof(kvReads, sessionReads, catalogReads, catalogReads, agentReads)

/** A series of writes, blocking queries that are sent after the writes, and a change that may end these queries. */
export const waits = fc.tuple(
  fc.array(writes, {maxLength: 5}),
  fc.uniqueArray(reads, {minLength: 1, maxLength: 8, selector: ({path}) => path}),
  writes,
)
