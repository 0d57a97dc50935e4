import {signedVersion} from './versions.js'

/** Prefix of native jobs in KV. Responders follow `jobs/` only, so that output does not wake them. */
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
 * Prefix of a node's answers to a job. From version 2 on all answers of a node have a prefix of their own, so that its
 * token can be limited to them.
 */
export const answerRoot = (place: {readonly version: number; readonly id: string; readonly node: string}): string =>
  place.version < signedVersion ? `${runPrefix(place.id)}${place.node}/` : `${runsPrefix}${place.node}/${place.id}/`
/** The code of the answer to a dry run that would be run. It stands where a refusal has its code. */
export const allowedCode = 'allowed'

const idPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
/** IDs become parts of keys and of lines in files, so only UUIDs of version 7 are accepted. */
export const isJobId = (text: string): boolean => idPattern.test(text)

/** Names of responders become parts of keys. */
export const isResponderName = (name: string): boolean => /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/.test(name)
