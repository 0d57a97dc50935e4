import type {Worker} from '../serve/lifecycle.js'
import type {PageServer} from '../serve/server.js'
import type {ServiceDirectory} from './directory.js'

/** The directory as a worker that follows its sources from start to stop. */
export function followWorker(directory: ServiceDirectory): Worker {
  let running: Promise<void> | undefined
  return {
    texts: {starting: 'worker starting', stopping: 'worker shutting down', stopped: 'worker stopped'},
    start: async () => {
      running = directory.run()
      // `ended` reports its failure, and may be called later than that.
      running.catch(() => {})
      return undefined
    },
    stop: () => Promise.resolve(directory[Symbol.asyncDispose]()),
    ended: () => running ?? Promise.resolve(),
  }
}

/** An open server as a worker. It listens before the start, so that a port in use is reported before anything else runs. */
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
