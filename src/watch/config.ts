import * as z from 'zod'
import {UsageError} from '../core/errors.js'
import {parseDuration} from '../core/time/duration.js'
import type {WatchScope} from './query.js'
import {parseWatch, type WatchSpec} from './spec.js'

/** One watch of a file, in the words of Consul's own `watches`. */
export interface ConfiguredWatch {
  readonly spec: WatchSpec
  readonly scope: WatchScope
  readonly run:
    | {readonly kind: 'exec'; readonly argv: readonly [string, ...string[]]}
    | {readonly kind: 'shell'; readonly command: string}
    | {
        readonly kind: 'http'
        readonly url: string
        readonly method: string
        readonly headers: Readonly<Record<string, string | readonly string[]>>
        readonly timeoutMs: number
        readonly skipVerify: boolean
      }
  readonly debounceMs: number
}

const entry = z.strictObject({
  type: z.string(),
  key: z.string().optional(),
  prefix: z.string().optional(),
  service: z.string().optional(),
  tag: z.union([z.string(), z.array(z.string())]).optional(),
  passingonly: z.boolean().optional(),
  state: z.string().optional(),
  name: z.string().optional(),
  datacenter: z.string().optional(),
  token: z.string().optional(),
  args: z.array(z.string()).min(1).optional(),
  handler: z.string().optional(),
  handler_type: z.enum(['script', 'http']).optional(),
  http_handler_config: z
    .strictObject({
      path: z.url(),
      method: z.string().default('POST'),
      timeout: z.string().default('10s'),
      header: z.record(z.string(), z.array(z.string())).default({}),
      tls_skip_verify: z.boolean().default(false),
    })
    .optional(),
  debounce: z.string().optional(),
})

/** Reads the `watches` of a settings file. Throws a UsageError that names the watch and the field. */
export function parseWatches(raw: unknown, source: string): readonly ConfiguredWatch[] {
  if (!Array.isArray(raw) || raw.length === 0) {
    throw new UsageError(`${source}: no watches: expected {"watches": [{"type": …}]}`, {code: 'BATON_CONFIG'})
  }
  const parsed = z.array(entry).safeParse(raw)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    const where = issue?.path.map(step => (typeof step === 'number' ? `[${step}]` : `.${String(step)}`)).join('') ?? ''
    throw new UsageError(`${source}: watches${where}: ${issue?.message ?? 'not readable'}`, {code: 'BATON_CONFIG'})
  }
  return parsed.data.map((one, at) => {
    try {
      return toWatch(one)
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      throw new UsageError(`${source}: watches[${at}]: ${why}`, {code: 'BATON_CONFIG', cause: error})
    }
  })
}

function toWatch(one: z.infer<typeof entry>): ConfiguredWatch {
  const {type, key, prefix, service, tag, state, name, datacenter, token} = one
  const tags = typeof tag === 'string' ? [tag] : tag
  const passingonly = one.passingonly === undefined ? undefined : String(one.passingonly)
  return {
    spec: parseWatch({type, key, prefix, service, tag: tags, passingonly, state, name}),
    scope: {...(datacenter !== undefined && {datacenter}), ...(token !== undefined && {token})},
    run: toRun(one),
    debounceMs: one.debounce === undefined ? 0 : parseDuration(one.debounce, 'debounce'),
  }
}

function toRun(one: z.infer<typeof entry>): ConfiguredWatch['run'] {
  const {args, handler, handler_type: kind = 'script', http_handler_config: http} = one
  if (kind === 'http') {
    if (!http) throw new UsageError('handler_type http needs http_handler_config')
    const {path: url, method, header: headers, tls_skip_verify: skipVerify} = http
    return {kind, url, method, headers, timeoutMs: parseDuration(http.timeout, 'timeout'), skipVerify}
  }
  if ((args === undefined) === (handler === undefined)) throw new UsageError('give exactly one of args and handler')
  const [file = '', ...words] = args ?? []
  return args === undefined ? {kind: 'shell', command: handler ?? ''} : {kind: 'exec', argv: [file, ...words]}
}
