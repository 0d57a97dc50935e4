/** True if the expression matches anywhere in the text, as Go's `MatchString` says. */
export type Re2Matcher = (text: string) => boolean

/** Consul's dialect of regular expressions: linear in time, so that a hostile pattern blocks nothing. */
export interface Re2 {
  /** Throws re2js's own error, whose message is Go's, if the pattern cannot be compiled. */
  compile(pattern: string): Re2Matcher
  /** An expression that matches exactly this text. */
  quote(text: string): string
}

/** Loads re2js, which is large, at its first use. */
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
