import {readdir, readFile, rm} from 'node:fs/promises'
import {join} from 'node:path'
import type {ConsulClient} from '../../core/client.js'
import {messageOf} from '../../core/errors.js'
import {refuseSpecial} from '../../process/refuse-special.js'
import {replaceFile} from '../../process/replace-file.js'
import {parseObject} from '../native/envelope.js'
import type {TrustStore} from '../native/trust.js'
import type {AuditEntry} from './audit-log.js'

/** Name of the status file in the state directory of a responder. */
const statusFile = 'status.json'

/**
 * The state of a responder, which the responder writes at each renewal of its health check. Times
 * are in ISO 8601.
 */
export interface ResponderStatus {
  readonly v: 1
  readonly node: string
  readonly datacenter: string
  readonly pid: number
  readonly startedAt: string
  /** Time of the last renewal. */
  readonly updatedAt: string
  /** Time by which a running responder would have renewed its status. */
  readonly staleAfter: string
  readonly trustedKeys: number
  /** Reason why the trusted keys cannot be read. @default they can be read */
  readonly trustTrouble?: string
  /** IDs of the jobs that are running. */
  readonly running: readonly string[]
  /** Number of listed jobs that are not examined because there are too many. */
  readonly ignoredJobs: number
  /** Number of jobs since the start, by the verdict in the audit log. */
  readonly jobs: Readonly<Partial<Record<AuditEntry['verdict'], number>>>
  /** Number of refusals since the start, by their code. */
  readonly refusals: Readonly<Record<string, number>>
}

interface StatusOptions {
  readonly client: ConsulClient
  readonly directory: string
  readonly metricsFile: string | undefined
  readonly node: string
  readonly datacenter: string
  readonly ttlMs: number
}

/** Counts what a responder does, and writes the counts for `baton responder status` and for a collector of metrics. */
export class StatusWriter implements AsyncDisposable {
  readonly #options: StatusOptions
  readonly #startedAtMs: number
  readonly #jobs = new Map<AuditEntry['verdict'], number>()
  readonly #refusals = new Map<string, number>()
  readonly #running = new Set<string>()
  #ignoredJobs = 0
  #isWarned = false

  constructor(options: StatusOptions) {
    this.#options = options
    this.#startedAtMs = options.client.clock.wallMs()
  }

  /** Counts an entry of the audit log. */
  count({verdict, code, job}: AuditEntry): void {
    this.#jobs.set(verdict, (this.#jobs.get(verdict) ?? 0) + 1)
    if (verdict === 'refused' && code !== undefined) this.#refusals.set(code, (this.#refusals.get(code) ?? 0) + 1)
    if (verdict === 'started') this.#running.add(job)
    else this.#running.delete(job)
  }

  noteIgnored(count: number): void {
    this.#ignoredJobs = count
  }

  /** Writes the files. A failure is logged once, and does not stop the responder. */
  async write(trust: TrustStore): Promise<void> {
    const {client, directory, metricsFile} = this.#options
    const status = this.#status(trust)
    try {
      await replaceFile(join(directory, statusFile), `${JSON.stringify(status, undefined, 2)}\n`, 0o600)
      if (metricsFile !== undefined) await replaceFile(metricsFile, metricsText(status), 0o644)
      this.#isWarned = false
    } catch (error) {
      if (!this.#isWarned) client.logger.warn({error: messageOf(error)}, 'exec.statusNotWritten')
      this.#isWarned = true
    }
  }

  /** Removes the files, so that an ended responder is not mistaken for a running one. */
  async [Symbol.asyncDispose](): Promise<void> {
    const {directory, metricsFile} = this.#options
    await removeFile(join(directory, statusFile))
    if (metricsFile !== undefined) await removeFile(metricsFile)
  }

  #status({keys, trouble}: TrustStore): ResponderStatus {
    const {client, node, datacenter, ttlMs} = this.#options
    const nowMs = client.clock.wallMs()
    return {
      v: 1,
      node,
      datacenter,
      pid: process.pid,
      startedAt: new Date(this.#startedAtMs).toISOString(),
      updatedAt: new Date(nowMs).toISOString(),
      staleAfter: new Date(nowMs + ttlMs).toISOString(),
      trustedKeys: keys.size,
      ...(trouble && {trustTrouble: trouble.message}),
      running: [...this.#running],
      ignoredJobs: this.#ignoredJobs,
      jobs: Object.fromEntries(this.#jobs),
      refusals: Object.fromEntries(this.#refusals),
    }
  }
}

/** Returns the status as text for the textfile collector of Prometheus' node exporter. */
function metricsText(status: ResponderStatus): string {
  const node = `node="${status.node}"`
  const metric = (name: string, type: string, rows: readonly (readonly [string, number])[]): string =>
    [
      `# TYPE baton_responder_${name} ${type}`,
      ...rows.map(([labels, value]) => `baton_responder_${name}{${node}${labels}} ${value}`),
    ].join('\n')
  const of = (label: string, counts: object): [string, number][] =>
    Object.entries(counts).map(([name, value]) => [`,${label}="${name}"`, Number(value)])
  return `${[
    metric('jobs_total', 'counter', of('verdict', status.jobs)),
    metric('refusals_total', 'counter', of('code', status.refusals)),
    metric('running_jobs', 'gauge', [['', status.running.length]]),
    metric('ignored_jobs', 'gauge', [['', status.ignoredJobs]]),
    metric('trusted_keys', 'gauge', [['', status.trustedKeys]]),
    metric('trust_unreadable', 'gauge', [['', status.trustTrouble === undefined ? 0 : 1]]),
    metric('start_time_seconds', 'gauge', [['', Date.parse(status.startedAt) / 1000]]),
    metric('updated_timestamp_seconds', 'gauge', [['', Date.parse(status.updatedAt) / 1000]]),
  ].join('\n')}\n`
}

/**
 * Reads the status of each responder below a state directory, by name. If the directory does not exist, there are
 * none.
 */
export async function readStatuses(stateDirectory: string): Promise<readonly ResponderStatus[]> {
  const names = await readdir(stateDirectory).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  })
  const statuses: ResponderStatus[] = []
  for (const name of names.toSorted()) {
    const bytes = await readFile(join(stateDirectory, name, statusFile)).catch(() => undefined)
    const status = bytes && parseObject(bytes)
    if (status?.['v'] === 1) statuses.push(status as unknown as ResponderStatus)
  }
  return statuses
}

/** Removes a file. Leaves in place what is not a regular file, because this process did not write it. */
async function removeFile(path: string): Promise<void> {
  try {
    refuseSpecial(path)
    await rm(path, {force: true})
  } catch {
    // A file that cannot be removed says by its time that it is old.
  }
}
