import {readdir, readFile, rm} from 'node:fs/promises'
import {join} from 'node:path'
import {z} from 'zod'
import {brief} from '../../core/brief.js'
import {messageOf, UsageError} from '../../core/errors.js'
import type {ExecSummary, JobCommand, NodeOutcome} from '../../exec/types.js'
import {createFile} from '../../process/create-file.js'
import {makeFolder} from '../../process/make-folder.js'

const keptRuns = 50

const recordSchema = z.object({
  v: z.literal(1),
  id: z.string(),
  command: z.union([
    z.object({shell: z.string()}),
    z.object({argv: z.array(z.string()).min(1)}),
    z.object({script: z.base64()}),
  ]),
  nodes: z.array(z.object({node: z.string(), outcome: z.string()})),
})

/** The record of a run, from which `--rerun` reads which nodes to reach again. */
export interface RunRecord {
  readonly id: string
  readonly command: JobCommand
  readonly nodes: readonly {readonly node: string; readonly outcome: string}[]
}

/** Groups of nodes by the outcome of an earlier run. */
export type RerunGroup = 'failed' | 'silent' | 'unrun'

const silent: readonly string[] = ['no-answer'] satisfies NodeOutcome['type'][]
const unrun: readonly string[] = ['not-run'] satisfies NodeOutcome['type'][]
/** Outcomes that are not failures, because the job succeeded or may still be running. */
const good: readonly string[] = ['ok', 'allowed', 'unchecked', 'unfinished'] satisfies NodeOutcome['type'][]

/** Returns the names of the nodes of this group. */
export const nodesOf = (record: RunRecord, group: RerunGroup): readonly string[] =>
  record.nodes.filter(({outcome}) => groupOf(outcome) === group).map(({node}) => node)

function groupOf(outcome: string): RerunGroup | undefined {
  if (silent.includes(outcome)) return 'silent'
  if (unrun.includes(outcome)) return 'unrun'
  return good.includes(outcome) ? undefined : 'failed'
}

/**
 * Writes the record of a run into a directory that only its owner can read, and removes the oldest records. Rejects if
 * the record cannot be written.
 */
export async function keepRun(
  directory: string,
  id: string,
  run: {command: JobCommand; summary: ExecSummary},
): Promise<void> {
  makeFolder(directory, 0o700)
  const {command, summary} = run
  const nodes = summary.nodes.map(({node, outcome}) => ({node, outcome: outcome.type}))
  const record = {v: 1, id, command: toFields(command), nodes}
  createFile(join(directory, `${id}.json`), `${JSON.stringify(record)}\n`, 0o600)
  const names = (await readdir(directory)).filter(name => name.endsWith('.json')).toSorted()
  await Promise.all(names.slice(0, -keptRuns).map(name => rm(join(directory, name), {force: true})))
}

/**
 * Reads the record of the run with this ID, or of the newest run if no ID is given. Rejects with a UsageError if it
 * does not exist.
 */
export async function readRun(directory: string, id: string | undefined): Promise<RunRecord> {
  const names = (await readdir(directory).catch(() => [])).filter(name => name.endsWith('.json')).toSorted()
  const name = id === undefined ? names.at(-1) : names.find(one => one === `${id}.json`)
  if (name === undefined) {
    const what = id === undefined ? 'no run is recorded' : `the run '${brief(id)}' is not recorded`
    throw new UsageError(`exec: ${what} in ${directory}`, {hint: 'only your own runs on this machine are, the last 50'})
  }
  try {
    const {command, ...rest} = recordSchema.parse(JSON.parse(await readFile(join(directory, name), 'utf8')))
    return {...rest, command: fromFields(command)}
  } catch (error) {
    throw new UsageError(`exec: the record ${name} cannot be read: ${brief(messageOf(error))}`, {cause: error})
  }
}

type Fields = z.infer<typeof recordSchema>['command']

function toFields(command: JobCommand): Fields {
  if (command.kind === 'shell') return {shell: command.line}
  if (command.kind === 'argv') return {argv: [...command.argv]}
  return {script: Buffer.from(command.script).toString('base64')}
}

function fromFields(fields: Fields): JobCommand {
  if ('shell' in fields) return {kind: 'shell', line: fields.shell}
  if ('argv' in fields) return {kind: 'argv', argv: fields.argv}
  return {kind: 'script', script: Buffer.from(fields.script, 'base64')}
}
