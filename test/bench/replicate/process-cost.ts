import {readdirSync, readFileSync} from 'node:fs'

/** Returns the CPU time of all threads of a process so far, from the scheduler's nanoseconds. */
export function cpuMs(pid: number): number {
  let ns = 0
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    try {
      ns += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0])
    } catch {
      // The thread has ended in the meantime.
    }
  }
  return ns / 1e6
}

/** Returns the resident memory of a process now, and its maximum since the start. */
export function memoryMB(pid: number): {readonly rss: number; readonly peak: number} {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const read = (name: string): number => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1]) / 1024
  return {rss: read('VmRSS'), peak: read('VmHWM')}
}

/** Returns the quantile: the smallest value that this share of the values does not exceed. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}
