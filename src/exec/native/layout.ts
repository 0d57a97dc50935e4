/** Prefix of native jobs in KV. Responders follow `jobs/` only, so that output does not wake them. */
const root = 'baton/exec/v1'

export const jobsPrefix = `${root}/jobs/`
const controlPrefix = `${root}/ctl/`
/** This key always exists, so that `jobs/` is never empty. Its name is not a job ID. */
export const standingKey = `${jobsPrefix}.standing`
export const jobKey = (id: string): string => `${jobsPrefix}${id}`
export const controlKey = (id: string): string => `${controlPrefix}${id}`
export const runPrefix = (id: string): string => `${root}/run/${id}/`
export const ackKey = (id: string, node: string): string => `${runPrefix(id)}${node}/a`
export const resultKey = (id: string, node: string): string => `${runPrefix(id)}${node}/r`
/** The code of the answer to a dry run that would be run. It stands where a refusal has its code. */
export const allowedCode = 'allowed'
export const refusalKey = (id: string, node: string): string => `${runPrefix(id)}${node}/k`
export const frameKey = (id: string, node: string, seq: number): string =>
  `${runPrefix(id)}${node}/o/${seq.toString(16).padStart(6, '0')}`

const idPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
/** IDs become parts of keys and of lines in files, so only UUIDs of version 7 are accepted. */
export const isJobId = (text: string): boolean => idPattern.test(text)

/** Names of responders become parts of keys. */
export const isResponderName = (name: string): boolean => /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/.test(name)
