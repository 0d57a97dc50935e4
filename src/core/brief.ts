const most = 20

/**
 * Shortens invalid input for a message: one line of at most 20 characters, because the input can be a secret.
 */
export function brief(text: string): string {
  const line = text.replaceAll(/[\s\p{Cc}]+/gu, ' ')
  return line.length <= most ? line : `${line.slice(0, most - 1).trimEnd()}…`
}

/**
 * A function rather than a constant, because compiling its Unicode classes takes time, and only messages need the
 * expression.
 */
const isPathLike = (text: string): boolean => /^(?:~|\.{0,2})\/\P{Cc}*$|^[\w@+ ./-]*\.[A-Za-z]\w{0,9}$/u.test(text)
const mostOfPath = 255

/**
 * Returns the path of a file for a message: whole if it looks like a path, otherwise shortened, because it
 * can be a secret.
 */
export const briefPath = (path: string): string => (path.length <= mostOfPath && isPathLike(path) ? path : brief(path))
