import {z} from 'zod'

const place = {id: z.string(), node: z.string().optional()}

/** The outputs of `service register`, `deregister` and `maint` with `--json`. */
export const serviceChanges = {
  'service.register': z.strictObject({...place, registered: z.literal(true)}),
  'service.deregister': z.strictObject({...place, removed: z.literal(true)}),
  'service.maint': z.strictObject({id: z.string().optional(), maintenance: z.boolean()}),
}

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
