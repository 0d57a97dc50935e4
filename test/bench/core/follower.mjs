// Follows a list with one client and writes `seen` for each state of it: follower.mjs library|npm ADDRESS keys|service NAME
const [client, address, kind, name] = process.argv.slice(2)
const seen = () => void process.stdout.write('seen\n')

async function followByLibrary() {
  const {createClient, createViewRegistry, kvPrefix, service} = await import('../../../dist/src/index.js')
  const consul = createClient({address})
  const query = kind === 'keys' ? kvPrefix(consul, name) : service(consul, name)
  for await (const _ of createViewRegistry(consul).view(query).subscribe().snapshots()) seen()
}

async function followByNpm() {
  const {default: Consul} = await import('consul')
  const {hostname, port} = new URL(address)
  const consul = new Consul({host: hostname, port: Number(port)})
  const [method, options] =
    kind === 'keys'
      ? [consul.kv.get.bind(consul.kv), {key: name, recurse: true}]
      : [consul.health.service.bind(consul.health), {service: name}]
  consul.watch({method, options: {...options, wait: '60s'}}).on('change', seen)
}

await (client === 'library' ? followByLibrary() : followByNpm())
