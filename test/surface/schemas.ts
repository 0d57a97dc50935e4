import {z} from 'zod'
import {errorCodes} from '../../src/core/errors.js'
import type {ViewStatus} from '../../src/core/query/types.js'
import {execSchemas} from './exec-schemas.js'
import {replicateSchemas} from './replicate-schemas.js'
import {serviceChanges, serviceList} from './service-schemas.js'

type HeldReason = Extract<ViewStatus, {readonly state: 'held'}>['reason']
/** Every reason in the type HeldReason. If one is missing, this does not compile. */
const heldReasons = Object.keys({
  empty: true,
  filtered: true,
  'no-leader': true,
  denied: true,
} satisfies Record<HeldReason, true>) as HeldReason[]

/** One of Consul's 64-bit numbers, written as digits. JavaScript's JSON.parse rounds those above 2^53. */
const wide = z.number().nonnegative().meta({type: 'integer', description: 'up to 64 bits: read without rounding'})
/** One of baton's own 64-bit numbers, written as a string. */
const digits = z.string().regex(/^\d+$/)
const count = z.number().nonnegative().meta({type: 'integer'})
const whole = z.number().meta({type: 'integer'})
const milliseconds = z.number().nonnegative()
const base64 = z.string().meta({contentEncoding: 'base64'})
const kid = z.string().regex(/^[0-9a-f]{16}$/)

const kvEntry = z.strictObject({
  key: z.string(),
  value: base64,
  flags: wide,
  session: z.string().nullable(),
  lockIndex: wide,
  createIndex: wide,
  modifyIndex: wide,
})
const keyNames = z.strictObject({keys: z.array(z.string())})

const goEvent = z.strictObject({
  ID: z.string(),
  Name: z.string(),
  Payload: base64.nullable(),
  NodeFilter: z.string(),
  ServiceFilter: z.string(),
  TagFilter: z.string(),
  Version: whole,
  LTime: wide,
})

/** The newest item in Consul's answer, in Consul's own form. */
const item = z.record(z.string(), z.unknown())
const frame = {v: z.literal(1), epoch: count, seq: count}
const watchLine = z.discriminatedUnion('type', [
  z.strictObject({
    ...frame,
    type: z.literal('new-snapshot-to-follow'),
    reason: z.enum(['initial', 'lagged', 'resume-miss', 'reset']),
  }),
  z.strictObject({...frame, type: z.literal('upsert'), key: z.string(), item, previous: item.optional()}),
  z.strictObject({...frame, type: z.literal('delete'), key: z.string(), previous: item.optional()}),
  z.strictObject({...frame, type: z.literal('end-of-snapshot'), index: digits.optional(), count}),
  z.strictObject({...frame, type: z.literal('gap'), afterId: z.string().optional()}),
  z.strictObject({
    ...frame,
    type: z.literal('status'),
    status: z.discriminatedUnion('state', [
      z.strictObject({state: z.literal('connecting'), error: z.string().optional()}),
      z.strictObject({state: z.literal('live'), lastContactMs: milliseconds.optional()}),
      z.strictObject({state: z.literal('stale'), sinceMs: milliseconds, error: z.string().optional()}),
      z.strictObject({state: z.literal('held'), reason: z.enum(heldReasons)}),
      z.strictObject({state: z.literal('limited'), delayMs: milliseconds}),
      z.strictObject({state: z.literal('failed'), error: z.string().optional()}),
    ]),
  }),
])

const lockFacts = {time: z.iso.datetime(), prefix: z.string()}
/** The deadlines of a held lock, in milliseconds since the machine booted. */
const deadline = z.strictObject({termAtMs: milliseconds, killAtMs: milliseconds, freeAtMs: milliseconds})
const lockLine = z.discriminatedUnion('type', [
  z.strictObject({...lockFacts, type: z.literal('session.created'), session: z.string()}),
  z.strictObject({
    ...lockFacts,
    type: z.literal('lock.waiting'),
    reason: z.enum(['held', 'lock-delay', 'unreachable', 'local', 'queue']),
    position: count.optional(),
    holder: z.string().optional(),
    heldSince: z.string().optional(),
    error: z.string().optional(),
  }),
  z.strictObject({
    ...lockFacts,
    type: z.literal('queue.left'),
    reason: z.enum(['denied', 'version']),
    session: z.string().optional(),
    error: z.string().optional(),
  }),
  z.strictObject({
    ...lockFacts,
    type: z.literal('queue.passed-over'),
    session: z.string(),
    reason: z.enum(['unproven', 'idle']),
  }),
  z.strictObject({...lockFacts, type: z.literal('queue.unshared')}),
  z.strictObject({...lockFacts, type: z.literal('lock.handed-over'), session: z.string()}),
  z.strictObject({...lockFacts, type: z.literal('lock.acquired'), token: digits, waitMs: milliseconds}),
  z.strictObject({...lockFacts, type: z.literal('lease.renewed'), deadline}),
  z.strictObject({...lockFacts, type: z.literal('lease.degraded'), error: z.string(), deadline}),
  z.strictObject({...lockFacts, type: z.literal('lock.lost'), error: z.string()}),
  z.strictObject({
    ...lockFacts,
    type: z.literal('lock.released'),
    report: z.strictObject({
      lock: z.enum(['released', 'held', 'lost', 'unknown']),
      isSessionDestroyed: z.boolean(),
      error: z.string().optional(),
    }),
  }),
  z.strictObject({
    ...lockFacts,
    type: z.literal('session.expiring'),
    session: z.string(),
    withinMs: milliseconds,
  }),
  z.strictObject({...lockFacts, type: z.literal('run.unrecorded'), error: z.string()}),
  z.strictObject({...lockFacts, type: z.literal('child.started'), pid: whole}),
  z.strictObject({
    ...lockFacts,
    type: z.literal('child.signalled'),
    signal: z.string(),
    why: z.enum(['lost', 'stop-signal', 'max-runtime', 'leftover']),
  }),
  z.strictObject({...lockFacts, type: z.literal('child.exited'), code: whole, signal: z.string().optional()}),
  z.strictObject({...lockFacts, type: z.literal('child.leftover'), action: z.enum(['stop', 'wait', 'leave'])}),
  z.strictObject({...lockFacts, type: z.literal('guardian.failed'), why: z.string()}),
])

