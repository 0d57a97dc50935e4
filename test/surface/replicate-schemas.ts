import {z} from 'zod'

/** One of Consul's 64-bit numbers, written as digits. */
const wide = z.number().nonnegative().meta({type: 'integer', description: 'up to 64 bits: read without rounding'})
const count = z.number().nonnegative().meta({type: 'integer'})
const whole = z.number().meta({type: 'integer'})
const milliseconds = z.number().nonnegative()

const mapping = z.strictObject({source: z.string(), datacenter: z.string().optional(), destination: z.string()})
const held = z.strictObject({
  id: z.string(),
  reason: z.enum(['empty-source', 'limit', 'budget', 'no-leader', 'hidden']),
  isKept: z.boolean(),
  count,
  sample: z.array(z.string()).max(10),
  message: z.string(),
})
const pass = z.strictObject({
  mapping,
  index: wide,
  written: count,
  deleted: count,
  unchanged: count,
  skipped: count,
  unreadable: z.array(z.string()),
  drifted: z.array(z.string()),
  hidden: count,
  held: z.array(held),
  refused: z.array(z.strictObject({key: z.string(), reason: z.string()})),
  durationMs: milliseconds,
})
const part = z.enum(['agent', 'source', 'destination', 'pass'])
const outageFacts = {time: z.iso.datetime(), part, mapping: mapping.optional(), elapsedMs: milliseconds}
const replicateLine = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('pass'),
    time: z.iso.datetime(),
    ...pass.shape,
    error: z.string().optional(),
  }),
  z.strictObject({
    type: z.literal('retrying'),
    ...outageFacts,
    reason: z.string().optional(),
    currentAt: z.iso.datetime().optional(),
  }),
  z.strictObject({type: z.literal('recovered'), ...outageFacts}),
  z.strictObject({
    type: z.literal('approval.finished'),
    time: z.iso.datetime(),
    mapping,
    id: z.string(),
    deleted: count,
    kept: count,
  }),
  z.strictObject({
    type: z.literal('approval.refused'),
    time: z.iso.datetime(),
    mapping: mapping.optional(),
    id: z.string(),
    reason: z.string(),
  }),
  z.strictObject({
    type: z.literal('shadow'),
    time: z.iso.datetime(),
    mapping,
    index: wide,
    isBehind: z.boolean(),
    differences: z.array(
      z.strictObject({
        key: z.string(),
        kind: z.enum(['deleted', 'not-deleted', 'written', 'not-written']),
        why: z.string().optional(),
      }),
    ),
  }),
])
const preview = z.strictObject({
  mapping,
  index: wide,
  changes: z.array(
    z.strictObject({
      kind: z.enum(['create', 'update', 'delete']),
      key: z.string(),
      differs: z.enum(['value', 'flags', 'both']).optional(),
    }),
  ),
  unchanged: count,
  skipped: count,
  unreadable: z.array(z.string()),
  drifted: z.array(z.string()),
  hidden: count,
  held: z.array(held),
})

/** The JSON output of `replicate` and its sub-commands. */
export const replicateSchemas = {
  replicate: z.union([
    z.strictObject({mappings: z.array(pass)}),
    z.strictObject({equal: z.boolean().nullable(), mappings: z.array(preview)}),
  ]),
  'replicate.approve': z.union([
    z.strictObject({id: z.string(), outcome: z.enum(['done', 'approved']), mapping, count}),
    z.strictObject({id: z.string(), outcome: z.literal('unknown')}),
  ]),
  'replicate.held': z.strictObject({
    sets: z.array(
      z.strictObject({
        id: z.string(),
        mapping,
        reason: z.enum(['empty-source', 'limit', 'budget']),
        why: z.string(),
        since: z.iso.datetime(),
        isApproved: z.boolean(),
        keys: z.array(z.string()),
      }),
    ),
  }),
  'replicate.ndjson': replicateLine,
  'replicate.status': z.strictObject({
    mappings: z.array(
      z.strictObject({
        mapping,
        health: z.enum(['healthy', 'warning', 'critical', 'unknown']),
        lastReplicated: wide,
        keys: whole.describe('-1 if consul-replicate wrote the status'),
        replicator: z.string().nullable(),
        replicators: z.array(
          z.strictObject({
            id: z.string(),
            host: z.string(),
            pid: count,
            phase: z.enum(['running', 'stopped', 'finished']),
            datacenter: z.string().optional(),
            everyMs: milliseconds,
            state: z.enum(['starting', 'current', 'behind', 'retrying']),
            lagMs: milliseconds,
            held: count,
            refused: count,
            hidden: count,
            isAlive: z.boolean(),
            startedAt: z.iso.datetime(),
            heartbeatAt: z.iso.datetime(),
            currentAt: z.iso.datetime().nullable(),
            equalAt: z.iso.datetime().nullable(),
            retrying: z.strictObject({part, since: z.iso.datetime(), reason: z.string()}).nullable(),
          }),
        ),
      }),
    ),
  }),
  'replicate.undo': z.union([
    z.strictObject({
      passes: z.array(
        z.strictObject({pass: z.string(), mapping, at: z.iso.datetime(), overwritten: count, deleted: count}),
      ),
    }),
    z.strictObject({
      dryRun: z.boolean(),
      hold: z.string().nullable(),
      keys: z.array(
        z.strictObject({
          key: z.string(),
          outcome: z.enum(['restored', 'same', 'changed', 'refused']),
          isCreated: z.boolean(),
        }),
      ),
    }),
    z.strictObject({released: count}),
  ]),
} as const
