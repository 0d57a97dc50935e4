import * as library from '../../../src/index.js'
import {type Doors, or, without} from './door.js'

const command = {kind: 'shell', line: 'true'} as const
const selector = {
  node: 'text',
  names: 'texts',
  service: 'text',
  tag: 'text',
  exclude: 'text',
  excludedNames: 'texts',
  health: 'choice',
} as const
const initiator = (client: library.ConsulClient) => library.createInitiator(client)
const policy = {
  nodes: 'text',
  canUseShell: 'flag',
  canRunAnyProgram: 'flag',
  allowedCommands: 'list',
  maxTimeoutMs: 'endlessDuration',
  maxOutputBytes: 'endlessCount',
  requiredSignatures: 'count',
} as const
const responder = {trust: library.trustKeys([]), stateDirectory: '/dev/null/state'}

/** The exports of `consul-baton/exec`. */
export const execDoors: Doors = {
  createInitiator: {
    takes: {
      client: 'object',
      via: 'choice',
      keys: 'list',
      isUnsigned: 'flag',
      cluster: 'text',
      knownRespondersFile: 'name',
      isListOnly: 'flag',
      mustBeSigned: 'flag',
      ackTimeoutMs: 'duration',
      killAfterMs: 'duration',
      maxOutputBytes: 'endlessCount',
      prefix: 'text',
      replicationWaitMs: 'duration',
      requester: 'text',
    },
    needs: ['client'],
    open: (client, given) => library.createInitiator(or(given, 'client', client), without(given, 'client')),
  },
  'createInitiator.run': {
    takes: {command: 'thing', timeoutMs: 'endlessDuration', heartbeatMs: 'duration'},
    needs: ['command'],
    open: (client, given) => initiator(client).run({command, ...given}),
  },
  'createInitiator.run with a selector': {
    takes: selector,
    open: (client, given) => initiator(client).run({command}, given),
  },
  'createInitiator.run with options': {
    takes: {signal: 'signal', isDryRun: 'flag'},
    open: (client, given) => initiator(client).run({command}, {}, given),
  },
  'createInitiator.run of a roll-out': {
    takes: {
      batches: 'list',
      pauseMs: 'duration',
      maxFailures: 'count',
      retryCount: 'count',
      untilHealthy: 'name',
      healthyTimeoutMs: 'duration',
      totalTimeoutMs: 'duration',
      slotCount: 'count',
      openSlot: 'callback',
    },
    open: (client, given) => initiator(client).run({command}, {}, {rollout: given}),
  },
  'createInitiator.detach': {
    takes: {command: 'thing', timeoutMs: 'endlessDuration', heartbeatMs: 'duration'},
    needs: ['command'],
    open: (client, given) => initiator(client).detach({command, ...given}),
  },
  'createInitiator.detach with a selector': {
    takes: selector,
    open: (client, given) => initiator(client).detach({command}, given),
  },
  'createInitiator.detach with options': {
    takes: {signal: 'signal', keepMs: 'duration', windowMs: 'duration'},
    open: (client, given) => initiator(client).detach({command}, {}, given),
  },
  'createInitiator.prepare': {
    takes: {command: 'thing', timeoutMs: 'endlessDuration', heartbeatMs: 'duration'},
    needs: ['command'],
    open: (client, given) => initiator(client).prepare({command, ...given}),
  },
  'createInitiator.prepare with a selector': {
    takes: selector,
    open: (client, given) => initiator(client).prepare({command}, given),
  },
  'createInitiator.prepare with options': {
    takes: {signal: 'signal', keepMs: 'duration', windowMs: 'duration'},
    open: (client, given) => initiator(client).prepare({command}, {}, given),
  },
  'createInitiator.submit': {
    takes: {document: 'bytes'},
    needs: ['document'],
    open: (client, given) => initiator(client).submit(or(given, 'document', Buffer.from('{}')) as Uint8Array),
  },
  'createInitiator.submit with options': {
    takes: {signal: 'signal'},
    open: (client, given) => initiator(client).submit(Buffer.from('{}'), given),
  },
  'createInitiator.attach': {
    takes: {id: 'name'},
    needs: ['id'],
    open: (client, given) => initiator(client).attach(or(given, 'id', '0') as string),
  },
  'createInitiator.attach with options': {
    takes: {signal: 'signal', mode: 'choice', jobTrust: 'callback'},
    open: (client, given) => initiator(client).attach('0', given),
  },
  'createInitiator.list': {
    takes: {signal: 'signal'},
    open: (client, given) => initiator(client).list(given),
  },
  'createInitiator.findNodes': {
    takes: selector,
    open: (client, given) => initiator(client).findNodes(given),
  },
  'createInitiator.findNodes with options': {
    takes: {signal: 'signal'},
    open: (client, given) => initiator(client).findNodes({}, given),
  },
  'createInitiator.run of a line': {
    takes: {line: 'text'},
    needs: ['line'],
    open: (client, {line}) => initiator(client).run({command: {kind: 'shell', line}}),
  },
  'createInitiator.run of a program': {
    takes: {argv: 'texts'},
    needs: ['argv'],
    open: (client, {argv}) => initiator(client).run({command: {kind: 'argv', argv}}),
  },
  'createInitiator.run of a script': {
    takes: {script: 'bytes'},
    needs: ['script'],
    open: (client, {script}) => initiator(client).run({command: {kind: 'script', script}}),
  },
  createResponder: {
    takes: {
      client: 'object',
      trust: 'callback',
      stateDirectory: 'text',
      node: 'text',
      cluster: 'text',
      auditFile: 'name',
      unsignedPolicy: 'object',
      env: 'object',
      ttlMs: 'duration',
      maxSkewMs: 'duration',
      maxValidityMs: 'duration',
      observer: 'callback',
    },
    needs: ['client', 'trust', 'stateDirectory'],
    open: (client, given) =>
      library.createResponder(or(given, 'client', client), {...responder, ...without(given, 'client')}),
  },
  'createResponder with a policy': {
    takes: policy,
    open: (client, given) => library.createResponder(client, {...responder, unsignedPolicy: given}),
  },
  'createResponder.serve': {
    takes: {signal: 'signal'},
    needs: ['signal'],
    open: (client, given) => library.createResponder(client, responder).serve(given),
  },
  generateKey: {
    takes: {name: 'name', createdAtMs: 'instant'},
    needs: ['name', 'createdAtMs'],
    open: (_, given) => library.generateKey(or(given, 'name', 'a'), or(given, 'createdAtMs', 0)),
  },
  parsePrivateKey: {
    takes: {text: 'text', where: 'text'},
    needs: ['text', 'where'],
    open: (_, given) => {
      const {privateFile} = library.generateKey('a', 0)
      return library.parsePrivateKey(or(given, 'text', privateFile), or(given, 'where', 'a.json'))
    },
  },
  trustFromDirectory: {
    takes: {directory: 'name'},
    needs: ['directory'],
    open: (_, {directory}) => library.trustFromDirectory(directory),
  },
  trustKeys: {
    takes: {publicFiles: 'texts'},
    needs: ['publicFiles'],
    open: (_, {publicFiles}) => library.trustKeys(publicFiles),
  },
}
