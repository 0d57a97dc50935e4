declare const brand: unique symbol
type Brand<Base, Name extends string> = Base & {readonly [brand]: Name}

/** `X-Consul-Index` and its kin: compare and echo, never add. Event indexes are random, so order means nothing there. */
export type ConsulIndex = Brand<bigint, 'ConsulIndex'>
/** The ModifyIndex of the write that made us the holder: grows with every grant of one key in one datacenter. */
export type FencingToken = Brand<bigint, 'FencingToken'>

/** The id of a session of Consul. */
export type SessionId = Brand<string, 'SessionId'>
