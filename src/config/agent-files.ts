import {readdirSync, statSync} from 'node:fs'
import {join} from 'node:path'
import {UsageError} from '../core/errors.js'
import {readInput, whyUnreadable} from '../core/input.js'
import {definitionSchema, otherAgentSettings} from './agent-schema.js'
import {type BlockPlace, type BlockValues, readBlock} from './blocks.js'
import {filesUnder, readConfigFile} from './config-files.js'
import {mergeBlock} from './merge-block.js'
import {unknownSetting} from './unknown-setting.js'

/** A service or check of an agent's configuration, in the form in which the agent's HTTP API registers it. */
export interface Definition {
  readonly kind: 'service' | 'check'
  readonly path: string
  /** Name of the service or check, for messages. */
  readonly name: string
  readonly body: Readonly<Record<string, unknown>>
}

/** The definitions of some files. */
export interface Definitions {
  /** All services in the order of the files, and then all checks. */
  readonly definitions: readonly Definition[]
  readonly warnings: readonly string[]
}

/** Matches the files of a folder that an agent reads. */
const readable = /\.(?:json|hcl)$/

/**
 * Reads the services and checks of an agent's configuration, in HCL or JSON. Of a folder, reads the files that end in
 * `.json` or `.hcl`, in the order of their names, as an agent does; the warnings name everything that is left out.
 * Throws a UsageError for a file that is invalid or contains an unknown setting.
 */
export async function readDefinitions(paths: readonly string[]): Promise<Definitions> {
  const found: Definition[] = []
  const warnings: string[] = []
  for (const path of paths.flatMap(one => filesOf(one, warnings))) {
    found.push(...toDefinitions(await contentOf(path), {path, warn: text => warnings.push(text)}))
  }
  const byKind = (wanted: Definition['kind']): Definition[] => found.filter(({kind}) => kind === wanted)
  return {definitions: [...byKind('service'), ...byKind('check')], warnings}
}

function filesOf(path: string, warnings: string[]): readonly string[] {
  if (!isFolder(path)) return filesUnder(path)
  return readdirSync(path)
    .sort()
    .flatMap(name => {
      const file = join(path, name)
      const isNested = isFolder(file)
      if (!isNested && readable.test(name)) return [file]
      const why = isNested ? 'an agent reads no folder in a folder' : 'its name ends neither in .json nor in .hcl'
      warnings.push(`config: ${file} is left out: ${why}`)
      return []
    })
}

/** Reads a file. As for an agent, a file whose name ends in `.json` must contain JSON. */
async function contentOf(path: string): Promise<unknown> {
  if (!path.endsWith('.json')) return readConfigFile(path)
  try {
    return JSON.parse((await readInput(path)).toString()) as unknown
  } catch (error) {
    throw new UsageError(`config: ${path}: ${error instanceof SyntaxError ? error.message : whyUnreadable(error)}`, {
      code: 'BATON_CONFIG',
      cause: error,
    })
  }
}

const isFolder = (path: string): boolean => statSync(path, {throwIfNoEntry: false})?.isDirectory() === true

function toDefinitions(content: unknown, place: BlockPlace): readonly Definition[] {
  const {path} = place
  const refusal = (): Error => wrong(place, 'the file', 'a block')
  const given = mergeBlock(Array.isArray(content) ? content : [content], {path, refusal})
  const idle = Object.keys(given).filter(name => !Object.hasOwn(definitionSchema, name))
  for (const name of idle) {
    if (!otherAgentSettings.includes(name)) throw unknownName(path, name, given)
  }
  if (idle.length > 0) place.warn(`config: ${path}: no effect in baton dev: ${idle.join(', ')}`)
  const values = readBlock(
    Object.fromEntries(Object.entries(given).filter(([name]) => !idle.includes(name))),
    definitionSchema,
    place,
  )
  return [
    ...blocksOf(values, 'service', place).map(block => serviceOf(block, place)),
    ...blocksOf(values, 'check', place).map(block => ({
      kind: 'check' as const,
      path,
      name: nameOf(block),
      body: {...checkOf(block, place), ID: text(block, 'id')},
    })),
  ]
}

/** Returns the error for an unknown name. A service or check at the top of a file is a frequent mistake. */
function unknownName(path: string, name: string, given: object): UsageError {
  const {fields} = definitionSchema['check'] as {readonly fields: object}
  const kind = Object.hasOwn(given, 'interval') || Object.hasOwn(given, 'ttl') ? 'check' : 'service'
  if (!Object.hasOwn(given, 'name') || !(Object.hasOwn(fields, name) || ['address', 'port', 'tags'].includes(name))) {
    return unknownSetting(path, name, [...Object.keys(definitionSchema), ...otherAgentSettings])
  }
  return new UsageError(`config: ${path}: unknown setting '${name}'`, {
    code: 'BATON_CONFIG',
    hint: `put the definition into a block: {"${kind}": {…}}`,
  })
}

/** Returns the blocks of the singular and the plural name. An agent refuses several blocks of the singular name. */
function blocksOf(values: BlockValues, name: string, place: BlockPlace): readonly BlockValues[] {
  const single = (values[name] ?? []) as readonly BlockValues[]
  if (single.length > 1) throw wrong(place, name, `one block: write several as ${name}s`)
  return [...single, ...((values[`${name}s`] ?? []) as readonly BlockValues[])]
}

