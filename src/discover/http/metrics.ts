import type {Registry} from 'prom-client'
import type {DirectoryStatus} from '../types.js'

/** The data behind the metrics, read each time Prometheus asks. */
export interface Measured {
  readonly status: DirectoryStatus
  readonly serviceCount: number
  readonly openRequests: number
  /** Number of answered requests by route and status, such as `/services 200`. */
  readonly requests: ReadonlyMap<string, number>
}

export interface Metrics {
  readonly contentType: string
  readonly render: (measured: Measured) => Promise<string>
}

/** Loads the metrics library, which reads the figures from `Measured` at each request. */
export async function createMetrics(): Promise<Metrics> {
  const {Counter, Gauge, Registry} = await import('prom-client')
  const registry: Registry = new Registry()
  const registers = [registry]
  const gauge = (name: string, help: string) => new Gauge({name, help, registers})
  const counter = (name: string, help: string) => new Counter({name, help, registers})
  const services = gauge('baton_discover_services', 'Services in the list')
  const staleness = gauge(
    'baton_discover_stale_seconds',
    'Seconds since the list was last proven current, 0 while it is',
  )
  const problems = gauge('baton_discover_problems', 'Sources and documents that cannot be read at present')
  const lastAnswer = gauge('baton_discover_last_success_timestamp_seconds', "Time of Consul's last good answer")
  const open = gauge('baton_discover_open_requests', 'HTTP requests being answered, blocking queries included')
  const counters = {
    requests: counter('baton_discover_consul_requests_total', 'Requests sent to Consul'),
    failures: counter('baton_discover_consul_failures_total', 'Requests to Consul that failed and were tried again'),
    updates: counter('baton_discover_updates_total', 'Lists published'),
    unchanged: counter('baton_discover_unchanged_total', 'Answers not decoded because nothing had changed'),
    badDocuments: counter('baton_discover_bad_documents_total', 'Documents that could not be decoded'),
  }
  const delay = counter('baton_discover_limit_delay_seconds_total', 'Seconds of waiting imposed by the rate limiter')
  const http = new Counter({
    name: 'baton_discover_http_requests_total',
    help: 'Requests answered',
    labelNames: ['route', 'code'] as const,
    registers,
  })
  return {
    contentType: registry.contentType,
    async render({status, serviceCount, openRequests, requests}) {
      registry.resetMetrics()
      services.set(serviceCount)
      staleness.set(status.staleForMs / 1000)
      problems.set(status.problems.length)
      lastAnswer.set((status.lastAnswerAtMs ?? 0) / 1000)
      open.set(openRequests)
      for (const name of ['requests', 'failures', 'updates', 'unchanged', 'badDocuments'] as const) {
        counters[name].inc(status.stats[name])
      }
      delay.inc(status.stats.limitDelayMs / 1000)
      for (const [key, count] of requests) {
        const [route = '', code = ''] = key.split(' ')
        http.inc({route, code}, count)
      }
      return await registry.metrics()
    },
  }
}
