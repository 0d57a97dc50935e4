/** Flags of a mutex's `.lock`, as the Go tool writes them. */
export const mutexFlags = 3304740253564472344n
/** Flags of a semaphore's keys, as the Go tool writes them. */
export const semaphoreFlags = 16210313421097356768n

/** Go's `path.Join` of a prefix and a name, after one leading slash is dropped, so that both tools mean the same key. */
export function joinKey(prefix: string, name: string): string {
  const path = `${prefix.replace(/^\//, '')}/${name}`
  const isRooted = prefix.replace(/^\//, '') !== '' && path.startsWith('/')
  const parts: string[] = []
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue
    if (part !== '..') parts.push(part)
    else if (parts.length > 0 && parts.at(-1) !== '..') parts.pop()
    else if (!isRooted) parts.push('..')
  }
  return `${isRooted ? '/' : ''}${parts.join('/')}`
}

export const lockKey = (prefix: string): string => joinKey(prefix, '.lock')