function serviceOf(block: BlockValues, place: BlockPlace): Definition {
  const {weights} = block as {readonly weights?: {readonly passing?: number; readonly warning?: number}}
  const checks = [...((block['check'] ?? []) as BlockValues[]), ...((block['checks'] ?? []) as BlockValues[])]
  const body = {
    ID: text(block, 'id'),
    Name: text(block, 'name'),
    Tags: listOf(value(block, 'tags'), 'service.tags', place),
    Address: text(block, 'address'),
    TaggedAddresses: addressesOf(value(block, 'tagged_addresses'), place),
    Meta: mapOf(value(block, 'meta'), 'service.meta', place),
    Port: value(block, 'port'),
    Weights: weights && {Passing: weights.passing ?? 1, Warning: weights.warning ?? 1},
    EnableTagOverride: value(block, 'enable_tag_override'),
    Kind: text(block, 'kind'),
    Connect: value(block, 'connect'),
    Proxy: value(block, 'proxy'),
    Checks: checks.map(check => ({...checkOf(check, place), CheckID: text(check, 'id')})),
  }
  return {kind: 'service', path: place.path, name: nameOf(block), body}
}

const nameOf = (block: BlockValues): string => text(block, 'id') ?? text(block, 'name') ?? '(without a name)'

function checkOf(block: BlockValues, place: BlockPlace): Readonly<Record<string, unknown>> {
  const span = (name: string): string | undefined => {
    const ms = value(block, name)
    return typeof ms === 'number' ? `${ms}ms` : undefined
  }
  return {
    Name: text(block, 'name'),
    Notes: text(block, 'notes'),
    Status: text(block, 'status'),
    ServiceID: text(block, 'service_id'),
    Interval: span('interval'),
    Timeout: span('timeout'),
    TTL: span('ttl'),
    DeregisterCriticalServiceAfter: span('deregister_critical_service_after'),
    HTTP: text(block, 'http'),
    Header: headerOf(value(block, 'header'), place),
    Method: text(block, 'method'),
    Body: text(block, 'body'),
    TCP: text(block, 'tcp'),
    GRPC: text(block, 'grpc'),
    GRPCUseTLS: value(block, 'grpc_use_tls'),
    TLSSkipVerify: value(block, 'tls_skip_verify'),
    Args: listOf(value(block, 'args') ?? value(block, 'scriptargs'), 'check.args', place),
    DockerContainerID: text(block, 'docker_container_id'),
    Shell: text(block, 'shell'),
    AliasNode: text(block, 'alias_node'),
    AliasService: text(block, 'alias_service'),
    OutputMaxSize: value(block, 'output_max_size'),
    SuccessBeforePassing: value(block, 'success_before_passing'),
    FailuresBeforeCritical: value(block, 'failures_before_critical'),
  }
}

const value = (block: BlockValues, name: string): unknown => block[name] ?? block[name.replaceAll('_', '')]
const text = (block: BlockValues, name: string): string | undefined => value(block, name) as string | undefined

/** Returns the entries of a map, which HCL gives as a list of objects. Names keep their case. */
function entriesOf(given: unknown, name: string, place: BlockPlace): readonly (readonly [string, unknown])[] {
  return (Array.isArray(given) ? given : [given]).flatMap((part: unknown) => {
    if (typeof part !== 'object' || part === null || Array.isArray(part)) throw wrong(place, name, 'a block')
    return Object.entries(part)
  })
}

function mapOf(given: unknown, name: string, place: BlockPlace): Readonly<Record<string, string>> | undefined {
  if (given === undefined) return undefined
  const entries = entriesOf(given, name, place)
  if (entries.some(([, each]) => typeof each !== 'string')) throw wrong(place, name, 'a block of texts')
  return Object.fromEntries(entries) as Readonly<Record<string, string>>
}

function listOf(given: unknown, name: string, place: BlockPlace): readonly string[] | undefined {
  if (given === undefined) return undefined
  if (Array.isArray(given) && given.every(each => typeof each === 'string')) return given
  throw wrong(place, name, 'a list of texts')
}

function headerOf(given: unknown, place: BlockPlace): Readonly<Record<string, unknown>> | undefined {
  if (given === undefined) return undefined
  const entries = entriesOf(given, 'header', place)
  return Object.fromEntries(entries.map(([name, each]) => [name, listOf(each, `check.header.${name}`, place)]))
}

function addressesOf(given: unknown, place: BlockPlace): Readonly<Record<string, unknown>> | undefined {
  if (given === undefined) return undefined
  const name = 'service.tagged_addresses'
  return Object.fromEntries(
    entriesOf(given, name, place).map(([tag, each]) => {
      const {address, port} = mergeBlock(Array.isArray(each) ? each : [each], {
        path: place.path,
        refusal: () => wrong(place, name, 'a block'),
      })
      return [tag, {Address: address, Port: port}]
    }),
  )
}

const wrong = ({path}: BlockPlace, name: string, wanted: string): UsageError =>
  new UsageError(`config: ${path}: ${name} must be ${wanted}`, {code: 'BATON_CONFIG'})
