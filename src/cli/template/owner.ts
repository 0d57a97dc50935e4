import {readFileSync} from 'node:fs'
import {UsageError} from '../../core/errors.js'

/** Returns the numeric ID of a user or group. A number is returned unchanged. */
export function idOf(kind: 'user' | 'group', name: string, what: string): number {
  if (/^\d+$/.test(name)) return Number(name)
  const database = kind === 'user' ? 'passwd' : 'group'
  const id = idIn(readText(`/etc/${database}`), name)
  if (id === undefined)
    throw new UsageError(`${what}: there is no ${kind} '${name}'`, {
      code: 'BATON_CONFIG',
      hint: `give the number if it is not in /etc/${database}`,
    })
  return id
}

function idIn(text: string, name: string): number | undefined {
  const line = text.split('\n').find(each => each.startsWith(`${name}:`))
  const id = line?.split(':')[2]
  return id === undefined ? undefined : Number(id)
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
