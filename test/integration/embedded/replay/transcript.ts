import {readdirSync, readFileSync} from 'node:fs'
import {fileURLToPath} from 'node:url'

export interface StepRequest {
  readonly method: string
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: unknown
  readonly chunked?: boolean
}

export interface StepAnswer {
  readonly status?: number
  readonly headers?: Readonly<Record<string, unknown>>
  readonly body?: unknown
  readonly min_ms?: number
  readonly max_ms?: number
}

/** One recorded step: a request with its answer, a pause, or a check of the answer to an earlier request. */
export interface Step {
  readonly name?: string
  readonly request?: StepRequest
  readonly response?: StepAnswer
  readonly sleep_ms?: number
  readonly await?: string
  readonly start?: string
  readonly poll_ms?: number
  readonly mark?: string
  readonly from?: string
  readonly tags?: readonly string[]
  readonly before?: string
  readonly since?: string
}

export interface Quirk {
  readonly file: string
  readonly step: string
  readonly reason: string
}

const folder = fileURLToPath(new URL('../fixtures/', import.meta.url))

/** Names of the recorded files, without `.json`. */
export const transcriptNames = readdirSync(folder)
  .filter(name => name.endsWith('.json'))
  .map(name => name.replace(/\.json$/, ''))
  .sort()

export const readTranscript = (name: string): readonly Step[] =>
  JSON.parse(readFileSync(`${folder}${name}.json`, 'utf8')) as Step[]

export const readQuirks = (): readonly Quirk[] =>
  JSON.parse(readFileSync(new URL('../accepted-quirks.json', import.meta.url), 'utf8')) as Quirk[]

const order = (version: string): number =>
  version
    .split('.')
    .slice(0, 3)
    .reduce((sum, part) => sum * 1000 + Number(part), 0)

export const appliesTo = (step: Step, version: string): boolean =>
  (step.before === undefined || order(version) < order(step.before)) &&
  (step.since === undefined || order(version) >= order(step.since))
