import type {Member} from '../../core/api/agent.js'

const types: Readonly<Record<string, string>> = {consul: 'server', node: 'client'}

/** Returns the columns of `consul members`. */
export function memberTable(members: readonly Member[]): string {
  const rows = members.map(member => {
    const {name, status, tags} = member
    const type = types[tags['role'] ?? '']
    if (type === undefined) return [name, endpoint(member), status, 'unknown', '', '', '', '']
    const build = (tags['build'] ?? '') === '' ? '< 0.3' : (tags['build'] ?? '').replace(/:.*/s, '')
    return [name, endpoint(member), status, type, build, tags['vsn'] ?? '', tags['dc'] ?? '', segmentOf(member)]
  })
  return toColumns([['Node', 'Address', 'Status', 'Type', 'Build', 'Protocol', 'DC', 'Segment'], ...rows])
}

/** Returns the columns of `consul members -detailed`, with all tags by name. */
export function detailedTable(members: readonly Member[]): string {
  const rows = members.map(member => {
    const tags = Object.entries({...member.tags, segment: segmentOf(member)}).sort(([a], [b]) => (a < b ? -1 : 1))
    return [member.name, endpoint(member), member.status, tags.map(([name, value]) => `${name}=${value}`).join(',')]
  })
  return toColumns([['Node', 'Address', 'Status', 'Tags'], ...rows])
}

/** Returns the members in Consul's order: servers first, then by segment and by name. */
export function inOrder(members: readonly Member[]): readonly Member[] {
  const rank = (member: Member): string =>
    [member.tags['role'] === 'consul' ? '0' : '1', segmentOf(member), member.name].join('\0')
  return [...members].sort((a, b) => (rank(a) < rank(b) ? -1 : 1))
}

const endpoint = ({address, port}: Member): string =>
  address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`

function segmentOf({tags}: Member): string {
  if (tags['role'] === 'consul') return '<all>'
  return (tags['segment'] ?? '') === '' ? '<default>' : (tags['segment'] ?? '')
}

/** Returns the rows as lines with aligned columns. */
export function toColumns(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, at) => Math.max(...rows.map(row => row[at]?.length ?? 0)))
  const lines = rows.map(row =>
    row.map((cell, at) => (at === row.length - 1 ? cell : cell.padEnd(widths[at] ?? 0))).join('  '),
  )
  return lines.map(line => `${line}\n`).join('')
}
