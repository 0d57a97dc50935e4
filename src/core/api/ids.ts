declare const brand: unique symbol
type Brand<Base, Name extends string> = Base & {readonly [brand]: Name}

/**
 * `X-Consul-Index` and other indexes: compare them or send them back, but do not calculate with them. Event indexes are
 * random, so their order means nothing.
 */
export type ConsulIndex = Brand<bigint, 'ConsulIndex'>
/**
 * The ModifyIndex of the write that acquired the lock. It grows with every acquisition of one key in one
 * datacenter.
 */
export type FencingToken = Brand<bigint, 'FencingToken'>

/** The ID of a Consul session. */
export type SessionId = Brand<string, 'SessionId'>
