import {describe, expect, it} from 'vitest'
import {countConnections, examineConnections} from '../../../src/doctor/connections.js'

const head = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode'
const row = (remote: string, state = '01'): string =>
  `   1: 0100007F:D431 ${remote} ${state} 00000000:00000000 00:00000000`
const table = (...rows: string[]): string => [head, ...rows, ''].join('\n')

const local = {host: '127.0.0.1', port: 8500, hasAnswered: true, wasReset: false}
const gone = {...local, limit: undefined, hasAnswered: false}

describe('doctor, when it counts connections', () => {
  it('counts only established connections to the agent', () => {
    const rows = [
      row('0100007F:2134'),
      row('0100007F:2134'),
      row('0100007F:2134', '06'),
      row('0100007F:2135'),
      row('0200007F:2134'),
    ]
    expect(countConnections([table(...rows)], ['127.0.0.1'], 8500)).toBe(2)
    expect(countConnections([table(...rows)], ['127.0.0.2', '127.0.0.1'], 8500)).toBe(3)
  })

  it('counts connections over IPv6, and over IPv4 addresses mapped to IPv6', () => {
    const six = table(
      row('00000000000000000000000001000000:2134'),
      row('0000000000000000FFFF00000100007F:2134'),
      row('B80D0120000000000000000001000000:2134'),
    )
    expect(countConnections([six], ['::1'], 8500)).toBe(1)
    expect(countConnections([six], ['127.0.0.1'], 8500)).toBe(1)
    expect(countConnections([six], ['2001:db8::1'], 8500)).toBe(1)
  })

  it('warns before the limit is reached', async () => {
    const rows = Array.from({length: 150}, () => row('0100007F:2134'))
    const options = {...local, limit: 200}
    const of = (count: number) => examineConnections({...options, readTables: () => [table(...rows.slice(0, count))]})
    expect(await of(149)).toMatchObject({verdict: 'ok', text: expect.stringMatching(/^149 of 200 /)})
    expect(await of(150)).toMatchObject({verdict: 'warn', fix: expect.stringContaining('http_max_conns_per_client')})
  })

  it('does not claim to know a limit that the agent does not report', async () => {
    const readTables = (): readonly string[] => [table(row('0100007F:2134'))]
    expect(await examineConnections({...local, limit: undefined, readTables})).toMatchObject({
      verdict: 'ok',
      text: '1 from this machine to the agent, whose limit is unknown (200 by default)',
    })
  })

  it('does not warn if the agent has no limit', async () => {
    const readTables = (): readonly string[] => [table(row('0100007F:2134'))]
    expect(await examineConnections({...local, limit: 0, readTables})).toMatchObject({
      verdict: 'ok',
      text: '1 from this machine to the agent, which has no limit',
    })
  })

  it('says that closed connections may still count if the agent resets connections although none is open', async () => {
    const readTables = (): readonly string[] => [table()]
    const finding = await examineConnections({...gone, wasReset: true, readTables})
    expect(finding.text).toContain('the agent may still count closed ones')
  })

  it('warns about every connection if the agent does not answer', async () => {
    const of = (...rows: string[]) => examineConnections({...gone, readTables: () => [table(...rows)]})
    expect(await of(row('0100007F:2134'))).toMatchObject({
      verdict: 'warn',
      text: expect.stringMatching(/^1 from this machine .* limit is unknown \(200 by default\)/),
    })
    expect(await of()).toMatchObject({verdict: 'ok', text: expect.stringMatching(/by default\)$/)})
  })

  it('reports if it cannot count the connections', async () => {
    const readTables = (): never => {
      throw new Error('no /proc')
    }
    expect(await examineConnections({...local, limit: 200, readTables})).toMatchObject({
      verdict: 'ok',
    })
  })
})
