/** Flags that the Go client writes on the key of a mutex, and by which it recognises a mutex. */
export const mutexFlags = 0x2ddccbc058a50c18n
/** Flags that the Go client writes on a semaphore's keys. */
export const semaphoreFlags = 0xe0f69a2baa414de0n

/** ID of the check in which Consul reports whether gossip reaches the node. */
export const serfHealth = 'serfHealth'

/** Maximum number of operations in one transaction: every Consul since 0.7 accepts this many, and 1.14 or later 128. */
export const txnOperationLimit = 64
/** Default maximum size of a value, and of the body of a transaction (`kv_max_value_size`, `txn_max_req_len`). */
export const valueLimitBytes = 512 * 1024

/** Default time in milliseconds after which a process or a job that was asked to stop is killed. */
export const defaultGraceMs = 5000
