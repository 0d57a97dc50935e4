/** Where something is in a template. */
export interface Place {
  /** The name of the template. */
  readonly template: string
  /** From 1. */
  readonly line: number
  /** In bytes from the start of the line, from 0; undefined in errors of syntax, of which Go tells the line alone. */
  readonly column?: number
}

/** A template that cannot be parsed or executed. The message is Go's, with the place. */
export class TemplateError extends Error {
  override readonly name = 'TemplateError'
  readonly place: Place

  constructor(message: string, place: Place, options?: ErrorOptions) {
    super(message, options)
    this.place = place
  }
}
