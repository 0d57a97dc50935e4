import {mkdtempSync, rmSync} from 'node:fs'
import {type AddressInfo, createServer} from 'node:net'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {describe, expect, it} from 'vitest'
import {type Backend, backends, sharedAgent} from '../../kit/backend.js'
import {checkNoOverlap, criticalSection, readHistory} from '../../kit/history.js'
import {LeakWatch, useLeakCheck} from '../../kit/leaks.js'
import {isAlive} from '../../kit/processes.js'
import {raw} from '../../kit/raw-consul.js'
import {runCommand, startCommand} from '../../kit/run-cli.js'
import {TcpProxy} from '../../kit/tcp-proxy.js'
import {waitUntil} from '../../kit/wait-until.js'

describe.each(backends)('the leak check on $name', (backend: Backend) => {
  const agent = sharedAgent(backend)

  it('reports keys and sessions that a test leaves behind, and removes them', async () => {
    const watch = new LeakWatch({agent, graceMs: 50})
    const old = await raw(agent.address).sessionCreate()
    await watch.begin()
    await raw(agent.address).kvPut(`${watch.prefix}key`, 'x')
    const id = await raw(agent.address).sessionCreate({Name: 'mine'})
    await expect(watch.end()).rejects.toThrow(new RegExp(`key ${watch.prefix}key\\n.*session ${id} \\(mine\\)`))
    expect(await raw(agent.address).kvKeys(watch.prefix)).toEqual([])
    expect((await raw(agent.address).sessions()).map(session => session.ID)).toEqual([old])
    await watch.begin()
    await watch.end()
  })

  describe('the leak check in a real test', () => {
    const leaks = useLeakCheck({agent})
    it('accepts a test that leaves nothing behind', async () => {
      await raw(agent.address).kvPut(`${leaks.prefix}key`, 'x')
      await raw(agent.address).kvDelete(`${leaks.prefix}key`)
      await using proxy = await TcpProxy.start(agent.address)
      expect(await raw(proxy.address).datacenters()).toEqual(['dc1'])
    })
  })
})

describe('the leak check', () => {
  it('reports processes and handles that a test leaves behind', async () => {
    await waitUntil(() => !process.getActiveResourcesInfo().includes('TCPServerWrap'), {what: 'earlier servers to end'})
    const watch = new LeakWatch({graceMs: 50})
    await watch.begin()
    const server = createServer()
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    expect((server.address() as AddressInfo).port).toBeGreaterThan(0)
    const runaway = await runCommand('bash', ['-c', 'setsid sleep 60 >/dev/null 2>&1 & echo $!'])
    await expect(watch.end()).rejects.toThrow(/process \d+ \(sleep\)[^]*TCPServerWrap/)
    server.close()
    await waitUntil(() => !isAlive(Number(runaway.stdout)), {what: 'the runaway is gone'})
  })
})

describe('the check for overlapping lock holders', () => {
  const folder = mkdtempSync(join(tmpdir(), 'baton-history-'))
  const [file, exclusive] = [join(folder, 'history'), join(folder, 'exclusive')]
  const enter = (id: string, seconds: string) => [criticalSection, file, id, seconds, exclusive]

  it('reports two holders at the same time, and accepts a holder that was killed before the next one started', async () => {
    await using killed = startCommand('bash', enter('killed', '60'))
    await expect.poll(() => readHistory(file).some(entry => entry.what === 'beat')).toBe(true)
    killed.kill('SIGKILL')
    await killed.exited
    await runCommand('bash', enter('second', '0.05'))
    expect(checkNoOverlap(file)).toMatchObject({order: ['killed', 'second'], unfinished: ['killed'], peak: 1})
    await Promise.all([runCommand('bash', enter('third', '0.2')), runCommand('bash', enter('fourth', '0.2'))])
    expect(() => checkNoOverlap(file)).toThrow(/inside together|exclusive file/)
    rmSync(folder, {recursive: true})
  })
})
