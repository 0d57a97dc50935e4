import {chmod, mkdir, writeFile} from 'node:fs/promises'
import {describe, expect, it} from 'vitest'
import {createClient} from '../../../src/core/client.js'
import {
  expectNothingLeft,
  openFolder,
  ours,
  startResponder,
  type TestResponder,
} from '../../integration/exec/support.js'
import {hasReal} from '../../kit/backend.js'
import {startCluster} from '../../kit/consul-cluster.js'
import {raw} from '../../kit/raw-consul.js'
import {runCli} from '../../kit/run-cli.js'
import {testSeed} from '../../kit/seed.js'
import {waitUntil} from '../../kit/wait-until.js'
import {seeded} from '../event/seeded.js'

/** Number of rounds. In each of them, two jobs run at the same time. */
const rounds = Number(process.env['BATON_TEST_ROUNDS'] ?? 8)

const all = ['client-1', 'client-2', 'client-3', 'client-4', 'server-1']
/** These nodes have a responder. The agents of the other nodes run jobs themselves. */
const withResponder = ['client-1', 'client-2'] as const
const services: Readonly<Record<string, object>> = {
  'client-1': {ID: 'web-1', Name: 'web', Tags: ['blue']},
  'client-3': {ID: 'web-2', Name: 'web', Tags: ['green']},
  'client-4': {ID: 'db-1', Name: 'db', Tags: ['blue']},
}
/** Selections of nodes: the flags, and the nodes on which the job must run. */
const selections: readonly (readonly [readonly string[], readonly string[]])[] = [
  [[], all],
  [
    ['--node', '^client-[13]$'],
    ['client-1', 'client-3'],
  ],
  [
    ['--exclude', 'client-[24]'],
    ['client-1', 'client-3', 'server-1'],
  ],
  [
    ['--nodes', 'client-[2-3],server-1'],
    ['client-2', 'client-3', 'server-1'],
  ],
  [
    ['--nodes', 'client-[1-4]', '--exclude-nodes', 'client-[1-2]'],
    ['client-3', 'client-4'],
  ],
  [
    ['--service', '^web-'],
    ['client-1', 'client-3'],
  ],
  [
    ['--service', '.', '--tag', '^blue$'],
    ['client-1', 'client-4'],
  ],
  [['--via', 'native'], withResponder],
  [['--via', 'rexec', '--node', 'client'], all.slice(0, 4)],
  [['--node', '^client-2$'], ['client-2']],
]

interface Speech {
  /** Lines of shell that write the output, in which `$node` is the name of the node. */
  readonly shell: string
  /** The lines of each stream, in order. */
  readonly streams: (node: string, run: string) => readonly (readonly string[])[]
  readonly exitCode: number
}
const numbers = (count: number): readonly number[] => Array.from({length: count}, (_, at) => at)
const speeches: readonly Speech[] = [
  {
    // Each line is written in three pieces, one of which ends within a multi-byte character.
    shell: `for at in 0 1 2 3; do
      printf "$run $node $at beg"; sleep 0.0$at; printf 'in \\342\\202'; sleep 0.1; printf '\\254 end\\n'
    done`,
    streams: (node, run) => [numbers(4).map(at => `${run} ${node} ${at} begin € end`)],
    exitCode: 0,
  },
  {
    // Consul's agents cut this output into pieces of 4096 bytes, in the middle of lines.
    shell: 'at=0; while [ $at -lt 400 ]; do echo "$run $node $at äöü€ 0123456789"; at=$((at + 1)); done',
    streams: (node, run) => [numbers(400).map(at => `${run} ${node} ${at} äöü€ 0123456789`)],
    exitCode: 0,
  },
  {
    shell: 'for at in 0 1 2 3 4 5; do echo "$run $node out $at"; echo "$run $node err $at" >&2; done; exit 3',
    streams: (node, run) => ['out', 'err'].map(name => numbers(6).map(at => `${run} ${node} ${name} ${at}`)),
    exitCode: 3,
  },
  {
    shell: 'printf "$run $node without a line end"',
    streams: (node, run) => [[`${run} ${node} without a line end`]],
    exitCode: 0,
  },
]

