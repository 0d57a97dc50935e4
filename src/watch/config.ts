import * as z from 'zod'
import {unknownSetting} from '../config/unknown-setting.js'
import {UsageError} from '../core/errors.js'
import {schemaFault} from '../core/schema-fault.js'
import {parseDuration} from '../core/time/duration.js'
import type {OnHandlerError} from './handlers.js'
import type {WatchScope} from './query.js'
import {checkState, parseWatch, type WatchSpec} from './spec.js'

/** One watch in a file. Its fields have the names of Consul's own `watches` setting. */
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
  /** What happens if the handler fails. `exit` ends all watches. */
  readonly onError: OnHandlerError
  /** Maximum running time of a command, in milliseconds. */
  readonly timeoutMs: number | undefined
  /** True to end this watch after its first result. */
  readonly isOnce: boolean
}

/** Accepts an object, or a list with one object, because HCL represents a block as such a list. */
const block = <T extends z.ZodType>(type: T) =>
  z.preprocess(value => (Array.isArray(value) && value.length === 1 ? (value[0] as unknown) : value), type)

const httpConfig = z.strictObject({
  path: z.url(),
  method: z.string().default('POST'),
  timeout: z.string().default('10s'),
  header: block(z.record(z.string(), z.array(z.string()))).default({}),
  tls_skip_verify: z.boolean().default(false),
})

const entry = z.strictObject({
  type: z.string(),
  key: z.string().optional(),
  prefix: z.string().optional(),
  service: z.string().optional(),
  tag: z.union([z.string(), z.array(z.string())]).optional(),
  passingonly: z.boolean().optional(),
  state: z.string().optional(),
  name: z.string().optional(),
  query: z.string().optional(),
  near: z.string().optional(),
  limit: z.number().optional(),
  interval: z.string().optional(),
  datacenter: z.string().optional(),
  token: z.string().optional(),
  args: z.array(z.string()).min(1).optional(),
  handler: z.string().optional(),
  handler_type: z.enum(['script', 'http']).optional(),
  http_handler_config: block(httpConfig).optional(),
  debounce: z.string().optional(),
  on_error: z.enum(['exit', 'continue', 'retry']).default('continue'),
  timeout: z.string().optional(),
  once: z.boolean().default(false),
})

/**
 * Parses the `watches` of a settings file. Throws a UsageError that names the watch and the field.
 */
export function parseWatches(raw: unknown, source: string): readonly ConfiguredWatch[] {
  if (!Array.isArray(raw) || raw.length === 0) {
    throw new UsageError(`${source}: no watches: expected {"watches": [{"type": …}]}`, {code: 'BATON_CONFIG'})
  }
  const parsed = z.array(entry).safeParse(raw, {error: schemaFault})
  if (!parsed.success) throw refusal(source, parsed.error.issues[0])
  return parsed.data.map((one, at) => {
    try {
      return toWatch(one)
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      throw new UsageError(`${source}: watches[${at}]: ${why}`, {code: 'BATON_CONFIG', cause: error})
    }
  })
}

function refusal(source: string, issue: z.core.$ZodIssue | undefined): UsageError {
  const where = issue?.path.map(step => (typeof step === 'number' ? `[${step}]` : `.${String(step)}`)).join('') ?? ''
  if (issue?.code === 'unrecognized_keys') {
    const known = issue.path.includes('http_handler_config') ? httpConfig.shape : entry.shape
    return unknownSetting(source, `watches${where}.${issue.keys[0] ?? ''}`, Object.keys(known))
  }
  return new UsageError(`${source}: watches${where}: ${issue?.message ?? 'not readable'}`, {code: 'BATON_CONFIG'})
}

function toWatch(one: z.infer<typeof entry>): ConfiguredWatch {
  const {type, key, prefix, service, tag, state, name, query, near, limit, interval, datacenter, token} = one
  const tags = typeof tag === 'string' ? [tag] : tag
  const passingonly = one.passingonly === undefined ? undefined : String(one.passingonly)
  return {
    spec:
      checksInState(one) ??
      parseWatch({type, key, prefix, service, tag: tags, passingonly, state, name, query, near, limit, interval}),
    scope: {...(datacenter !== undefined && {datacenter}), ...(token !== undefined && {token})},
    run: toRun(one),
    debounceMs: one.debounce === undefined ? 0 : parseDuration(one.debounce, 'debounce'),
    onError: one.on_error,
    timeoutMs: toTimeout(one),
    isOnce: one.once,
  }
}

/** Consul's own watch takes either a service or a state. If both are given, one of them is filtered here. */
function checksInState({type, service = '', state = ''}: z.infer<typeof entry>): WatchSpec | undefined {
  if (type !== 'checks' || service === '' || state === '') return undefined
  checkState(state)
  return {type, service, state}
}

function toTimeout({timeout, handler_type: kind}: z.infer<typeof entry>): number | undefined {
  if (timeout === undefined) return undefined
  if (kind === 'http') throw new UsageError('timeout is for commands: http_handler_config has its own')
  const timeoutMs = parseDuration(timeout, 'timeout')
  return timeoutMs > 0 ? timeoutMs : undefined
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
