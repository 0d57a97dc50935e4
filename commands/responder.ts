import {resolve} from 'node:path'
import * as Flags from '@oclif/core/flags'
import {ConsulCommand} from '../src/cli/consul-command.js'
import {defined} from '../src/cli/defined.js'
import {stateDirectory} from '../src/cli/directories.js'
import {printable} from '../src/cli/exec/printable.js'
import {responderFlags, unsignedPolicyOf} from '../src/cli/exec/responder-flags.js'
import {findUser, limitWords} from '../src/cli/exec/run-as.js'
import {durationFlag} from '../src/cli/flags.js'
import {messageOf} from '../src/core/errors.js'
import type {Policy} from '../src/exec/native/policy.js'
import {type TrustSource, trustFromDirectory} from '../src/exec/native/trust.js'
import {createResponder, type ResponderEvent} from '../src/exec/responder/responder.js'
import {openServiceNotifier, type ServiceNotifier} from '../src/process/service-notifier.js'

export default class Responder extends ConsulCommand<typeof Responder> {
  static override summary = 'run the signed jobs of baton exec on this node'
  static override description =
    'Registers the service baton-responder on the node of its agent, and runs the jobs of baton exec that are signed by a key in the trust directory. It refuses all other jobs, and runs none twice.'
  static override exitMeanings = {
    0: 'stopped by a signal',
    '128+n': 'stopped by signal n',
  }
  static override examples = [
    '<%= config.bin %> responder',
    '<%= config.bin %> responder --trust-dir ./trust --state-dir ./state --name web-1',
  ]
  static override emptyFlags = ['cluster']
  static override flags = {
    ...responderFlags,
    'audit-log': Flags.string({
      description: 'where each job gets its lines (default: audit.jsonl below the state directory)',
      helpValue: 'FILE',
    }),
    'metrics-file': Flags.string({
      description: "file for metrics, replaced at each renewal, for the node exporter's textfile collector",
      helpValue: 'FILE',
    }),
    'run-as': Flags.string({description: 'run commands as this user (as root only, by setpriv)', helpValue: 'USER'}),
    limit: Flags.string({
      description: 'limit what a command may use, by prlimit: nproc=100, as=1000000000, cpu=60 (repeatable)',
      helpValue: 'NAME=N',
      multiple: true,
      multipleNonGreedy: true,
    }),
    ttl: durationFlag({description: 'TTL of its health check', default: '15s', min: 1000}),
  }

  #unsignedPolicy: Policy | undefined
  #serviceNotifier: ServiceNotifier | undefined

  async run(): Promise<number> {
    const asUser = this.flags['run-as'] === undefined ? undefined : await findUser(this.flags['run-as'], this.host.env)
    const wrapper = [...limitWords(this.flags.limit ?? []), ...(asUser?.words ?? [])]
    const trust = trustFromDirectory(this.flags['trust-dir'])
    this.#unsignedPolicy = await unsignedPolicyOf(this.flags)
    // Without a trusted key every signed job is refused, and nothing else on this node would show that.
    const {keys, trouble} = await trust()
    if (trouble) throw trouble
    if (keys.size === 0) this.out.warn(`responder: no key in ${this.flags['trust-dir']}: every signed job is refused`)
    const responder = createResponder(this.openClient(), {
      trust,
      stateDirectory: resolve(this.flags['state-dir'] ?? stateDirectory(this.host.env, 'responder')),
      cluster: this.flags.cluster,
      env: {...this.host.env, ...asUser?.env},
      observer: event => this.#report(event),
      ...defined({
        node: this.flags.name,
        auditFile: this.flags['audit-log'] === undefined ? undefined : resolve(this.flags['audit-log']),
        wrapper: wrapper.length === 0 ? undefined : wrapper,
        metricsFile: this.flags['metrics-file'] === undefined ? undefined : resolve(this.flags['metrics-file']),
        unsignedPolicy: this.#unsignedPolicy && (() => this.#unsignedPolicy),
        ttlMs: this.flags.ttl,
        maxSkewMs: this.flags['max-skew'],
        maxValidityMs: this.flags['max-validity'],
      }),
    })
    using _reloading = this.#onHangUp(trust)
    try {
      await responder.serve({signal: this.stopSignal})
    } finally {
      await this.#notifier.notify('STOPPING=1')
    }
    return 0
  }

  /** Reads the policy for unsigned jobs and the trusted keys again. Those that cannot be read stay as they are. */
  #onHangUp(trust: TrustSource): Disposable {
    const reload = async (): Promise<void> => {
      try {
        this.#unsignedPolicy = await unsignedPolicyOf(this.flags)
        const {keys, trouble} = await trust()
        if (trouble) throw trouble
        this.out.warn(`responder: reloaded: ${keys.size} key(s)`)
      } catch (error) {
        this.out.warn(`responder: not reloaded: ${messageOf(error)}`)
      }
    }
    const listener = (): void => void reload()
    const {signals} = this.host
    signals.on('SIGHUP', listener)
    this.stopSignals.release('SIGHUP')
    return {[Symbol.dispose]: () => signals.off('SIGHUP', listener)}
  }

  get #notifier(): ServiceNotifier {
    this.#serviceNotifier ??= openServiceNotifier(this.host.env, text => this.out.warn(`responder: ${text}`))
    return this.#serviceNotifier
  }

  protected override sayWaiting(text: string): void {
    this.out.warn(`responder: ${text}`)
  }

  #report(event: ResponderEvent): void {
    // Nothing is printed, because the client already reports that Consul does not answer.
    if (event.type === 'start.delayed') return
    if (event.type === 'responder.registered') {
      this.out.line(`responder ${event.node}: ready`)
      void this.#notifier.notify('READY=1', `serves as ${event.node}`)
    } else if (event.type === 'jobs.ignored') this.out.warn(jobsText(event.count))
    else if (event.type === 'trust.recovered') this.out.warn(`responder: trust read again: ${event.keyCount} key(s)`)
    else {
      const kept =
        event.keyCount === 0 ? 'signed jobs are refused' : `the ${event.keyCount} key(s) of before stay trusted`
      this.out.warn(`responder: ${printable(event.reason)}: ${kept}`)
    }
  }
}

const jobsText = (count: number): string =>
  count === 0
    ? 'responder: every listed job is looked at again'
    : `responder: too many jobs are listed: ${count} are ignored, and jobs may be missed. Something else writes below baton/exec/v1/jobs/`