const lockParty = z.strictObject({
  session: z.string(),
  position: count.optional(),
  name: z.string().optional(),
  node: z.string().optional(),
  ttlMs: milliseconds.optional(),
  lockDelayMs: milliseconds.optional(),
  checks: z.array(z.string()).optional(),
  host: z.string().optional(),
  pid: whole.optional(),
  command: z.string().optional(),
  since: z.string().optional(),
})
const lockList = {
  locks: z.array(
    z.strictObject({
      prefix: z.string(),
      kind: z.enum(['mutex', 'semaphore', 'other', 'none']),
      limit: count.optional(),
      holders: z.array(lockParty.extend({freeWithinMs: milliseconds.optional()})),
      waiters: z.array(lockParty),
    }),
  ),
}
const held = {prefix: z.string(), session: z.string()}
const lockSchemas = {
  'lock.events': lockLine,
  'lock.ls': z.strictObject(lockList),
  'lock.status': z.strictObject(lockList),
  'lock.watch.ndjson': z.strictObject({time: z.iso.datetime(), ...lockList}),
  'lock.assert': z.strictObject({...held, held: z.boolean(), why: z.string().optional()}),
  'lock.break': z.strictObject({...held, broken: z.literal(true), freeAfterMs: milliseconds.optional()}),
  'lock.hold': z.strictObject({...held, key: z.string(), token: digits, pid: whole}),
  'lock.history': z.strictObject({
    prefix: z.string(),
    runs: z.array(
      z.strictObject({
        startedAt: z.string(),
        endedAt: z.string(),
        end: z.enum(['exited', 'max-runtime', 'stopped']),
        exit: whole,
        host: z.string(),
        pid: whole,
        command: z.string().optional(),
        token: digits,
      }),
    ),
  }),
  'lock.why': z.strictObject({
    flights: z.array(
      z.strictObject({
        pid: whole,
        prefix: z.string(),
        lines: z.array(
          z.looseObject({type: z.string(), time: z.string(), bootMs: whole, process: whole, prefix: z.string()}),
        ),
        end: z.enum(['lost', 'released', 'failed', 'running', 'killed']),
      }),
    ),
  }),
  'lock.overdue': z.strictObject({
    prefix: z.string(),
    everyMs: milliseconds,
    overdue: z.boolean(),
    lastSuccess: z.string().optional(),
    host: z.string().optional(),
    sinceMs: milliseconds.optional(),
  }),
  'lock.put': z.strictObject({key: z.string(), written: z.literal(true)}),
} as const

const doctorChecks =
  'node platform guardian token keys trust agent leader clock connections role restart rexec acl rights lock responders datacenters'.split(
    ' ',
  )
const selftestChecks = 'exclusion fencing hand-over semaphore expiry wake exec replicate clean selftest'.split(' ')
const findingText = {text: z.string(), fix: z.string().optional()}