/** Returns a script that first records on which node it runs. Agents do not tell their children the node's name. */
const scriptOf = (folder: string, run: string, {shell}: Speech): string => `#!/bin/sh
run=${run} node=$BATON_EXEC_NODE parent=$PPID
while [ -z "$node" ] && [ "$parent" -gt 1 ]; do
  node=$(cat ${folder}/agents/$parent 2>/dev/null) || read -r _ _ _ parent _ <"/proc/$parent/stat"
done
echo "$node" >>${folder}/ran-${run}
${shell}
`
/** Ways to run the script. `exec` keeps the agent the parent of the script. */
const forms: readonly ((path: string) => readonly string[])[] = [
  path => ['--script', path],
  path => [`exec sh ${path}`],
  path => ['--', 'sh', path],
]

/** Checks that stdout consists of the expected lines of each node, its exit after them, and the summary. */
function expectWhole(stdout: string, run: string, {nodes, speech}: {nodes: readonly string[]; speech: Speech}): void {
  const lines = stdout.split('\n')
  for (const node of nodes) {
    const exit = lines.indexOf(`==> ${node}: finished with exit code ${speech.exitCode}`)
    const own = lines.slice(0, exit).filter(line => line.startsWith(`    ${node}: `))
    for (const stream of speech.streams(node, run)) {
      const expected = stream.map(line => `    ${node}: ${line}`)
      expect(own.filter(line => expected.includes(line))).toEqual(expected)
    }
    expect(own).toHaveLength(speech.streams(node, run).flat().length)
  }
  const outputCount = nodes.length * speech.streams('', run).flat().length
  const failures = speech.exitCode === 0 ? 0 : 1
  // An exit of each node, the summary, the line of failures and the empty text after the last line end.
  expect(lines).toHaveLength(outputCount + nodes.length + 1 + failures + 1)
  expect(lines).toContain(`${nodes.length} / ${nodes.length} node(s) completed / acknowledged`)
}

describe.runIf(hasReal)('two jobs that run at the same time on nodes with and without responders', () => {
  it(`run on the selected nodes only, once on each, and no line is torn or missing (${rounds} rounds)`, {
    timeout: 120_000 + rounds * 20_000,
  }, async () => {
    const random = seeded(testSeed('mixed runs of exec'))
    const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T
    await using folder = await openFolder()
    await using cluster = await startCluster({servers: 1, clients: 4, config: {disable_remote_exec: false}})
    await mkdir(`${folder.path}/agents`)
    for (const agent of cluster.agents) {
      await writeFile(`${folder.path}/agents/${agent.pid}`, agent.node)
      const service = services[agent.node]
      if (service) await raw(agent.address).ok('PUT', '/v1/agent/service/register', {body: JSON.stringify(service)})
    }
    await writeFile(`${folder.path}/sign.json`, ours.privateFile, {mode: 0o600})
    const start = (name: string): Promise<TestResponder> =>
      startResponder(cluster.clients.find(({node}) => node === name)!.address, {
        stateDirectory: `${folder.path}/${name}`,
      })
    await using _first = await start(withResponder[0])
    await using _second = await start(withResponder[1])
    await using client = createClient({address: cluster.address})
    await waitUntil(async () => (await client.catalog.services()).value.has('db'), {what: 'the services'})

    async function runOnce(run: string): Promise<void> {
      const [[flags, nodes], speech, form] = [pick(selections), pick(speeches), pick(forms)]
      const path = `${folder.path}/${run}.sh`
      await writeFile(path, scriptOf(folder.path, run, speech))
      await chmod(path, 0o755)
      const how = ['--ack-timeout', '60s', '--key', `${folder.path}/sign.json`]
      const words = ['exec', ...how, ...flags, ...form(path)]
      const {stdout, stderr, exitCode} = await runCli(words, {agent: cluster})
      expect(folder.lines(`ran-${run}`).toSorted(), words.join(' ')).toEqual(nodes)
      expect(exitCode, stderr).toBe(speech.exitCode === 0 ? 0 : 2)
      expectWhole(stdout, run, {nodes, speech})
    }
    for (let round = 0; round < rounds; round += 1) {
      await Promise.all(['a', 'b'].map(name => runOnce(`r${round}${name}`)))
    }
    await expectNothingLeft(client)
  })
})
