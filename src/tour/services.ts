import {once} from 'node:events'
import {mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs'
import {createServer, type Server} from 'node:http'
import type {AddressInfo} from 'node:net'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {type DnsQuestion, dig} from './dig.js'
import {TourProcesses} from './processes.js'
import {type TourOptions, until} from './tour.js'

const service = 'hopscotch.service.consul'
const template = `upstream hopscotch {
{{ range service "prod.hopscotch" }} server {{ .Address }}:{{ .Port }};
{{ end }}}
`

/** The instances, with the last part of their addresses and their tag. */
const instances = [
  ['betaweb1', 10, 'beta'],
  ['web1', 211, 'prod'],
  ['web2', 212, 'prod'],
  ['web3', 213, 'prod'],
  ['web4', 214, 'prod'],
] as const

/**
 * Shows how a service is found: a definition in a file, its health check, DNS, and a file of nginx that follows it.
 * Leaves nothing behind.
 */
export async function runServicesTour(options: TourOptions): Promise<void> {
  const home = mkdtempSync(join(tmpdir(), 'baton-tour-'))
  try {
    await using apps = new Apps()
    await using processes = new TourProcesses({...options, cwd: home, env: {...options.env, XDG_STATE_HOME: home}})
    await new ServicesTour(processes, {home, apps}).run()
  } finally {
    rmSync(home, {recursive: true, force: true})
  }
}

/** The programs of the service: HTTP servers that answer /health. */
class Apps implements AsyncDisposable {
  readonly #servers = new Map<string, Server>()

  async start(name: string, port = 0): Promise<number> {
    const server = createServer((_request, response) => response.end('healthy\n')).listen(port, '127.0.0.1')
    this.#servers.set(name, server)
    await once(server, 'listening')
    return (server.address() as AddressInfo).port
  }

  async stop(name: string): Promise<void> {
    const server = this.#servers.get(name)
    this.#servers.delete(name)
    server?.closeAllConnections()
    if (server) await new Promise(resolve => server.close(resolve))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const name of [...this.#servers.keys()]) await this.stop(name)
  }
}

class ServicesTour {
  readonly #processes: TourProcesses
  readonly #home: string
  readonly #apps: Apps
  readonly #ports = new Map<string, number>()

  constructor(processes: TourProcesses, {home, apps}: {readonly home: string; readonly apps: Apps}) {
    this.#processes = processes
    this.#home = home
    this.#apps = apps
  }

  async run(): Promise<void> {
    const {address, dnsPort} = await this.#startAgent()
    await this.#showDns(address, dnsPort)
    await this.#showTemplate(address)
    await this.#showFailure(address, dnsPort)
    await this.#showChild(address)
    this.#processes.say('\nThe same files, templates and commands work with Consul itself. All processes have stopped.')
  }

  /** Writes the definitions of the service, and starts an agent that reads them and checks the instances. */
  async #startAgent(): Promise<{readonly address: string; readonly dnsPort: number}> {
    const processes = this.#processes
    processes.title('a service: a definition in a file, and a check of its health')
    const folder = join(this.#home, 'consul.d')
    mkdirSync(folder)
    for (const [name, host, tag] of instances) {
      const port = await this.#apps.start(name)
      this.#ports.set(name, port)
      const check = {
        name: 'hopscotch running',
        http: `http://localhost:${port}/health`,
        interval: '200ms',
        timeout: '1s',
      }
      const definition = {id: name, name: 'hopscotch', address: `10.202.2.${host}`, port: 8084, tags: [tag], check}
      writeFileSync(join(folder, `${name}.json`), `${JSON.stringify({service: definition}, undefined, 2)}\n`)
    }
    this.#cat('consul.d/web1.json')
    processes.say(`${instances.length} files like this one; the tour itself answers the checks.`)
    const words = ['dev', '--http-addr', '127.0.0.1:0', '--dns-port', '0', '--config-dir', 'consul.d']
    const agent = processes.start(words, {label: 'dev'})
    const [, address = ''] = await agent.line(/ready at (\S+)/)
    const [, dnsPort = ''] = await agent.line(/^DNS: port (\d+)$/)
    await agent.line(/everything is gone/)
    return {address, dnsPort: Number(dnsPort)}
  }

  async #showDns(address: string, port: number): Promise<void> {
    const processes = this.#processes
    processes.title('DNS: the instances whose checks pass')
    await this.#untilPassing(address, instances.length)
    await processes.run(['service', 'ls'], {env: {CONSUL_HTTP_ADDR: address}})
    await this.#dig({name: service, port})
    await this.#dig({name: `beta.${service}`, port})
    await this.#dig({name: '_hopscotch._beta.service.consul', type: 'SRV', port})
    await this.#dig({name: service, port, overTcp: true})
  }

  async #showTemplate(address: string): Promise<void> {
    this.#processes.title('template: a file of nginx from the catalog')
    writeFileSync(join(this.#home, 'nginx.ctmpl'), template)
    this.#cat('nginx.ctmpl')
    await this.#processes.run(['template', 'nginx.ctmpl:nginx.cfg', '--once'], {env: {CONSUL_HTTP_ADDR: address}})
    this.#cat('nginx.cfg')
  }

  /** Stops one instance and starts it again, while the file follows and a command runs. */
  async #showFailure(address: string, dnsPort: number): Promise<void> {
    const processes = this.#processes
    processes.title('an instance fails: the file follows, and a command reloads nginx')
    const words = ['template', 'nginx.ctmpl:nginx.cfg:echo nginx reloads', '--diff']
    const following = processes.start(words, {label: 'template', env: {CONSUL_HTTP_ADDR: address}})
    processes.say('(web4 stops)')
    await this.#apps.stop('web4')
    await following.line(/^-.*10\.202\.2\.214/)
    await following.line(/nginx reloads/)
    await this.#dig({name: service, port: dnsPort})
    processes.say('(web4 starts again)')
    await this.#apps.start('web4', this.#ports.get('web4'))
    await following.line(/^\+.*10\.202\.2\.214/)
    await following.stop()
  }

  async #showChild(address: string): Promise<void> {
    const processes = this.#processes
    processes.title('template with a child: started with the file, then reloaded')
    // The signal goes to all processes of the child, so that sleep has to ignore it.
    const nginx = 'trap "echo nginx: reloads" HUP; echo nginx: starts; while :; do (trap "" HUP; sleep 0.1); done'
    const words = ['template', 'nginx.ctmpl:nginx.cfg', '--exec-reload-signal', 'HUP', '--', 'sh', '-c', nginx]
    const child = processes.start(words, {label: 'nginx', env: {CONSUL_HTTP_ADDR: address}})
    await child.line(/nginx: starts/)
    processes.say('(web3 stops)')
    await this.#apps.stop('web3')
    await child.line(/nginx: reloads/)
    this.#cat('nginx.cfg')
    await child.stop()
  }

  async #dig(asked: Pick<DnsQuestion, 'name' | 'port'> & Partial<DnsQuestion>): Promise<void> {
    const {name, port, type = 'A', overTcp = false} = asked
    const words = [...(overTcp ? ['+tcp'] : []), name, ...(type === 'A' ? [] : [type])]
    this.#processes.say(`$ dig @127.0.0.1 -p ${port} +noall +answer ${words.join(' ')}`)
    const {signal} = this.#processes
    for (const line of await dig({name, port, type, overTcp, signal})) this.#processes.say(`  ${line}`)
  }

  #cat(path: string): void {
    this.#processes.say(`$ cat ${path}`)
    const lines = readFileSync(join(this.#home, path), 'utf8').trimEnd().split('\n')
    for (const line of lines) this.#processes.say(`  ${line}`)
  }

  #untilPassing(address: string, count: number): Promise<void> {
    return until(this.#processes, async () => {
      const {signal} = this.#processes
      const answer = await fetch(`${address}/v1/health/service/hopscotch?passing`, {signal})
      return ((await answer.json()) as readonly unknown[]).length === count
    })
  }
}
