/** The types that every folder of baton shares. Each type is declared in the module that defines its meaning. */
export type * from './api/call-options.js'
export type * from './api/ids.js'
export type * from './api/nouns.js'
export type * from './http/types.js'
export type {LogFields, Logger} from './log.js'
export type * from './time/types.js'
