/** Facts of a log line, by field name. */
export type LogFields = Readonly<Record<string, unknown>>
/** Each method takes fields and a constant message. Neither may contain secrets or whole option objects. */
export interface Logger {
  /** Returns a logger that adds these fields to every line. */
  child(fields: LogFields): Logger
  /** Logs details of single requests. */
  trace(fields: LogFields, message: string): void
  /** Logs details that help to find the cause of a failure. */
  debug(fields: LogFields, message: string): void
  /** Logs changes of state that are not failures. */
  info(fields: LogFields, message: string): void
  /** Logs failures that baton recovers from by itself. */
  warn(fields: LogFields, message: string): void
  /** Logs failures that baton does not recover from. */
  error(fields: LogFields, message: string): void
}

const ignore = (): void => {}

/** The default logger of the library, which logs nothing. */
export const noopLogger: Logger = {
  /** Returns this logger. */
  child: () => noopLogger,
  /** Does nothing. */
  trace: ignore,
  /** Does nothing. */
  debug: ignore,
  /** Does nothing. */
  info: ignore,
  /** Does nothing. */
  warn: ignore,
  /** Does nothing. */
  error: ignore,
}
