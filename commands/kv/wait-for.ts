import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import {ConsulCommand} from '../../src/cli/consul-command.js'
import {bigintFlag, durationFlag} from '../../src/cli/flags.js'
import {entryObject, valueLine} from '../../src/cli/kv/text.js'
import {linkSignal} from '../../src/core/cancel/link-signal.js'
import type {ConsulClient} from '../../src/core/client.js'
import {follow} from '../../src/core/query/follow.js'
import {kvKey} from '../../src/core/query/topics.js'
import type {KvEntry} from '../../src/core/types.js'

const notInTime = 75

/** Returns the state of a key that does not meet the condition. */
function stateOf(entry: KvEntry | undefined, index: bigint): string {
  if (entry === undefined) return 'the key does not exist'
  const at = `its ModifyIndex is ${entry.modifyIndex}`
  return entry.modifyIndex > index ? `it has another value, and ${at}` : at
}

export default class KvWaitFor extends ConsulCommand<typeof KvWaitFor> {
  static override summary = 'wait until a key exists or has a value, and print the value'
  static override exitMeanings = {
    0: 'the key is as wanted; its value is printed',
    75: 'the key was not as wanted in time',
    '128+n': 'stopped by signal n',
  }
  static override description =
    'KEY alone waits until the key exists, KEY=VALUE until it has exactly this value, --index until it was written after that ' +
    'ModifyIndex. The first = ends the key.'
  static override examples = [
    '<%= config.bin %> kv wait-for app/ready',
    '<%= config.bin %> kv wait-for app/phase=running --timeout 5m',
    '<%= config.bin %> kv wait-for app/config --index 1234',
  ]
  static override enableJsonFlag = true
  static override args = {
    key: Args.string({required: true, ignoreStdin: true, description: 'KEY or KEY=VALUE'}),
  }
  static override flags = {
    index: bigintFlag({description: 'wait until the ModifyIndex of the key is above this'}),
    timeout: durationFlag({description: 'longest wait, then exit code 75; 0 reads once (default: no limit)'}),
    json: Flags.boolean({description: 'print the key as JSON, the value as base64', helpGroup: 'COMMON'}),
  }

  async run(): Promise<number> {
    const [, key = '', value] = /^\/?([^=]*)(?:=([\s\S]*))?$/.exec(this.args.key) ?? []
    if (key === '') return this.refuse('Error! Missing KEY argument', {code: 'BATON_USAGE', exit: 64})
    const wanted = value === undefined ? undefined : Buffer.from(value)
    const {index = 0n, timeout} = this.flags
    const isReached = (entry: KvEntry | undefined): entry is KvEntry =>
      entry !== undefined && entry.modifyIndex > index && (wanted === undefined || entry.value.equals(wanted))
    const client = this.openClient()
    using limit = linkSignal(this.stopSignal, {
      clock: client.clock,
      ...(timeout !== undefined && {timeoutMs: timeout}),
    })
    let last: KvEntry | undefined
    try {
      // With a time limit of 0, the key is read once, and that read has no time limit.
      const first = timeout === 0 ? this.stopSignal : limit.signal
      for await (const entry of this.#versions(client, key, {first, signal: limit.signal})) {
        last = entry
        if (isReached(entry)) return this.#report(entry)
      }
    } catch (error) {
      if (this.stopSignal.aborted || error !== limit.signal.reason) throw error
    }
    const state = this.#isUnanswered ? 'Consul has not answered' : stateOf(last, index)
    return this.refuse(`Error! ${key}: timed out: ${state}`, {code: 'BATON_TIMEOUT', exit: notInTime})
  }

  /** A command that waits always reports outages. */
  protected override sayWaiting(text: string): void {
    this.out.warn(text)
  }

  #isUnanswered = true

  /**
   * Yields the key now and after each change. If the agent cannot be reached at the start, the command ends. Later
   * outages are retried.
   */
  async *#versions(
    client: ConsulClient,
    key: string,
    signals: {readonly first: AbortSignal; readonly signal: AbortSignal},
  ): AsyncGenerator<KvEntry | undefined> {
    const {signal} = signals
    const first = await client.kv.get(key, {signal: signals.first, consistency: 'consistent'})
    this.#isUnanswered = false
    yield first.value
    const from = first.index === undefined ? {} : {index: first.index}
    for await (const {snapshot} of follow(kvKey(client, key), client, {signal, ...from})) yield snapshot.value
  }

  #report(entry: KvEntry): number {
    if (this.flags.json) this.out.json(entryObject(entry))
    else this.out.raw(valueLine(entry))
    return 0
  }
}
