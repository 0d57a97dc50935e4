import {signedVersion} from './versions.js'

/** Prefix of native jobs in KV. Responders follow only `jobs/`, so that output does not wake them up. */
const root = 'baton/exec/v1'

export const jobsPrefix = `${root}/jobs/`
const controlPrefix = `${root}/ctl/`
/** A key that always exists, so that `jobs/` is never empty. Its name is not a job ID. */
export const standingKey = `${jobsPrefix}.standing`
export const jobKey = (id: string): string => `${jobsPrefix}${id}`
export const controlKey = (id: string): string => `${controlPrefix}${id}`
/** Prefix of the answers to all jobs. */
export const runsPrefix = `${root}/run/`
/** Returns the prefix of the answers to a job that was written in version 1 of the protocol. */
export const runPrefix = (id: string): string => `${runsPrefix}${id}/`
/**
 * Returns the prefix of a node's answers to a job. Since version 2 of the protocol, the node comes before the job, so
 * that a responder's token can be limited to the answers of its own node.
 */
export const answerRoot = (place: {readonly version: number; readonly id: string; readonly node: string}): string =>
  place.version < signedVersion ? `${runPrefix(place.id)}${place.node}/` : `${runsPrefix}${place.node}/${place.id}/`
/**
 * Code in the answer to a dry run if the job would run. If it would be refused, the code of the refusal takes its
 * place.
 */
export const allowedCode = 'allowed'

const idPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
/** True for version 7 UUIDs. Job IDs become parts of keys and of lines in files, so no other text is accepted. */
export const isJobId = (text: string): boolean => idPattern.test(text)

/** True if the text can be the name of a responder, and therefore part of a key. */
export const isResponderName = (name: string): boolean => /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/.test(name)
