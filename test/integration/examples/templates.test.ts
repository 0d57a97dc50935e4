import {fileURLToPath} from 'node:url'
import {describe, expect, it} from 'vitest'
import {backends, sharedAgent} from '../../kit/backend.js'
import {raw} from '../../kit/raw-consul.js'
import {runInProcess} from '../../kit/run-in-process.js'

describe.each(backends)('the example templates on $name', backend => {
  const agent = sharedAgent(backend)
  const render = async (name: string): Promise<string> => {
    const path = fileURLToPath(new URL(`../../../examples/templates/${name}.ctmpl`, import.meta.url))
    const result = await runInProcess(['template', path, '--dry', '--once'], {agent})
    expect([result.exitCode, result.stderr]).toEqual([0, ''])
    return result.stdout.replace(/^> \n/, '')
  }
  const register = (Node: string, Address: string, Service: object): Promise<unknown> =>
    raw(agent.address).ok('PUT', '/v1/catalog/register', {body: JSON.stringify({Node, Address, Service})})

  it('nginx has an upstream for each service with the tag http', async () => {
    await register('a', '10.0.0.1', {Service: 'web', Tags: ['http'], Port: 80})
    await register('b', '10.0.0.2', {Service: 'web', Tags: ['http'], Port: 81})
    await register('b', '10.0.0.2', {Service: 'db', Port: 5432})
    expect(await render('nginx')).toBe('upstream web {\n  server 10.0.0.1:80;\n  server 10.0.0.2:81;\n}\n')
  })

  it('haproxy has a server for each instance', async () => {
    expect(await render('haproxy')).toBe(`frontend http
  bind *:8080
  default_backend web

backend web
  balance roundrobin
  server web 10.0.0.1:80 check weight 1
  server web 10.0.0.2:81 check weight 1
`)
  })

  it('crontab has a line for each job, which runs the job under a lock', async () => {
    await raw(agent.address).kvPut('cron/backup', '0 3 * * *')
    await raw(agent.address).kvPut('cron/report', '*/5 * * * *')
    const text = await render('crontab')
    expect(text.slice(text.indexOf('\n') + 1)).toBe(`
0 3 * * * root baton lock --once-per 1m cron-locks/backup -- /usr/local/libexec/backup
*/5 * * * * root baton lock --once-per 1m cron-locks/report -- /usr/local/libexec/report
`)
  })
})
