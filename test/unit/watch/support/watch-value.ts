import {type GoValue, goJson} from '../../../../src/core/api/go-json.js'
import type {WatchSpec} from '../../../../src/watch/spec.js'
import {toBlock, toItem, WatchMember, WatchValue} from '../../../../src/watch/value.js'

type Fields = Readonly<Record<string, GoValue>>

/**
 * Returns the value of a watch with this data, as the watch's query would decode it. Items are identified by `Key` or
 * `ID`.
 */
export function watchValue(spec: WatchSpec, data: GoValue): WatchValue {
  if (spec.type === 'services') {
    const members = Object.entries(data as Fields)
    const items = members.map(([name, tags]) => new WatchMember(name, `${goJson(name)}:${goJson(tags)}`))
    return new WatchValue('members', [toBlock(items)])
  }
  if (data === null) return new WatchValue('nil')
  const list = (Array.isArray(data) ? data : [data]) as readonly Fields[]
  const items = list.map(item => toItem((item['Key'] ?? item['ID']) as string, item))
  return new WatchValue(Array.isArray(data) ? 'list' : 'one', [toBlock(items)])
}
