const most = 20

/** Input that is not understood, for a message: one line of at most 20 characters, because it can be a secret. */
export function brief(text: string): string {
  const line = text.replaceAll(/[\s\p{Cc}]+/gu, ' ')
  return line.length <= most ? line : `${line.slice(0, most - 1).trimEnd()}…`
}
