import {createHash} from 'node:crypto'
import type {Mapping} from '../types.js'

const normalDir = (statusDir: string): string => statusDir.replace(/\/$/, '')

/**
 * Returns the prefix of baton's own keys next to the status keys. It contains one folder for each mapping.
 */
export const batonDir = (statusDir: string): string => `${normalDir(statusDir)}/baton/`

export const mappingHash = ({source, datacenter, destination}: Mapping): string =>
  createHash('sha256')
    .update(JSON.stringify([source, datacenter, destination]))
    .digest('hex')
    .slice(0, 16)

/**
 * Keys at the destination that belong to one mapping. Two sources in different datacenters have different
 * folders.
 */
export interface MappingPaths {
  readonly held: string
  readonly approved: string
  readonly spent: string
}

export function mappingPaths(statusDir: string, mapping: Mapping): MappingPaths {
  const root = `${batonDir(statusDir)}${mappingHash(mapping)}/`
  return {held: `${root}held/`, approved: `${root}approved/`, spent: `${root}deletes`}
}
