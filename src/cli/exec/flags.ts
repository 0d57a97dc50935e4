import * as Flags from '@oclif/core/flags'
import type {FlagRule} from '../flag-rules.js'
import {durationFlag, sizeFlag} from '../flags.js'

import {rolloutFlags, rolloutRules} from './rollout-flags.js'

const where = 'NODES'

/** The flags of `baton exec`. */
export const execFlags = {
  node: Flags.string({description: 'nodes whose name matches', helpValue: 'RE2', helpGroup: where}),
  service: Flags.string({description: 'nodes with a service whose ID matches', helpValue: 'RE2', helpGroup: where}),
  tag: Flags.string({description: 'with --service: one of its tags matches', helpValue: 'RE2', helpGroup: where}),
  exclude: Flags.string({description: 'leave these nodes out', helpValue: 'RE2', helpGroup: where}),
  nodes: Flags.string({
    description: 'nodes by name: a,b, web[1-9], @FILE or @- (repeatable)',
    helpValue: 'LIST',
    helpGroup: where,
    multiple: true,
    multipleNonGreedy: true,
  }),
  'exclude-nodes': Flags.string({
    description: 'leave out these nodes, by name as in --nodes (repeatable)',
    helpValue: 'LIST',
    helpGroup: where,
    multiple: true,
    multipleNonGreedy: true,
  }),
  health: Flags.option({
    options: ['passing', 'failing'] as const,
    description: 'nodes of which all checks pass, or of which one does not',
    helpGroup: where,
  })(),
  list: Flags.boolean({
    description: 'show the nodes that match and how they are reached; run nothing',
    helpGroup: where,
    exclusive: ['dry-run', 'compat'],
  }),
  'dry-run': Flags.boolean({
    description: 'show what would run, and what each node would answer; run nothing',
    helpGroup: where,
    exclusive: ['compat'],
  }),
  via: Flags.option({
    options: ['auto', 'native', 'rexec'] as const,
    default: 'auto' as const,
    description: 'native: responders; rexec: the agents themselves; auto: rexec only where no responder is',
    helpGroup: where,
  })(),
  ...rolloutFlags,
  detach: Flags.boolean({
    helpGroup: 'JOB',
    description: 'write the job, print its ID and end: responders run it, and baton exec attach shows it',
    exclusive: ['list', 'dry-run', 'compat'],
  }),
  prepare: Flags.string({
    helpGroup: 'JOB',
    helpValue: 'FILE',
    description: 'write the signed job into a file instead of to Consul, for baton keys sign and baton exec submit',
    exclusive: ['list', 'dry-run', 'compat', 'detach'],
  }),
  keep: durationFlag({
    helpGroup: 'TIME',
    description: 'with --detach or --prepare: how long the job and its results are kept, up to 24h (default: 1h)',
    min: 1,
    max: 24 * 3_600_000,
  }),
  window: durationFlag({
    helpGroup: 'TIME',
    description:
      'with --detach: how long nodes may begin it, also those that are not there now (default: 1m; with --prepare: 5m)',
    min: 1,
  }),
  timeout: durationFlag({helpGroup: 'TIME', description: 'longest time a node may take (default: no limit)', min: 1}),
  'ack-timeout': durationFlag({
    helpGroup: 'TIME',
    description: 'how long nodes may take to answer',
    default: '5s',
    min: 1,
  }),
  grace: durationFlag({
    helpGroup: 'TIME',
    description: 'time between the stop signal and the kill, on responders',
    default: '5s',
  }),
  'max-output': sizeFlag({
    helpGroup: 'OUTPUT',
    description: 'most output of a node, on responders; 0: no limit (default: 1M)',
  }),
  fold: Flags.boolean({
    helpGroup: 'OUTPUT',
    description: 'at the end, print equal output once, under the folded names of its nodes',
    exclusive: ['json', 'ndjson', 'compat'],
  }),
  diff: Flags.boolean({
    helpGroup: 'OUTPUT',
    description: 'with --fold: show only what differs from the largest group',
    dependsOn: ['fold'],
  }),
  'output-dir': Flags.string({
    helpGroup: 'OUTPUT',
    helpValue: 'DIR',
    description: 'also write the output of each node to files in this new directory, with a manifest',
    exclusive: ['compat'],
  }),
  script: Flags.string({
    helpGroup: 'JOB',
    description: 'run this file (- is stdin) instead of a command',
    helpValue: 'FILE',
  }),
  shell: Flags.boolean({
    helpGroup: 'JOB',
    description: 'without --: run the arguments by a shell (default)',
    default: true,
    allowNo: true,
  }),
  wait: durationFlag({helpGroup: 'TIME', description: 'heartbeat of silent nodes (Consul: quiet period)', min: 1}),
  'wait-repl': durationFlag({
    helpGroup: 'TIME',
    description: 'pause before the event that starts the agents',
    default: '0',
  }),
  prefix: Flags.string({helpGroup: 'JOB', description: 'where rexec jobs live in KV', default: '_rexec'}),
  key: Flags.string({
    helpGroup: 'SIGNING',
    description: 'sign with this key, by name or path (repeatable; default: the key named default)',
    multiple: true,
    multipleNonGreedy: true,
  }),
  'keys-dir': Flags.string({
    helpGroup: 'SIGNING',
    description: 'where your keys are (default: ~/.config/baton/keys)',
    helpValue: 'DIR',
  }),
  pin: Flags.option({
    options: ['first-use', 'list', 'off'] as const,
    default: 'first-use' as const,
    helpGroup: 'SIGNING',
    description: 'which keys may sign answers: those first seen, only known ones, or any that is registered',
  })(),
  'known-responders': Flags.string({
    helpGroup: 'SIGNING',
    helpValue: 'FILE',
    description: 'where those keys are kept (default: ~/.config/baton/known_responders)',
  }),
  'require-signed': Flags.boolean({
    helpGroup: 'SIGNING',
    description: 'refuse nodes that do not sign their answers: agents, and responders of an older baton',
  }),
  unsigned: Flags.boolean({
    helpGroup: 'SIGNING',
    description: 'send the job unsigned, for responders that allow it',
    exclusive: ['key'],
  }),
  cluster: Flags.string({
    helpGroup: 'SIGNING',
    description: 'cluster name of the responders (default: none)',
    default: '',
  }),
  compat: Flags.option({
    helpGroup: 'OUTPUT',
    options: ['consul'] as const,
    description: "the texts and exit codes of Consul's tool",
  })(),
  json: Flags.boolean({
    helpGroup: 'OUTPUT',
    description: 'print one JSON object at the end',
    exclusive: ['ndjson', 'compat'],
  }),
  ndjson: Flags.boolean({
    helpGroup: 'OUTPUT',
    description: 'print one JSON object for each event',
    exclusive: ['compat'],
  }),
}

/** Rules for flags of `baton exec` that contradict each other, or that have no effect. */
export const execRules = [
  ...rolloutRules,
  {flag: 'list', besides: ['COMMAND', 'script']},
  ...['keep', 'window'].map(flag => ({flag, needs: ['detach', 'prepare']})),
  ...['detach', 'prepare'].map(flag => ({
    flag,
    besides: [
      'batch',
      'max-failures',
      'retries',
      'total-timeout',
      'limit',
      'ndjson',
      'fold',
      'output-dir',
      'ack-timeout',
    ],
  })),
  ...[
    'via',
    'nodes',
    'exclude-nodes',
    'health',
    'ack-timeout',
    'grace',
    'max-output',
    'pin',
    'known-responders',
    'require-signed',
    'key',
    'keys-dir',
    'unsigned',
    'cluster',
  ].map(flag => ({
    flag,
    besides: ['compat'],
  })),
  {flag: 'shell', besides: ['--']},
  {flag: 'shell', when: 'off', besides: ['--'], warning: 'arguments after -- never run in a shell'},
] as const satisfies readonly FlagRule[]
