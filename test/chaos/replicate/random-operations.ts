import {request} from 'node:http'
import {type ConsulClient, createClient} from '../../../src/core/client.js'
import {mutexFlags} from '../../../src/core/consul-constants.js'
import type {KvOperation} from '../../../src/core/types.js'
import {contentOf} from '../../integration/replicate/support.js'
import type {ConsulFederation} from '../../kit/consul-cluster.js'
import {type CommandHandle, startCli} from '../../kit/run-cli.js'
import {waitUntil} from '../../kit/wait-until.js'

/** The mappings: one that renames a folder, and one whose prefix does not end with a slash. */
const mappings = [
  ['fz/', 'fzb/'],
  ['fy', 'fyb'],
] as const
const isLeftAlone = (key: string): boolean =>
  key.startsWith('fz/ex/') || key.includes('secret') || key === 'fz/source-lock'
/** Keys of the destination that no operation may remove. */
const guarded = ['fzb/ex/keep', 'fzb/a/secretkeep', 'fzb/locked', 'fz/beside', 'fy-not']
const oddNames = ['k', 'a/b', '\u00e9', 'x y', 'a//b', '%2f', 'a/./b', '\u{1f600}/k', '.hidden', 'tab\t']

/** Returns a random generator with a seed, so that a failing run can be repeated. */
export function createRandom(start: number): (below: number) => number {
  let state = start >>> 0
  return below => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

/** Reads the whole state of a server, or replaces it. */
function snapshot(address: string, method: 'GET' | 'PUT', body?: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const sent = request(`${address}/v1/snapshot`, {method}, answer => {
      const chunks: Buffer[] = []
      answer.on('data', (chunk: Buffer) => chunks.push(chunk))
      answer.on('error', reject)
      answer.on('end', () => {
        if (answer.statusCode === 200) resolve(Buffer.concat(chunks))
        else reject(new Error(`${method} snapshot: ${String(answer.statusCode)}`))
      })
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

export interface Counts {
  operations: number
  kills: number
  restores: number
  checks: number
  /** Number of times that the pair of keys was read. */
  looks: number
}

/** Random operations on both sides of a running `baton replicate`, which is killed again and again. */
export class RandomOperations implements AsyncDisposable {
  readonly counts: Counts = {operations: 0, kills: 0, restores: 0, checks: 0, looks: 0}
  /** The failures, one line for each. */
  readonly problems: string[] = []
  readonly #federation: ConsulFederation
  readonly #random: (below: number) => number
  readonly #more: readonly string[]
  readonly #source: ConsulClient
  readonly #target: ConsulClient
  readonly #saved = new Map<string, Buffer>()
  #follower: CommandHandle | undefined
  #isOver = false
  #mayKill = false
  #background: readonly Promise<void>[] = []

  constructor(federation: ConsulFederation, random: (below: number) => number, more: readonly string[] = []) {
    this.#federation = federation
    this.#random = random
    this.#more = more
    this.#source = createClient({address: this.#address('dc1')})
    this.#target = createClient({address: this.#address('dc2')})
  }

  async start(): Promise<void> {
    await this.#set(
      this.#target,
      guarded.map(key => ({key, value: 'keep'})),
    )
    const [there, here] = [await this.#source.session.create({}), await this.#target.session.create({})]
    await this.#source.kv.acquire('fz/source-lock', Buffer.from('held'), {session: there.id})
    await this.#target.kv.acquire('fzb/locked', Buffer.from('held'), {session: here.id, flags: mutexFlags})
    for (const dc of ['dc1', 'dc2']) this.#saved.set(dc, await snapshot(this.#address(dc), 'GET'))
    this.#startFollower()
    this.#background = [this.#writePair(), this.#watchPair()]
  }

  /**
   * Makes operations for `ms`, and then a check. Only every second call kills the replicator, so that it also runs
   * without interruption.
   */
  async run(ms: number): Promise<void> {
    this.#mayKill = !this.#mayKill
    const endsAt = performance.now() + ms
    while (performance.now() < endsAt) {
      this.counts.operations += 1
      await this.#operate()
    }
    await this.#check()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true
    await Promise.allSettled(this.#background)
    await this.#follower?.[Symbol.asyncDispose]()
    await this.#source[Symbol.asyncDispose]()
    await this.#target[Symbol.asyncDispose]()
  }

  #address(dc: string): string {
    return this.#federation.dc(dc).address
  }

  #startFollower(): void {
    const specs = mappings.map(([from, to]) => `${from}@dc1:${to}`)
    const guards = ['--exclude=fz/ex/', '--exclude-match=secret', '--max-delete=off']
    const agent = {address: this.#address('dc2')}
    this.#follower = startCli(['replicate', ...specs, ...guards, ...this.#more], {agent})
  }

  async #restartFollower(): Promise<void> {
    this.counts.kills += 1
    this.#follower?.killGroup('SIGKILL')
    await this.#follower?.processExit
    this.#startFollower()
  }

  #pick<T>(items: readonly T[]): T {
    return items[this.#random(items.length)] as T
  }

  #key(): string {
    const folder = this.#pick(['fz/', 'fy', 'fy/', `fz/d${this.#random(4)}/`, `fz/deep/${this.#random(3)}/`])
    return `${folder}${this.#pick(oddNames)}${this.#random(40)}`
  }

  async #set(client: ConsulClient, pairs: readonly {key: string; value: string; flags?: bigint}[]): Promise<void> {
    await this.#commit(
      client,
      pairs.map(({key, value, flags = 0n}) => ({verb: 'set', key, value: Buffer.from(value), flags})),
    )
  }

  /** Commits a transaction. If there is no leader, as after a restore, waits for a new one. */
  async #commit(client: ConsulClient, operations: readonly KvOperation[]): Promise<void> {
    await waitUntil(async () => (await client.txn.commit(operations)).committed, {
      what: 'a transaction of the test',
      timeoutMs: 30_000,
    })
  }

  async #operate(): Promise<void> {
    const value = (): string => `${this.#random(2 ** 30)}`.repeat(this.#random(20))
    const some = <T>(most: number, make: () => T): T[] => Array.from({length: 1 + this.#random(most)}, make)
    const [source, target] = [this.#source, this.#target]
    const set = () => ({key: this.#key(), value: value(), flags: BigInt(this.#random(3))})
    const operations: readonly (readonly [number, () => Promise<void>])[] = [
      [500, () => this.#set(source, [set()])],
      [100, () => this.#set(source, some(60, set))],
      [
        150,
        () =>
          this.#commit(
            source,
            some(20, () => ({verb: 'delete', key: this.#key()}) as const),
          ),
      ],
      [
        40,
        () => source.kv.deleteTree(this.#pick([`fz/d${this.#random(4)}/`, 'fz/a', 'fy', 'fz/d1', 'fy/', 'fz/deep/'])),
      ],
      [4, () => source.kv.deleteTree('fz/')],
      [
        50,
        () =>
          this.#set(source, [
            set(),
            {key: `fz/ex/${this.#random(9)}`, value: 'x'},
            {key: `fz/a/secret${this.#random(5)}`, value: 'y'},
          ]),
      ],
      [
        50,
        () =>
          this.#set(target, [
            {key: `fzb/${this.#pick(['k', 'd1/k', 'drift', 'deep/1/k'])}${this.#random(40)}`, value: 'foreign'},
          ]),
      ],
      [40, () => target.kv.deleteTree(`fzb/d${this.#random(4)}/`)],
      [this.#mayKill ? 20 : 0, () => this.#restartFollower()],
      [2, () => this.#restore('dc1')],
      [1, () => this.#restore('dc2')],
      [4, async () => void this.#saved.set('dc1', await snapshot(this.#address('dc1'), 'GET'))],
      [2, async () => void this.#saved.set('dc2', await snapshot(this.#address('dc2'), 'GET'))],
    ]
    let at = this.#random(operations.reduce((sum, [weight]) => sum + weight, 0))
    const chosen = operations.find(([weight]) => (at -= weight) < 0)
    await chosen?.[1]()
  }

  async #restore(dc: string): Promise<void> {
    const saved = this.#saved.get(dc)
    if (!saved) return
    this.counts.restores += 1
    await snapshot(this.#address(dc), 'PUT', saved)
  }

  async #writePair(): Promise<void> {
    for (let value = 0; !this.#isOver; value += 1) {
      const pair = ['fz/pair/1', 'fz/pair/2'].map(key => ({
        verb: 'set' as const,
        key,
        value: Buffer.from(`${value}`),
        flags: 0n,
      }))
      await this.#source.txn.commit(pair).catch(() => undefined)
      await this.#source.clock.sleep(20)
    }
  }

  async #watchPair(): Promise<void> {
    while (!this.#isOver) {
      const pair = await contentOf(this.#target, 'dc2', 'fzb/pair/').catch(() => undefined)
      await this.#target.clock.sleep(7)
      if (!pair || pair.size === 0) continue
      this.counts.looks += 1
      if (pair.size !== 2 || pair.get('1') !== pair.get('2')) this.problems.push('a transaction was seen torn')
    }
  }

  async #differences(): Promise<readonly string[]> {
    const found: string[] = []
    for (const [from, to] of mappings) {
      const [there, here] = [await contentOf(this.#source, 'dc1', from), await contentOf(this.#target, 'dc2', to)]
      const wanted = new Map([...there].filter(([name]) => !isLeftAlone(from + name)))
      for (const [name, content] of wanted) {
        if (here.get(name) !== content) found.push(`${here.has(name) ? 'differs' : 'missing'}: ${to}${name}`)
      }
      for (const name of here.keys()) {
        if (!wanted.has(name) && !guarded.includes(to + name)) found.push(`left over: ${to}${name}`)
      }
    }
    // The two keys below fzb/pair/ are left out, because they are written continuously.
    return found.filter(line => !line.includes('fzb/pair/'))
  }

  async #check(): Promise<void> {
    this.counts.checks += 1
    // While a source is empty, all deletes are held back for approval, regardless of their limit. Another test covers
    // that, so each source gets a key.
    await this.#set(this.#source, [
      {key: 'fy/alive', value: `${this.counts.checks}`},
      {key: 'fz/alive', value: `${this.counts.checks}`},
    ])
    let last: readonly string[] = []
    const areEqual = async (): Promise<boolean> => {
      last = await this.#differences()
      return last.length === 0
    }
    const what = `both sides to be equal at check ${this.counts.checks}`
    const detail = (): string =>
      `${last
        .slice(0, 10)
        .map(line => JSON.stringify(line))
        .join('\n')}\n${this.#follower?.stderr}`
    await waitUntil(areEqual, {what, timeoutMs: 30_000, intervalMs: 100, detail})
    const left = await Promise.all(guarded.map(async key => (await this.#target.kv.get(key)).value && key))
    for (const key of guarded) if (!left.includes(key)) this.problems.push(`lost at the destination: ${key}`)
  }
}
