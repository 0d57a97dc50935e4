import * as library from '../../../src/index.js'
import {type Doors, type Kind, or, without} from './door.js'

const lock = {
  client: 'object',
  prefix: 'text',
  also: 'texts',
  ttlMs: 'duration',
  lockDelayMs: 'duration',
  nodeChecks: 'texts',
  node: 'text',
  sessionName: 'text',
  graceMs: 'duration',
  command: 'text',
  fair: 'choice',
  observer: 'callback',
  now: 'callback',
} as const satisfies Readonly<Record<string, Kind>>
const acquire = {signal: 'signal', timeoutMs: 'endlessDuration', observer: 'callback'} as const

const mutex = (client: library.ConsulClient): library.Mutex => library.createMutex(client, {prefix: 'doors/mutex'})
const semaphore = (client: library.ConsulClient): library.Semaphore =>
  library.createSemaphore(client, {prefix: 'doors/semaphore', limit: 2})

const election = (client: library.ConsulClient): library.Election =>
  library.createElection(client, {prefix: 'doors/election'})

const methods = (name: string, open: (client: library.ConsulClient) => library.Lock): Doors => ({
  [`${name}.acquire`]: {takes: acquire, open: (client, given) => open(client).acquire(given)},
  [`${name}.tryAcquire`]: {
    takes: {signal: 'signal', observer: 'callback'},
    open: (client, given) => open(client).tryAcquire(given),
  },
  [`${name}.withLock`]: {
    takes: {fn: 'callback', ...acquire},
    needs: ['fn'],
    open: (client, given) =>
      open(client).withLock(
        or(given, 'fn', async () => {}),
        without(given, 'fn'),
      ),
  },
})

/** The exports of `consul-baton/lock`. */
export const lockDoors: Doors = {
  createMutex: {
    takes: lock,
    needs: ['client', 'prefix'],
    open: (client, given) =>
      library.createMutex(or(given, 'client', client), {prefix: 'a', ...without(given, 'client')}),
  },
  ...methods('createMutex', mutex),
  createSemaphore: {
    takes: {...lock, limit: 'count'},
    needs: ['client', 'prefix', 'limit'],
    open: (client, given) =>
      library.createSemaphore(or(given, 'client', client), {prefix: 'a', limit: 2, ...without(given, 'client')}),
  },
  ...methods('createSemaphore', semaphore),
  'createSemaphore.holders': {
    takes: {signal: 'signal'},
    open: (client, given) => semaphore(client).holders(given),
  },
  'createMutex.holder': {
    takes: {signal: 'signal'},
    open: (client, given) => mutex(client).holder(given),
  },
  'createMutex.acquire.commit': {
    takes: {operations: 'list', signal: 'signal'},
    needs: ['operations'],
    arrange: client => library.createMutex(client, {prefix: 'doors/commit'}).acquire(),
    open: (_, given, hold: library.Hold) =>
      hold.commit(or(given, 'operations', [{verb: 'get-tree', key: 'a'}]), without(given, 'operations')),
  },
  'createMutex.acquire.assertHeld': {
    takes: {signal: 'signal'},
    arrange: client => library.createMutex(client, {prefix: 'doors/held'}).acquire(),
    open: (_, given, hold: library.Hold) => hold.assertHeld(given),
  },
  createElection: {
    takes: {...lock, value: 'text'},
    needs: ['client', 'prefix'],
    open: (client, given) =>
      library.createElection(or(given, 'client', client), {prefix: 'a', ...without(given, 'client')}),
  },
  'createElection.campaign': {takes: acquire, open: (client, given) => election(client).campaign(given)},
  'createElection.lead': {
    takes: {work: 'callback', signal: 'signal'},
    needs: ['work'],
    open: (client, given) =>
      election(client).lead(
        or(given, 'work', async () => {}),
        without(given, 'work'),
      ),
  },
  'createElection.leader': {takes: {signal: 'signal'}, open: (client, given) => election(client).leader(given)},
  'createElection.observe': {
    takes: {signal: 'signal'},
    needs: ['signal'],
    open: (client, given) => election(client).observe(given as {signal: AbortSignal}),
  },
  'createElection.campaign.publish': {
    takes: {value: 'text'},
    needs: ['value'],
    arrange: client => library.createElection(client, {prefix: 'doors/term'}).campaign(),
    open: (_, given, term: library.Term) => term.publish(given['value'] as string),
  },
  inspectLock: {
    takes: {client: 'object', prefix: 'text', signal: 'signal'},
    needs: ['client', 'prefix'],
    open: (client, given) =>
      library.inspectLock(or(given, 'client', client), or(given, 'prefix', 'a'), without(given, 'client', 'prefix')),
  },
  inspectLocks: {
    takes: {client: 'object', start: 'text', signal: 'signal'},
    needs: ['client', 'start'],
    open: (client, given) =>
      library.inspectLocks(or(given, 'client', client), or(given, 'start', 'a'), without(given, 'client', 'start')),
  },
  openSession: {
    takes: {
      client: 'object',
      name: 'text',
      ttlMs: 'duration',
      lockDelayMs: 'duration',
      behavior: 'choice',
      nodeChecks: 'texts',
      node: 'text',
      signal: 'signal',
      unprovenLimitMs: 'endlessDuration',
      renewEveryMs: 'duration',
      now: 'callback',
      observer: 'callback',
    },
    needs: ['client'],
    open: (client, given) => library.openSession(or(given, 'client', client), without(given, 'client')),
  },
  'openSession.destroy': {
    takes: {timeoutMs: 'duration'},
    arrange: client => library.openSession(client),
    open: (_, given, session: library.Session) => session.destroy(given),
  },
  'openSession.renewEvery': {
    takes: {ms: 'duration'},
    needs: ['ms'],
    arrange: client => library.openSession(client),
    open: async (_, given, session: library.Session) => session.renewEvery(given['ms'] as number),
  },
}
