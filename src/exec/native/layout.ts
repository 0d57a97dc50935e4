import {signedVersion} from './versions.js'

/** Prefix of native jobs in KV. Responders follow only `jobs/`, so that output does not wake them. */
const root = 'baton/exec/v1'

export const jobsPrefix = `${root}/jobs/`
const controlPrefix = `${root}/ctl/`
/** This key always exists, so that `jobs/` is never empty. Its name is not a job ID. */
export const standingKey = `${jobsPrefix}.standing`
export const jobKey = (id: string): string => `${jobsPrefix}${id}`
export const controlKey = (id: string): string => `${controlPrefix}${id}`
/** Prefix of the answers to all jobs. */
export const runsPrefix = `${root}/run/`
/** Prefix of the answers to a job of version 1. */
export const runPrefix = (id: string): string => `${runsPrefix}${id}/`
/**
 * Returns the prefix of a node's answers to a job. From version 2 on, the node comes before the job, so that the token
 * of a responder can be limited to the answers of its node.
 */
export const answerRoot = (place: {readonly version: number; readonly id: string; readonly node: string}): string =>
  place.version < signedVersion ? `${runPrefix(place.id)}${place.node}/` : `${runsPrefix}${place.node}/${place.id}/`
/** Code in the answer to a dry run if the job would run. A refusal has its reason code in the same place. */
export const allowedCode = 'allowed'

const idPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
/** True for UUIDs of version 7. Job IDs become parts of keys and of lines in files, so nothing else is accepted. */
export const isJobId = (text: string): boolean => idPattern.test(text)

/** True if the text can be the name of a responder. Names of responders become parts of keys. */
export const isResponderName = (name: string): boolean => /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/.test(name)
