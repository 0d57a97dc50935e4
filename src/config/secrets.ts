/** Settings whose whole value is a secret. */
const secretSettings: ReadonlySet<string> = new Set(['token', 'source-token', 'http-auth', 'consul-auth'])
const hidden = '(hidden)'

/**
 * Returns a setting's value without secrets: without tokens, the contents of headers, and the user and password in an
 * address.
 */
export function withoutSecrets(name: string, value: unknown): unknown {
  if (Array.isArray(value)) return value.map(each => withoutSecrets(name, each))
  if (value === null || value === undefined || typeof value === 'boolean') return value
  if (secretSettings.has(name)) return hidden
  if (typeof value !== 'string') return value
  if (value.includes('-----BEGIN ')) return hidden
  if (name === 'http-header') return value.replace(/[:=][\s\S]*$/, `: ${hidden}`)
  const address = name.endsWith('http-addr') ? value.replace(/^(\w+:\/\/)?.*@/s, `$1${hidden}@`) : value
  return address
    .replaceAll(/(:\/\/)[^/?#\s]*@/g, `$1${hidden}@`)
    .replaceAll(/([?&][^=&#\s]*(?:token|secret|password|key|auth)[^=&#\s]*=)[^&#\s]*/gi, `$1${hidden}`)
}
