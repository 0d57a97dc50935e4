import * as Flags from '@oclif/core/flags'
import type {OptionFlag} from '@oclif/core/interfaces'
import {brief} from '../core/brief.js'
import {UsageError} from '../core/errors.js'
import {formatDuration, parseDuration} from '../core/time/duration.js'
import type {FlagShape} from './flag-words.js'

const connection = 'CONSUL CONNECTION'

/** The flags of every command that talks to Consul, with Consul's own names. */
export const consulFlags = {
  'http-addr': Flags.string({
    helpGroup: connection,
    description: 'address of the agent (default: 127.0.0.1:8500)',
    helpValue: 'ADDR',
  }),
  token: Flags.string({helpGroup: connection, description: 'ACL token (visible in ps: prefer --token-file)'}),
  'token-file': Flags.string({helpGroup: connection, description: 'file with the ACL token, re-read when it changes'}),
  'ca-file': Flags.string({helpGroup: connection, helpValue: 'FILE', description: 'file with the CA certificate'}),
  'ca-path': Flags.string({helpGroup: connection, helpValue: 'DIR', description: 'directory of CA certificates'}),
  'client-cert': Flags.string({
    helpGroup: connection,
    helpValue: 'FILE',
    description: 'file with the client certificate',
  }),
  'client-key': Flags.string({
    helpGroup: connection,
    helpValue: 'FILE',
    description: 'file with the key of the client certificate',
  }),
  'tls-server-name': Flags.string({helpGroup: connection, description: "name that the agent's certificate must hold"}),
  datacenter: Flags.string({helpGroup: connection, description: "datacenter (default: the agent's own)"}),
  namespace: Flags.string({helpGroup: connection, description: 'Enterprise namespace', aliases: ['ns']}),
  partition: Flags.string({helpGroup: connection, description: 'Enterprise partition'}),
  stale: Flags.boolean({
    helpGroup: connection,
    description: 'let any server answer reads (default: the leader)',
    allowNo: true,
  }),
}

const common = 'COMMON'

/** The flags of every command. */
export const commonFlags = {
  config: Flags.string({
    helpGroup: common,
    description: 'JSON or YAML file with settings (repeatable)',
    helpValue: 'FILE',
    multiple: true,
    multipleNonGreedy: true,
  }),
  'print-config': Flags.boolean({helpGroup: common, description: 'show every setting with its source, and stop'}),
  'log-level': Flags.option({
    options: ['trace', 'debug', 'info', 'warn', 'error', 'silent'] as const,
    default: 'warn' as const,
    helpGroup: common,
    description: 'least severe log lines to write to stderr',
  })(),
  'log-format': Flags.option({
    options: ['text', 'json'] as const,
    helpGroup: common,
    description: 'form of log lines (default: text on a terminal, json elsewhere)',
  })(),
  quiet: Flags.boolean({helpGroup: common, description: 'nothing on stderr but errors'}),
  verbose: Flags.boolean({char: 'v', helpGroup: common, description: 'say on stderr what is being done'}),
}

/** Maximum of most durations: the longest time that a timer of Node can wait, which is more than 24 days. */
const longestTimerMs = 2 ** 31 - 1

/**
 * Returns a flag for a duration in Go's syntax; the command receives milliseconds. `min` and `max` are in milliseconds;
 * the default of `max` is about 24 days.
 */
export function durationFlag(options: {
  readonly description: string
  readonly default?: string
  readonly min?: number
  readonly max?: number
  readonly helpGroup?: string
  readonly aliases?: string[]
}) {
  const {default: fallback, min = 0, max = longestTimerMs, ...rest} = options
  return Flags.custom<number>({
    ...rest,
    helpValue: 'DURATION',
    ...(fallback !== undefined && {
      default: parseDuration(fallback),
      defaultHelp: async () => fallback,
    }),
    parse: async (text, _context, flag) => {
      return within(parseDuration(text, `--${flag.name}`), {min, max, name: flag.name, text})
    },
  })()
}

function within(
  ms: number,
  {min, max, name, text}: Readonly<Record<'min' | 'max', number>> & Readonly<Record<'name' | 'text', string>>,
): number {
  if (ms < min) throw new UsageError(`--${name}: '${brief(text)}' is below ${min}ms`)
  if (ms > max) throw new UsageError(`--${name}: '${brief(text)}' is above ${formatDuration(max)}`)
  return ms
}

/**
 * Returns a flag for a duration whose value may be left out: `--x` alone means `once`. `-x 5s` is read as Go reads it.
 */
export function bareDurationFlag(options: {
  readonly description: string
  readonly helpGroup?: string
}): OptionFlag<number | 'once' | undefined> {
  const flag = Flags.custom<number | 'once'>({
    ...options,
    helpValue: '[DURATION]',
    parse: async (text, _context, {name}) => {
      return text === 'once'
        ? text
        : within(parseDuration(text, `--${name}`), {min: 0, max: longestTimerMs, name, text})
    },
  })()
  const shape: Pick<FlagShape, 'bare' | 'bareUnless'> = {bare: 'once', bareUnless: /^[+-]?\.?\d/}
  return Object.assign(flag, shape)
}

const units: Readonly<Record<string, number>> = {'': 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3}

/**
 * Returns a flag for a size in bytes, or with the unit K, M or G (powers of 1024). `0` and `unlimited` mean `Infinity`.
 */
export function sizeFlag(options: {readonly description: string; readonly helpGroup?: string}) {
  return Flags.custom<number>({
    ...options,
    helpValue: 'SIZE',
    parse: async (text, _context, flag) => {
      const [, digits = '', unit = ''] = /^(\d+)([kmg]?)(?:i?b)?$/i.exec(text) ?? []
      const bytes = text === 'unlimited' ? 0 : Number(digits) * (units[unit.toLowerCase()] ?? 1)
      if ((digits === '' && text !== 'unlimited') || !Number.isSafeInteger(bytes)) {
        throw new UsageError(`--${flag.name}: '${brief(text)}' is not a size such as 65536, 64K, 10M or unlimited`)
      }
      return bytes === 0 ? Number.POSITIVE_INFINITY : bytes
    },
  })()
}

const wholeNumber = /^(?:0[xX](?:_?[\da-fA-F])+|0[bB](?:_?[01])+|0[oO]?(?:_?[0-7])+|0|[1-9](?:_?\d)*)$/

/**
 * Parses a whole number in Go's syntax: `010` is 8, `0x10` is 16, `1_000` is 1000. Returns undefined if the text is not
 * such a number or exceeds 64 bits.
 */
export function parseGoUint(text: string): bigint | undefined {
  if (!wholeNumber.test(text)) return undefined
  const value = BigInt(text.replaceAll('_', '').replace(/^0(?=\d)/, '0o'))
  return value > 0xffff_ffff_ffff_ffffn ? undefined : value
}

/** Returns a flag for a whole number of up to 64 bits in Go's syntax. */
export function bigintFlag(options: {readonly description: string; readonly aliases?: string[]}) {
  return Flags.custom<bigint>({
    ...options,
    helpValue: 'N',
    parse: async (text, _context, flag) => {
      const value = parseGoUint(text)
      if (value === undefined) throw new UsageError(`--${flag.name}: '${brief(text)}' is not a whole number below 2^64`)
      return value
    },
  })()
}
