import type {ServiceHealth} from '../../service/list.js'
import {printable} from '../exec/printable.js'
import {toColumns} from '../members/table.js'

const longestNote = 60

/** Returns one line for each service: its ID, address, state, tags, and the output of its worst check. */
export function serviceTable(services: readonly ServiceHealth[]): string {
  const rows = services.map(({id, address, port, state, tags, checks}) => {
    const worst = checks.find(check => check.state === state && state !== 'passing')
    const [note = ''] = (worst?.output ?? '').split('\n', 1)
    const at = `${address}${port === 0 ? '' : `:${port}`}`
    return [id, at === '' ? '-' : at, state, tags.length === 0 ? '-' : tags.join(','), note.slice(0, longestNote)]
  })
  return toColumns([['ID', 'Address', 'State', 'Tags', 'Output'], ...rows.map(row => row.map(cell => printable(cell)))])
}
