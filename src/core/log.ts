/** Facts of a log line, by fixed names. */
export type LogFields = Readonly<Record<string, unknown>>
/** Fields first, then a constant message. Secrets and whole option objects never go in. */
export interface Logger {
  /** A logger that adds these fields to every line. */
  child(fields: LogFields): Logger
  /** For following single requests. */
  trace(fields: LogFields, message: string): void
  /** For finding the cause of a failure. */
  debug(fields: LogFields, message: string): void
  /** For changes of state that are not failures. */
  info(fields: LogFields, message: string): void
  /** For failures that baton rides out. */
  warn(fields: LogFields, message: string): void
  /** For failures that end something. */
  error(fields: LogFields, message: string): void
}

const ignore = (): void => {}

/** The default everywhere in the library: baton says nothing unless it is given a logger. */
export const noopLogger: Logger = {
  /** A logger that adds these fields to every line. */
  child: () => noopLogger,
  /** For following single requests. */
  trace: ignore,
  /** For finding the cause of a failure. */
  debug: ignore,
  /** For changes of state that are not failures. */
  info: ignore,
  /** For failures that baton rides out. */
  warn: ignore,
  /** For failures that end something. */
  error: ignore,
}
