import {z} from 'zod'
import {parseObject} from './envelope.js'

const controlSchema = z.object({
  v: z.literal(1),
  id: z.string(),
  verb: z.enum(['cancel', 'kill']),
  exp: z.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER),
})

/**
 * A signed message to the responders of one running job: `cancel` stops the job with its grace period, `kill` stops it
 * at once.
 */
export interface Control {
  readonly id: string
  readonly verb: 'cancel' | 'kill'
  readonly expiresAtMs: number
}

export const encodeControl = ({id, verb, expiresAtMs}: Control): Buffer =>
  Buffer.from(JSON.stringify({v: 1, id, verb, exp: expiresAtMs}))

export function parseControl(payload: Buffer): Control | undefined {
  const parsed = controlSchema.safeParse(parseObject(payload))
  return parsed.success ? {id: parsed.data.id, verb: parsed.data.verb, expiresAtMs: parsed.data.exp} : undefined
}
