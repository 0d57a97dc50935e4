import type {Gauge} from 'prom-client'
import type {MappingStatus} from '../types.js'

export interface ReplicateMetrics {
  readonly contentType: string
  readonly render: (statuses: readonly MappingStatus[]) => Promise<string>
}

const labelNames = ['source', 'datacenter', 'destination'] as const
type Label = (typeof labelNames)[number]

const toSeconds = (ms: number | undefined): number => (ms ?? 0) / 1000

/** The gauges of a mapping, keyed by their names without the prefix `baton_replicate_`. */
const gauges: Readonly<Record<string, readonly [help: string, of: (status: MappingStatus) => number]>> = {
  lag_seconds: [
    'Age of the oldest change that is not at the destination, 0 if there is none',
    ({lagMs}) => lagMs / 1000,
  ],
  current_timestamp_seconds: [
    'The destination has every change of the source until then, apart from what is held, refused or hidden',
    ({currentAtMs}) => toSeconds(currentAtMs),
  ],
  equal_timestamp_seconds: ['Both sides were last known to be equal then', ({equalAtMs}) => toSeconds(equalAtMs)],
  retrying: ['1 while Consul does not answer, else 0', ({retrying}) => (retrying ? 1 : 0)],
  retrying_since_timestamp_seconds: [
    'Since when Consul does not answer, else 0',
    ({retrying}) => toSeconds(retrying?.sinceMs),
  ],
  keys: ['Source keys that are copied', ({keys}) => keys],
  held_deletes: ['Deletes that wait for an approval', ({held}) => held],
  refused_keys: ['Keys that the destination refused', ({refused}) => refused],
  hidden_keys: ['Destination keys that exist at the source, where the token may not read them', ({hidden}) => hidden],
  skipped_keys: ['Keys left alone: excluded, protected, or used by a lock', ({skipped}) => skipped],
  last_pass_seconds: ['Duration of the last pass', ({lastPassMs}) => lastPassMs / 1000],
}

const counters: Readonly<Record<string, readonly [help: string, of: (status: MappingStatus) => number]>> = {
  passes_total: ['Passes', ({passes}) => passes],
  failed_passes_total: ['Passes that a failure ended early', ({failedPasses}) => failedPasses],
  written_keys_total: ['Keys created or updated', ({written}) => written],
  deleted_keys_total: ['Keys deleted', ({deleted}) => deleted],
}

/** Loads the metrics library. Each request to the returned route reads the current figures. */
export async function createReplicateMetrics(): Promise<ReplicateMetrics> {
  const {Counter, Gauge, Registry} = await import('prom-client')
  const registry = new Registry()
  const settings = (name: string, help: string) => ({
    name: `baton_replicate_${name}`,
    help,
    labelNames,
    registers: [registry],
  })
  const shown = Object.entries(gauges).map(([name, [help, of]]) => ({metric: new Gauge(settings(name, help)), of}))
  const counted = Object.entries(counters).map(([name, [help, of]]) => ({
    metric: new Counter(settings(name, help)),
    of,
  }))
  return {
    contentType: registry.contentType,
    render: async statuses => {
      registry.resetMetrics()
      for (const status of statuses) {
        for (const {metric, of} of shown) setOn(metric, status, of(status))
        for (const {metric, of} of counted) metric.inc(labelsOf(status), of(status))
      }
      return await registry.metrics()
    },
  }
}

const setOn = (metric: Gauge<Label>, status: MappingStatus, value: number): void => metric.set(labelsOf(status), value)

const labelsOf = ({mapping}: MappingStatus): Readonly<Record<Label, string>> => ({
  source: mapping.source,
  datacenter: mapping.datacenter ?? '',
  destination: mapping.destination,
})
