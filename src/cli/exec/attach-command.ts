import type {Command} from '@oclif/core/command'
import type {AttachOptions} from '../../exec/initiator-types.js'
import {ConsulCommand} from '../consul-command.js'
import {type AttachFlags, showJob} from './attach.js'

/** A sub-command of `baton exec` that prints the answers to a job that is in Consul. */
export abstract class AttachCommand<T extends typeof Command> extends ConsulCommand<T> {
  /** Prints the job and resolves with the exit code of its run. */
  protected show(id: string, mode: NonNullable<AttachOptions['mode']>, flags: AttachFlags): Promise<number> {
    const {out, host, statusLine, stopSignal} = this
    const paint = this.painterFor('stdout')
    return showJob(id, mode, {client: this.openClient(), flags, out, host, statusLine, stopSignal, paint})
  }
}
