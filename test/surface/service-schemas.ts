import {z} from 'zod'

/** The output of `service ls --json`. */
export const serviceList = z.strictObject({
  services: z.array(
    z.strictObject({
      id: z.string(),
      name: z.string(),
      tags: z.array(z.string()),
      port: z.number().nonnegative().meta({type: 'integer'}),
      address: z.string(),
      meta: z.record(z.string(), z.string()),
      state: z.enum(['passing', 'warning', 'critical', 'maintenance']),
      checks: z.array(z.strictObject({id: z.string(), name: z.string(), state: z.string(), output: z.string()})),
    }),
  ),
})
