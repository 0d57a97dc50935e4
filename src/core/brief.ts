const most = 20

/** Input that is not understood, for a message: one line of at most 20 characters, because it can be a secret. */
export function brief(text: string): string {
  const line = text.replaceAll(/[\s\p{Cc}]+/gu, ' ')
  return line.length <= most ? line : `${line.slice(0, most - 1).trimEnd()}…`
}

const pathLike = /^(?:~|\.{0,2})\/\P{Cc}*$|^[\w@+ ./-]*\.[A-Za-z]\w{0,9}$/u
const mostOfPath = 255

/** The path of a file, for a message: whole if it looks like one, otherwise brief, because it can be a secret. */
export const briefPath = (path: string): string =>
  path.length <= mostOfPath && pathLike.test(path) ? path : brief(path)
