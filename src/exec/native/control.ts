import {z} from 'zod'
import {parseObject} from './envelope.js'

const controlSchema = z.object({
  v: z.literal(1),
  id: z.string(),
  verb: z.literal('cancel'),
  exp: z.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER),
})

/** A signed word to the responders of one running job. */
export interface Control {
  readonly id: string
  readonly expiresAtMs: number
}

export const encodeCancel = ({id, expiresAtMs}: Control): Buffer =>
  Buffer.from(JSON.stringify({v: 1, id, verb: 'cancel', exp: expiresAtMs}))

export function parseControl(payload: Buffer): Control | undefined {
  const parsed = controlSchema.safeParse(parseObject(payload))
  return parsed.success ? {id: parsed.data.id, expiresAtMs: parsed.data.exp} : undefined
}
