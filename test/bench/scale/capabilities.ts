import type {Capability} from './capability.js'
import {followingFleets} from './followers.js'
import {lockFleets} from './locks.js'
import {nodeFleets} from './nodes.js'

export const capabilities: readonly Capability[] = [...lockFleets, ...nodeFleets, ...followingFleets]
