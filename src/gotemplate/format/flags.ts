/** The flags of one verb of a format. */
export interface Flags {
  width: number | undefined
  precision: number | undefined
  minus: boolean
  plus: boolean
  sharp: boolean
  space: boolean
  zero: boolean
  /** True for `%+v`. */
  plusV: boolean
  /** True for `%#v`. */
  sharpV: boolean
}

export function noFlags(): Flags {
  return {
    width: undefined,
    precision: undefined,
    minus: false,
    plus: false,
    sharp: false,
    space: false,
    zero: false,
    plusV: false,
    sharpV: false,
  }
}

/** Pads a text to the width in the flags, counted in characters. */
export function pad(text: string, flags: Flags): string {
  if (flags.width === undefined || flags.width === 0) return text
  const missing = flags.width - Array.from(text).length
  if (missing <= 0) return text
  const padding = (flags.zero ? '0' : ' ').repeat(missing)
  return flags.minus ? text + padding : padding + text
}

/** Pads a text to the width in the flags, always with spaces. */
export function padWithSpaces(text: string, flags: Flags): string {
  return pad(text, {...flags, zero: false})
}
