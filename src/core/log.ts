import type {Logger} from './types.js'

const ignore = (): void => {}

/** The default everywhere in the library: baton says nothing unless it is given a logger. */
export const noopLogger: Logger = {
  child: () => noopLogger,
  trace: ignore,
  debug: ignore,
  info: ignore,
  warn: ignore,
  error: ignore,
}
