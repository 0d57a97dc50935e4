import {z} from 'zod'

const count = z.number().nonnegative().meta({type: 'integer'})
const whole = z.number().meta({type: 'integer'})
const milliseconds = z.number().nonnegative()
const base64 = z.string().meta({contentEncoding: 'base64'})

const outcome = z.discriminatedUnion('type', [
  z.strictObject({type: z.literal('ok')}),
  z.strictObject({type: z.literal('failed'), code: whole, signal: z.string().optional()}),
  z.strictObject({type: z.literal('timed-out'), afterMs: milliseconds}),
  z.strictObject({type: z.literal('lost'), reason: z.string()}),
  z.strictObject({type: z.literal('no-answer'), reason: z.string()}),
  z.strictObject({type: z.literal('refused'), code: z.string(), reason: z.string()}),
  z.strictObject({type: z.literal('cancelled')}),
  z.strictObject({type: z.literal('not-run'), reason: z.string()}),
  z.strictObject({type: z.literal('allowed'), reason: z.string()}),
  z.strictObject({type: z.literal('unchecked'), reason: z.string()}),
  z.strictObject({type: z.literal('unfinished'), reason: z.string()}),
])
const instant = z.iso.datetime()
const via = z.enum(['native', 'rexec'])
const stream = z.enum(['stdout', 'stderr', 'merged'])
const nodeResult = z.strictObject({
  node: z.string(),
  via,
  outcome,
  isExpected: z.boolean(),
  isAcked: z.boolean(),
  droppedBytes: count.optional(),
  isSigned: z.boolean(),
  isLate: z.boolean(),
  attempts: count.optional(),
})
const bytes = z.union([z.strictObject({text: z.string()}), z.strictObject({base64})])
const totals = {
  verdict: z.enum([
    'ok',
    'truncated',
    'refused',
    'stopped',
    'incomplete',
    'silent',
    'failed',
    'no-nodes',
    'cancelled',
    'unfinished',
  ]),
  ackedCount: count,
  completedCount: count,
  exit: whole,
  durationMs: milliseconds,
  isDryRun: z.boolean(),
}
const expectedNode = z.strictObject({
  node: z.string(),
  via,
  isDown: z.boolean().optional(),
  absence: z.enum(['unknown', 'no-responder', 'other-name']).optional(),
})
const execLine = z.union([
  z.strictObject({
    type: z.literal('targets'),
    nodes: z.array(expectedNode),
    serviceNamesMatched: z.array(z.string()),
  }),
  z.strictObject({type: z.enum(['session-created', 'event-fired']), id: z.string()}),
  z.strictObject({type: z.literal('job-written')}),
  z.strictObject({type: z.literal('unknown-key'), key: z.string()}),
  z.strictObject({type: z.enum(['ack', 'heartbeat', 'unexpected', 'late', 'foreign', 'forged']), node: z.string()}),
  z.strictObject({type: z.literal('output'), node: z.string(), stream, text: z.string()}),
  z.strictObject({type: z.literal('output'), node: z.string(), stream, base64}),
  z.strictObject({type: z.literal('missing'), node: z.string(), seq: count, count}),
  z.strictObject({type: z.literal('truncated'), node: z.string(), droppedBytes: count}),
  z.strictObject({type: z.literal('exit'), node: z.string(), code: whole}),
  z.strictObject({type: z.literal('outcome'), node: z.string(), outcome}),
  z.strictObject({type: z.literal('retrying'), via, reason: z.string()}),
  z.strictObject({type: z.literal('batch'), number: count, job: z.string(), nodes: z.array(z.string())}),
  z.strictObject({type: z.literal('retry'), node: z.string(), attempt: count, outcome}),
  z.strictObject({
    type: z.literal('gate'),
    service: z.string(),
    state: z.enum(['waiting', 'open', 'closed']),
    nodes: z.array(z.string()),
  }),
  z.strictObject({type: z.literal('summary'), ...totals, nodes: z.array(nodeResult)}),
])

const execDocument = z.strictObject({
  job: z.string(),
  ...totals,
  nodes: z.array(nodeResult.extend({output: z.partialRecord(stream, bytes)})),
})

const jobFile = {job: z.string(), command: z.string(), nodes: z.array(z.string()), beginsUntil: instant}

/** The output of `baton exec`, of its sub-commands, and of commands for prepared jobs. */
export const execSchemas = {
  exec: execDocument,
  'exec.attach': execDocument,
  'exec.attach.ndjson': execLine,
  'exec.cancel': execDocument,
  'exec.cancel.ndjson': execLine,
  'exec.detach': z.strictObject({
    job: z.string(),
    nodes: z.array(z.string()),
    refused: z.array(z.strictObject({node: z.string(), code: z.string(), reason: z.string()})),
    beginsUntil: instant,
    keptUntil: instant,
    exit: whole,
  }),
  'exec.prepare': z.strictObject({
    job: z.string(),
    file: z.string(),
    nodes: z.array(z.string()),
    refused: z.array(z.strictObject({node: z.string(), code: z.string(), reason: z.string()})),
    beginsUntil: instant,
    exit: whole,
  }),
  'exec.submit': execDocument,
  'exec.submit.ndjson': execLine,
  'keys.sign': z.strictObject({...jobFile, file: z.string(), signedBy: z.array(z.string())}),
  'keys.verify': z.strictObject({
    ...jobFile,
    signatures: z.array(
      z.strictObject({
        kid: z.string(),
        name: z.string().optional(),
        verdict: z.enum(['valid', 'wrong', 'unknown', 'revoked', 'expired']),
      }),
    ),
    isVerified: z.boolean(),
  }),
  'responder.check': z.strictObject({...jobFile, node: z.string(), verdict: z.string(), reason: z.string()}),
  'responder.status': z.strictObject({
    responders: z.array(
      z.strictObject({
        v: z.literal(1),
        node: z.string(),
        datacenter: z.string(),
        pid: count,
        startedAt: instant,
        updatedAt: instant,
        staleAfter: instant,
        trustedKeys: count,
        trustTrouble: z.string().optional(),
        running: z.array(z.string()),
        ignoredJobs: count,
        jobs: z.record(z.string(), count),
        refusals: z.record(z.string(), count),
        isAlive: z.boolean(),
      }),
    ),
  }),
  'exec.ls': z.strictObject({
    jobs: z.array(
      z.strictObject({
        job: z.string(),
        issued: instant,
        beginsUntil: instant,
        keptUntil: instant.optional(),
        requester: z.strictObject({name: z.string(), host: z.string()}),
        signers: z.array(z.string()),
        command: z.string(),
        nodes: z.array(z.string()),
        waitingCount: count,
        runningCount: count,
        endedCount: count,
      }),
    ),
  }),
  'exec.show': execDocument,
  'exec.show.ndjson': execLine,
  'exec.list': z.strictObject({nodes: z.array(expectedNode)}),
  'exec.ndjson': execLine,
}
