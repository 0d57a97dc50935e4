/** A position in a template. */
export interface Place {
  /** The name of the template. */
  readonly template: string
  /** Line number, from 1. */
  readonly line: number
  /**
   * Offset in bytes from the start of the line, from 0. Undefined for syntax errors, for which Go reports only the
   * line.
   */
  readonly column?: number
}

/** The error of a template that cannot be parsed or executed. Its message is Go's, with the position. */
export class TemplateError extends Error {
  override readonly name = 'TemplateError'
  readonly place: Place

  constructor(message: string, place: Place, options?: ErrorOptions) {
    super(message, options)
    this.place = place
  }
}
