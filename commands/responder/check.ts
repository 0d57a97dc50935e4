import {join, resolve} from 'node:path'
import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import {ConsulCommand} from '../../src/cli/consul-command.js'
import {stateDirectory} from '../../src/cli/directories.js'
import {jobJson, jobLines, readJobFile, signatureLine} from '../../src/cli/exec/job-file.js'
import {printable} from '../../src/cli/exec/printable.js'
import {responderFlags, unsignedPolicyOf} from '../../src/cli/exec/responder-flags.js'
import {systemClock} from '../../src/core/time/clock.js'
import {findJob} from '../../src/exec/initiator/detached/stored-job.js'
import {defaultSkewMs, defaultValidityMs} from '../../src/exec/native/check.js'
import {type JobFile, judgeSignatures} from '../../src/exec/native/job-file.js'
import {isJobId} from '../../src/exec/native/layout.js'
import {readReplayed} from '../../src/exec/native/replay-store.js'
import {trustFromDirectory} from '../../src/exec/native/trust.js'
import {judgeJob} from '../../src/exec/responder/judge-job.js'

export default class ResponderCheck extends ConsulCommand<typeof ResponderCheck> {
  static override summary = "show whether this node's responder would run a job"
  static override description =
    'Judges a prepared job, or one that is in Consul, by the trust, the policies and the times that a responder with the same flags applies, and names the reason if it would refuse. Nothing runs and nothing is recorded.'
  static override exitMeanings = {
    0: 'the responder would run the job',
    6: 'the responder would refuse it',
  }
  static override examples = [
    '<%= config.bin %> responder check restart.job',
    '<%= config.bin %> responder check restart.job --name web-1',
  ]
  static override enableJsonFlag = true
  static override emptyFlags = ['cluster']
  static override args = {
    job: Args.string({ignoreStdin: true, required: true, description: 'file of baton exec --prepare, or ID of a job'}),
  }
  static override flags = {
    ...responderFlags,
    json: Flags.boolean({description: 'print the result as JSON', helpGroup: 'COMMON'}),
  }

  async run(): Promise<number> {
    const {flags} = this
    const job = await this.#read()
    const self = await this.openClient().agent.self({signal: this.stopSignal})
    const node = flags.name ?? self.node
    const nowMs = systemClock.wallMs()
    const trust = await trustFromDirectory(flags['trust-dir'])()
    const unsignedPolicy = await unsignedPolicyOf(flags)
    const state = resolve(flags['state-dir'] ?? stateDirectory(this.host.env, 'responder'))
    const {code, reason} = await judgeJob(job.manifest, job.value, {
      node,
      datacenter: self.datacenter,
      cluster: flags.cluster,
      trust,
      replay: await readReplayed(join(state, node)),
      unsignedPolicy,
      nowMs,
      maxSkewMs: flags['max-skew'] ?? defaultSkewMs,
      maxValidityMs: flags['max-validity'] ?? defaultValidityMs,
    })
    const isAllowed = code === 'allowed'
    if (flags.json) this.out.json({...jobJson(job), node, verdict: code, reason})
    else {
      for (const line of jobLines(job, nowMs)) this.out.line(line)
      for (const one of judgeSignatures(job.envelope, trust, nowMs)) this.out.line(signatureLine(one))
      this.out.line(`${printable(node)} would ${isAllowed ? 'run it' : `refuse it: ${code}`}: ${printable(reason)}`)
    }
    return isAllowed ? 0 : 6
  }

  async #read(): Promise<JobFile> {
    const {job} = this.args
    if (!isJobId(job)) return readJobFile(job)
    return findJob(this.openClient(), job, this.stopSignal)
  }
}
