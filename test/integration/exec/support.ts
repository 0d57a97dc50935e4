import {existsSync, readFileSync} from 'node:fs'
import {mkdtemp, rm} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {type ConsulClient, createClient} from '../../../src/core/client.js'
import {generateKey} from '../../../src/exec/native/keys.js'
import {standingKey} from '../../../src/exec/native/layout.js'
import {type TrustSource, trustKeys} from '../../../src/exec/native/trust.js'
import {createResponder, type ResponderEvent, type ResponderOptions} from '../../../src/exec/responder/responder.js'
import type {ExecEvent, ExecRun, ExecSummary} from '../../../src/exec/types.js'
import {waitUntil} from '../../kit/wait-until.js'

export const ours = generateKey('ours', 0)
export const foreign = generateKey('foreign', 0)
const trustOurs: TrustSource = trustKeys([ours.publicFile])

/** Creates a directory into which jobs write files as proof that they ran. */
export async function openFolder(): Promise<AsyncDisposable & {readonly path: string; lines(name: string): string[]}> {
  const path = await mkdtemp(join(tmpdir(), 'exec-'))
  return {
    path,
    lines: name => {
      const file = join(path, name)
      return existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(Boolean) : []
    },
    [Symbol.asyncDispose]: () => rm(path, {recursive: true, force: true}),
  }
}

export interface TestResponder extends AsyncDisposable {
  readonly client: ConsulClient
  readonly name: string
}

/** Starts a responder in this process. Resolves when initiators can see it. */
export async function startResponder(
  address: string,
  options: Partial<ResponderOptions> & Pick<ResponderOptions, 'stateDirectory'>,
): Promise<TestResponder> {
  const client = createClient({address})
  const stop = new AbortController()
  let served: Promise<void> = Promise.resolve()
  const name = await new Promise<string>((resolve, reject) => {
    const observer = (event: ResponderEvent): void => {
      options.observer?.(event)
      if (event.type === 'responder.registered') resolve(event.node)
    }
    const responder = createResponder(client, {trust: trustOurs, env: process.env, ...options, observer})
    served = responder.serve({signal: stop.signal})
    served.catch(reject)
  })
  return {
    client,
    name,
    async [Symbol.asyncDispose]() {
      stop.abort()
      await served
      await client[Symbol.asyncDispose]()
    },
  }
}

/** Responders and what their tests need. Disposing checks that no job has left anything, and then ends them. */
export interface ExecSetup extends AsyncDisposable {
  readonly folder: Awaited<ReturnType<typeof openFolder>>
  readonly client: ConsulClient
}

/** Starts responders whose state is in one new directory. They trust {@link ours} unless their options differ. */
export async function openExecSetup(address: string, all: readonly Partial<ResponderOptions>[]): Promise<ExecSetup> {
  const folder = await openFolder()
  const client = createClient({address})
  const start = (options: Partial<ResponderOptions>): Promise<TestResponder> =>
    startResponder(address, {stateDirectory: folder.path, ...options})
  const responders = await Promise.all(all.map(start))
  return {
    folder,
    client,
    async [Symbol.asyncDispose]() {
      await expectNothingLeft(client)
      await Promise.all(responders.map(one => one[Symbol.asyncDispose]()))
      await client[Symbol.asyncDispose]()
      await folder[Symbol.asyncDispose]()
    },
  }
}

export interface Followed {
  readonly events: readonly ExecEvent[]
  readonly summary: ExecSummary
  /** The output of each node, with all streams in one text. */
  readonly output: Readonly<Record<string, string>>
  readonly outcomes: Readonly<Record<string, string>>
}

/**
 * Follows a run to its end. Checks the rules that hold for every run: each node has exactly one outcome, which comes
 * after all of its output.
 */
export async function followRun(run: ExecRun, onEvent: (event: ExecEvent) => void = () => {}): Promise<Followed> {
  const events: ExecEvent[] = []
  for await (const event of run) {
    events.push(event)
    onEvent(event)
  }
  const summary = await run.summary
  const chunks: Record<string, Buffer[]> = {}
  const ended = new Set<string>()
  const settled: string[] = []
  for (const event of events) {
    if (event.type === 'exit') ended.add(event.node)
    if (event.type === 'outcome') settled.push(event.node)
    if (event.type !== 'output') continue
    if (ended.has(event.node)) throw new Error(`${event.node}: output after its exit`)
    chunks[event.node] = [...(chunks[event.node] ?? []), event.chunk]
  }
  if (new Set(settled).size !== settled.length) throw new Error(`more than one outcome: ${settled.join(' ')}`)
  const output = Object.fromEntries(Object.entries(chunks).map(([node, all]) => [node, Buffer.concat(all).toString()]))
  const outcomes = Object.fromEntries(summary.nodes.map(({node, outcome}) => [node, outcome.type]))
  return {events, summary, output, outcomes}
}

/**
 * Checks that no key and no session of a job is left. The key that keeps the prefix `jobs/` from being empty may
 * remain.
 */
export async function expectNothingLeft(client: ConsulClient): Promise<void> {
  await waitUntil(
    async () => {
      const native = (await client.kv.keys('baton/exec/')).value.filter(key => key !== standingKey)
      const keys = [...native, ...(await client.kv.keys('_rexec')).value]
      return keys.length === 0 && (await client.session.list()).value.length === 0
    },
    {what: 'keys and sessions of jobs to be gone'},
  )
}
