/** Flags that the Go client writes on the key of a mutex, and by which it recognises a mutex. */
export const mutexFlags = 0x2ddccbc058a50c18n
/** Flags that the Go client writes on a semaphore's keys. */
export const semaphoreFlags = 0xe0f69a2baa414de0n

/** ID of the check in which Consul reports whether gossip reaches the node. */
export const serfHealth = 'serfHealth'

/** Maximum number of operations in one transaction that every Consul since 0.7 accepts (128 from 1.14). */
export const txnOperationLimit = 64
/** Default maximum size of a value, and of the body of a transaction (`kv_max_value_size`, `txn_max_req_len`). */
export const valueLimitBytes = 512 * 1024

/** Default time between the request to stop and the kill of a process or a job. */
export const defaultGraceMs = 5000
