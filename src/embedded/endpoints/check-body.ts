import type {Decoded, Fields} from '../go/decode.js'
import {formatGoDuration} from '../go/duration.js'
import type {Printable} from '../go/json-print.js'
import type {CheckRow} from '../store/catalog-rows.js'

const definitionFields: Fields = {
  Interval: 'duration',
  Timeout: 'duration',
  TTL: 'duration',
  DeregisterCriticalServiceAfter: 'duration',
  HTTP: 'string',
  TLSSkipVerify: 'bool',
  Header: 'lists',
  Method: 'string',
  Body: 'string',
  TCP: 'string',
  OutputMaxSize: 'uint64',
  ScriptArgs: 'strings',
  DockerContainerID: 'string',
  Shell: 'string',
  GRPC: 'string',
  GRPCUseTLS: 'bool',
  AliasNode: 'string',
  AliasService: 'string',
}
const {TTL: _ttl, ...withoutTtl} = definitionFields
const fieldsWith = (definition: Fields): Fields => ({
  Node: 'string',
  CheckID: 'string',
  Name: 'string',
  Status: 'string',
  Notes: 'string',
  Output: 'string',
  ServiceID: 'string',
  ServiceName: 'string',
  ServiceTags: 'strings',
  Type: 'string',
  Definition: {object: definition, lenient: true},
  CreateIndex: 'uint64',
  ModifyIndex: 'uint64',
})
export const checkFields = fieldsWith(definitionFields)
/** The fields of a check in a transaction, where durations have a second name and there is no `TTL`. */
export const txnCheckFields = fieldsWith({
  ...withoutTtl,
  IntervalDuration: 'duration',
  TimeoutDuration: 'duration',
  DeregisterCriticalServiceAfterDuration: 'duration',
})

const durations = ['Interval', 'Timeout', 'DeregisterCriticalServiceAfter'] as const
const texts = [
  'HTTP',
  'Method',
  'Body',
  'TCP',
  'DockerContainerID',
  'Shell',
  'GRPC',
  'AliasNode',
  'AliasService',
] as const

const durationOf = (body: Decoded, name: (typeof durations)[number]): number =>
  body.duration(name) || body.duration(`${name}Duration`)

/** Returns the definition with only those fields that were set. */
function printDefinition(body: Decoded | undefined): Map<string, Printable> {
  const printed = new Map<string, Printable>()
  if (!body) return printed
  for (const name of texts) if (body.string(name) !== '') printed.set(name, body.string(name))
  for (const name of ['TLSSkipVerify', 'GRPCUseTLS'] as const) if (body.bool(name)) printed.set(name, true)
  for (const name of durations) {
    const ns = durationOf(body, name)
    if (ns !== 0) printed.set(name, formatGoDuration(ns))
  }
  const [header, words] = [body.lists('Header'), body.strings('ScriptArgs')]
  if (header && header.size > 0) printed.set('Header', header)
  if (words && words.length > 0) printed.set('ScriptArgs', words)
  if (body.uint64('OutputMaxSize') !== 0n) printed.set('OutputMaxSize', body.uint64('OutputMaxSize'))
  if (body.duration('TTL') !== 0) printed.set('TTL', body.duration('TTL'))
  return printed
}

/** Returns the type of a check, which follows from its definition. */
function typeOf(body: Decoded | undefined): string {
  if (!body) return ''
  const periodic = body.duration('Interval') > 0
  if (body.string('GRPC') !== '' && periodic) return 'grpc'
  if (body.string('HTTP') !== '' && periodic) return 'http'
  if (body.duration('TTL') > 0) return 'ttl'
  if (body.string('TCP') !== '' && periodic) return 'tcp'
  if (body.string('AliasNode') !== '' || body.string('AliasService') !== '') return 'alias'
  if ((body.strings('ScriptArgs')?.length ?? 0) === 0) return ''
  return body.string('DockerContainerID') !== '' && periodic ? 'docker' : 'script'
}

/** Returns the check that a body describes. Its ID defaults to its name. */
export const checkDraft = (node: string, body: Decoded): Omit<CheckRow, 'createIndex' | 'modifyIndex'> => ({
  node,
  id: body.string('CheckID') || body.string('Name'),
  name: body.string('Name'),
  status: body.string('Status') || 'critical',
  notes: body.string('Notes'),
  output: body.string('Output'),
  serviceId: body.string('ServiceID'),
  serviceName: body.string('ServiceName'),
  serviceTags: body.strings('ServiceTags'),
  type: body.string('Type'),
  definition: printDefinition(body.object('Definition')),
})

/** Returns the check as the catalog stores it, with the type that follows from the definition. */
export function registeredCheck(node: string, body: Decoded): ReturnType<typeof checkDraft> {
  const draft = checkDraft(node, body)
  return draft.type === '' ? {...draft, type: typeOf(body.object('Definition'))} : draft
}
