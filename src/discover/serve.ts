import type {Worker} from '../serve/lifecycle.js'
import type {PageServer} from '../serve/server.js'
import type {ServiceDirectory} from './directory.js'

/** The directory as a worker: started, it follows its sources until it is stopped. */
export function followWorker(directory: ServiceDirectory): Worker {
  let running: Promise<void> | undefined
  return {
    texts: {starting: 'worker starting', stopping: 'worker shutting down', stopped: 'worker stopped'},
    start: async () => {
      running = directory.run()
      // Looked at through `ended`, which may be asked for later than it fails.
      running.catch(() => {})
      return undefined
    },
    stop: () => Promise.resolve(directory[Symbol.asyncDispose]()),
    ended: () => running ?? Promise.resolve(),
  }
}

/** An open server as a worker. It listens before it is started, so that a port in use is known before anything else begins. */
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
