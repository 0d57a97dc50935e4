import type {Command} from '@oclif/core/command'
import type {AttachOptions} from '../../exec/initiator-types.js'
import {ConsulCommand} from '../consul-command.js'
import {type AttachFlags, showJob} from './attach.js'

/** Base class of sub-commands of `baton exec` that print the answers to a job in Consul. */
export abstract class AttachCommand<T extends typeof Command> extends ConsulCommand<T> {
  /** Prints the job, and resolves with the exit code of the job's run. */
  protected show(id: string, mode: NonNullable<AttachOptions['mode']>, flags: AttachFlags): Promise<number> {
    const {out, host, statusLine, stopSignal} = this
    const paint = this.painterFor('stdout')
    return showJob(id, mode, {client: this.openClient(), flags, out, host, statusLine, stopSignal, paint})
  }
}
