import type {ConsulClient} from '../../core/client.js'
import type {CallOptions} from '../../core/types.js'
import {decodeStatus, type StatusDocument, statusPrefix} from './status-document.js'

const keyForm = /\/[0-9a-f]{32}$/

/** Returns the contents of the status keys below a directory, sorted by source. */
export async function readStatuses(
  client: ConsulClient,
  statusDir: string,
  call: Pick<CallOptions, 'signal'> = {},
): Promise<readonly StatusDocument[]> {
  const options = {...call, consistency: 'consistent'} as const
  const {value: names} = await client.kv.keys(statusPrefix(statusDir), {...options, separator: '/'})
  const documents: StatusDocument[] = []
  for (const name of names.filter(each => keyForm.test(each))) {
    const {value} = await client.kv.get(name, options)
    const document = value && decodeStatus(value.value)
    if (document) documents.push(document)
  }
  return documents.sort((a, b) => (a.source < b.source ? -1 : a.source > b.source ? 1 : 0))
}
