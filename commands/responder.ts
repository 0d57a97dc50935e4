import {resolve} from 'node:path'
import * as Flags from '@oclif/core/flags'
import {ConsulCommand} from '../src/cli/consul-command.js'
import {defined} from '../src/cli/defined.js'
import {stateDirectory} from '../src/cli/directories.js'
import {printable} from '../src/cli/exec/printable.js'
import {responderFlags, unsignedPolicyOf} from '../src/cli/exec/responder-flags.js'
import {durationFlag} from '../src/cli/flags.js'
import {trustFromDirectory} from '../src/exec/native/trust.js'
import {createResponder, type ResponderEvent} from '../src/exec/responder/responder.js'

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
    ttl: durationFlag({description: 'TTL of its health check', default: '15s', min: 1000}),
  }

  async run(): Promise<number> {
    const trust = trustFromDirectory(this.flags['trust-dir'])
    const unsignedPolicy = await unsignedPolicyOf(this.flags)
    // Without a trusted key every signed job is refused, and nothing else on this node would show that.
    const {keys, trouble} = await trust()
    if (trouble) throw trouble
    if (keys.size === 0) this.out.warn(`responder: no key in ${this.flags['trust-dir']}: every signed job is refused`)
    const responder = createResponder(this.openClient(), {
      trust,
      stateDirectory: resolve(this.flags['state-dir'] ?? stateDirectory(this.host.env, 'responder')),
      cluster: this.flags.cluster,
      env: this.host.env,
      observer: event => this.#report(event),
      ...defined({
        node: this.flags.name,
        auditFile: this.flags['audit-log'] === undefined ? undefined : resolve(this.flags['audit-log']),
        unsignedPolicy,
        ttlMs: this.flags.ttl,
        maxSkewMs: this.flags['max-skew'],
        maxValidityMs: this.flags['max-validity'],
      }),
    })
    await responder.serve({signal: this.stopSignal})
    return 0
  }

  protected override sayWaiting(text: string): void {
    this.out.warn(`responder: ${text}`)
  }

  #report(event: ResponderEvent): void {
    // The client already reports that Consul does not answer.
    if (event.type === 'start.delayed') return
    if (event.type === 'responder.registered') this.out.line(`responder ${event.node}: ready`)
    else if (event.type === 'jobs.ignored') this.out.warn(jobsText(event.count))
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
