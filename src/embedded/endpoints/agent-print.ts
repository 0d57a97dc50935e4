import type {LocalService} from '../agent/local-agent.js'
import type {Printable} from '../go/json-print.js'
import {printTagged, printWeights} from './catalog-print.js'

/** The form in which the agent returns its own services. */
export const printLocalService = (row: LocalService): {readonly [name: string]: Printable} => ({
  Kind: row.kind || undefined,
  ID: row.id,
  Service: row.name,
  Tags: row.tags ?? [],
  Meta: row.meta ?? new Map(),
  Port: row.port,
  Address: row.address,
  TaggedAddresses: printTagged(row),
  Weights: printWeights(row),
  EnableTagOverride: row.enableTagOverride,
})
