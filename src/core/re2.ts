/** True if the expression matches anywhere in the text, as with Go's `MatchString`. */
export type Re2Matcher = (text: string) => boolean

/**
 * Regular expressions in Consul's dialect. Matching takes linear time, so that a hostile pattern cannot
 * block the process.
 */
export interface Re2 {
  /** Compiles a pattern. If it is not valid, throws re2js's own error, whose message is Go's. */
  compile(pattern: string): Re2Matcher
  /** Returns an expression that matches exactly this text. */
  quote(text: string): string
}

/** Loads re2js at its first use, because it is large. */
export async function loadRe2(): Promise<Re2> {
  const {RE2JS} = await import('re2js')
  return {
    compile: pattern => {
      const compiled = RE2JS.compile(pattern)
      return text => compiled.matcher(text).find()
    },
    quote: text => RE2JS.quote(text),
  }
}
