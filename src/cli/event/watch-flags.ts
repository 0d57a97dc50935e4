import * as Flags from '@oclif/core/flags'
import type {FlagRule} from '../flag-rules.js'
import {durationFlag} from '../flags.js'

const handling = 'HANDLER'
const order = 'ORDER'

/** The flags of `event watch`. */
export const watchFlags = {
  name: Flags.string({description: 'only events of this name (repeatable)', multiple: true, multipleNonGreedy: true}),
  state: Flags.string({description: 'file that remembers what was handled', helpValue: 'FILE'}),
  from: Flags.string({description: 'where a first watch begins: now, earliest or an event ID', default: 'now'}),
  'on-crash': Flags.option({
    helpGroup: handling,
    options: ['rerun', 'skip'] as const,
    default: 'rerun' as const,
    description: 'events that were being handled at a crash: handle again, or not',
  })(),
  handler: Flags.string({
    helpGroup: handling,
    description: "Serf's form: [user:NAME|member-...=]SCRIPT (repeatable)",
    multiple: true,
    multipleNonGreedy: true,
  }),
  concurrency: Flags.integer({
    helpGroup: handling,
    helpValue: 'N',
    description: 'handlers that may run at the same time',
    default: 1,
    min: 1,
  }),
  batch: Flags.boolean({helpGroup: handling, description: 'one run for all waiting events, as a JSON list on stdin'}),
  'order-window': durationFlag({helpGroup: order, description: 'wait this long for earlier events', default: '0'}),
  coalesce: durationFlag({
    helpGroup: order,
    description: 'of each name handle only the newest within this time',
    default: '0',
  }),
  retries: Flags.integer({
    helpGroup: handling,
    helpValue: 'N',
    description: 'further attempts when the handler fails',
    default: 0,
    min: 0,
  }),
  'retry-delay': durationFlag({
    helpGroup: handling,
    description: 'shortest wait before another attempt',
    default: '1s',
  }),
  'dead-letter': Flags.string({
    helpGroup: handling,
    description: 'file to append abandoned events to',
    helpValue: 'FILE',
  }),
  'on-error': Flags.option({
    helpGroup: handling,
    options: ['continue', 'exit'] as const,
    default: 'continue' as const,
    description: 'what to do when the last attempt failed',
  })(),
  'on-overflow': Flags.option({
    helpGroup: order,
    options: ['warn', 'exit'] as const,
    default: 'warn' as const,
    description: 'what to do when events were missed',
  })(),
  timeout: durationFlag({helpGroup: handling, description: 'longest run of a handler (0: no limit)', default: '0'}),
  grace: durationFlag({helpGroup: handling, description: 'time between TERM and KILL for a handler', default: '5s'}),
  shell: Flags.boolean({
    helpGroup: handling,
    description: 'without --: run the words by a shell (default)',
    default: true,
    allowNo: true,
  }),
  'from-stdin': Flags.boolean({description: 'take the list that consul watch writes to its handler'}),
  durable: Flags.boolean({description: 'follow the log of --name instead of the agent: nothing is missed while down'}),
}

const ofHandlers = ['concurrency', 'retries', 'dead-letter', 'on-error', 'timeout', 'grace']

/** Rules for flags of `event watch` that have no effect unless other flags are given. */
export const watchRules: readonly FlagRule[] = [
  {flag: 'retry-delay', needs: ['retries']},
  {flag: 'on-crash', needs: ['state']},
  ...ofHandlers.map(flag => ({flag, needs: ['COMMAND', 'handler']})),
  {flag: 'shell', besides: ['--']},
  {flag: 'shell', when: 'off', besides: ['--'], warning: 'arguments after -- never run in a shell'},
  {flag: 'shell', when: 'any', needs: ['COMMAND']},
]