/** The schema of every JSON output, by the name of its file under docs/reference/json-output. */
export const schemas = {
  error: z.strictObject({
    error: z.strictObject({code: z.enum(errorCodes), message: z.string(), exit: whole}),
  }),
  'print-config': z.record(z.string(), z.strictObject({value: z.unknown(), source: z.string()})),
  discover: z.strictObject({
    services: z.array(
      z.strictObject({
        uri: z.string(),
        capabilities: z.array(z.strictObject({name: z.string(), capacity: z.number().nonnegative()})),
      }),
    ),
  }),
  doctor: z.strictObject({
    ok: z.boolean(),
    findings: z.array(
      z.strictObject({check: z.enum(doctorChecks), verdict: z.enum(['ok', 'warn', 'fail']), ...findingText}),
    ),
  }),
  selftest: z.strictObject({
    ok: z.boolean(),
    findings: z.array(
      z.strictObject({
        check: z.enum([...doctorChecks, ...selftestChecks]),
        verdict: z.enum(['ok', 'warn', 'fail', 'skip']),
        ...findingText,
      }),
    ),
  }),
  status: z.strictObject({
    agent: z.strictObject({datacenter: z.string(), node: z.string(), version: z.string()}).optional(),
    locks: z
      .strictObject({
        ...lockList,
        sessions: count,
        unrenewed: z.array(
          z.strictObject({
            session: z.string(),
            name: z.string(),
            node: z.string(),
            checks: z.array(z.string()),
            holds: z.array(z.string()),
          }),
        ),
      })
      .optional(),
    exec: execSchemas['exec.ls']
      .extend({responders: z.array(z.strictObject({name: z.string(), node: z.string(), passing: z.boolean()}))})
      .optional(),
    replication: replicateSchemas['replicate.status'].optional(),
    watchers: z
      .array(
        z.strictObject({
          pid: whole,
          events: z.array(z.string()),
          stateFile: z.string().optional(),
          since: z.iso.datetime(),
        }),
      )
      .nullable()
      .optional(),
    missingRules: z.array(z.string()).optional(),
    problems: z.array(z.strictObject({part: z.string(), message: z.string()})),
  }),
  event: z.strictObject({id: z.string()}),
  'event.fire': z.union([
    z.strictObject({id: z.string(), spilled: z.boolean(), bytesLeft: count}),
    z.strictObject({id: z.string(), key: z.string(), announced: z.boolean(), pruned: count}),
  ]),
  'event.prune': z.strictObject({pruned: count}),
  'event.list': z.strictObject({events: z.array(goEvent)}),
  'event.watch': z.strictObject({
    v: z.literal(1),
    id: z.string(),
    name: z.string(),
    payload: base64.nullable(),
    ltime: digits,
    nodeFilter: z.string(),
    serviceFilter: z.string(),
    tagFilter: z.string(),
  }),
  ...execSchemas,
  'keys.add': z.strictObject({
    kid,
    path: z.string(),
    kept: z.array(z.enum(['policy', 'exp', 'nbf'])),
    alsoIn: z.array(z.string()),
    problems: z.array(z.string()),
  }),
  'keys.init': z.strictObject({
    kid,
    name: z.string(),
    privatePath: z.string(),
    publicPath: z.string(),
    trustedIn: z.string().optional(),
  }),
  'keys.ls': z.strictObject({
    keys: z.array(
      z.strictObject({
        kid,
        name: z.string(),
        use: z.enum(['sign', 'trust']),
        isRevoked: z.boolean(),
        expires: z.string().optional(),
        hasPolicy: z.boolean(),
        alsoIn: z.array(z.string()),
      }),
    ),
    problems: z.array(z.string()),
  }),
  'keys.revoke': z.strictObject({kid, path: z.string()}),
  'kv.cas': z.strictObject({key: z.string(), written: z.literal(true)}),
  'kv.delete': z.union([
    z.strictObject({key: z.string(), deleted: z.literal(true)}),
    z.strictObject({prefix: z.string(), deleted: z.literal(true)}),
  ]),
  'kv.diff': z.strictObject({
    equal: z.boolean().nullable(),
    changes: z.array(
      z.strictObject({
        kind: z.enum(['create', 'update', 'delete']),
        key: z.string(),
        differs: z.enum(['value', 'flags', 'both']).optional(),
      }),
    ),
  }),
  'kv.edit': z.strictObject({key: z.string(), written: z.boolean()}),
  'kv.get': z.union([kvEntry, z.strictObject({entries: z.array(kvEntry)}), keyNames]),
  'kv.import': z.union([
    z.strictObject({imported: count, skipped: z.array(z.string())}),
    z.strictObject({
      changes: z.array(z.strictObject({key: z.string(), change: z.enum(['create', 'update', 'unchanged', 'skip'])})),
    }),
  ]),
  'kv.incr': z.strictObject({key: z.string(), value: z.string().regex(/^-?\d+$/)}),
  'kv.ls': keyNames,
  'kv.put': z.strictObject({key: z.string(), written: z.literal(true)}),
  'kv.update': z.strictObject({key: z.string(), value: base64, written: z.boolean()}),
  'kv.wait-for': kvEntry,
  ...lockSchemas,
  members: z.strictObject({
    members: z.array(
      z.strictObject({
        name: z.string(),
        address: z.string(),
        port: count,
        status: z.enum(['none', 'alive', 'leaving', 'left', 'failed']),
        tags: z.record(z.string(), z.string()),
      }),
    ),
  }),
  ...replicateSchemas,
  'service.ls': serviceList,
  ...serviceChanges,
  'watch.ndjson': watchLine,
} as const
export type SchemaName = keyof typeof schemas

/**
 * Returns the name of the schema for the JSON that a command prints with the flag. All watches share a schema, as do
 * all commands that hold locks.
 */
export function schemaOf(command: string, flag: string): SchemaName | undefined {
  const isWatch = command.startsWith('watch') || command === 'kv watch'
  const name =
    isWatch && flag === 'ndjson'
      ? 'watch.ndjson'
      : [(flag === 'events' ? 'lock' : command).replaceAll(' ', '.'), ...(flag === 'json' ? [] : [flag])].join('.')
  return name in schemas ? (name as SchemaName) : undefined
}
