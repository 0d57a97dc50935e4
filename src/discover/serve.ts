import type {Worker} from '../serve/lifecycle.js'
import type {PageServer} from '../serve/server.js'
import type {ServiceDirectory} from './directory.js'

/** Returns the directory as a worker that follows its sources from start to stop. */
export function followWorker(directory: ServiceDirectory): Worker {
  let running: Promise<void> | undefined
  return {
    texts: {starting: 'worker starting', stopping: 'worker shutting down', stopped: 'worker stopped'},
    start: async () => {
      running = directory.run()
      // Prevents an unhandled rejection, because `ended`, which reports the failure, may be called later.
      running.catch(() => {})
      return undefined
    },
    stop: () => Promise.resolve(directory[Symbol.asyncDispose]()),
    ended: () => running ?? Promise.resolve(),
  }
}

/**
 * Returns an open server as a worker. The server already listens, so that a port in use is reported before any worker
 * runs.
 */
export function httpWorker(server: PageServer): Worker {
  return {
    texts: {
      starting: 'starting http service',
      started: 'listening',
      stopping: 'shutting down http service',
      stopped: 'http service stopped',
    },
    start: async () => ({url: server.url}),
    stop: () => Promise.resolve(server[Symbol.asyncDispose]()),
  }
}
