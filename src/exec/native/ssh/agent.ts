import {connect} from 'node:net'
import {messageOf, UsageError} from '../../../core/errors.js'
import type {AgentSigningKey} from '../envelope.js'
import {parseSshBlob, type SshPublicKey, toSshBlob} from './keys.js'
import {sshsigBytes} from './sshsig.js'
import {encodeString, WireReader} from './wire.js'

const requestIdentities = 11
const identitiesAnswer = 12
const signRequest = 13
const signResponse = 14
const answerWithinMs = 60_000

/**
 * Lists the Ed25519 keys of the `ssh-agent` behind this socket. Rejects with a UsageError if the agent does not
 * answer.
 */
export async function listAgentKeys(socketPath: string): Promise<readonly SshPublicKey[]> {
  const answer = await ask(socketPath, Buffer.from([requestIdentities]), identitiesAnswer)
  const keys: SshPublicKey[] = []
  const reader = new WireReader(answer)
  for (let left = reader.uint32(); left > 0; left -= 1) {
    const blob = reader.string()
    const key = parseSshBlob(blob, reader.string().toString('utf8'))
    if (key) keys.push(key)
  }
  return keys
}

/** Returns a key with which the `ssh-agent` signs. The agent may ask a person before it signs. */
export function agentKey(socketPath: string, {kid, name, x}: SshPublicKey): AgentSigningKey {
  return {
    kid,
    name,
    async sign(message) {
      const request = [encodeString(toSshBlob(x)), encodeString(sshsigBytes(message)), Buffer.alloc(4)]
      const answer = await ask(socketPath, Buffer.concat([Buffer.from([signRequest]), ...request]), signResponse)
      const signature = new WireReader(new WireReader(answer).string())
      signature.string()
      return signature.string()
    },
  }
}

/** Sends one request to the `ssh-agent` and resolves with the body of its answer. */
function ask(socketPath: string, request: Buffer, expected: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = connect(socketPath)
    const fail = (why: string): void => {
      socket.destroy()
      reject(new UsageError(`ssh-agent: ${why}`, {hint: 'is the key added (ssh-add -l), and SSH_AUTH_SOCK right?'}))
    }
    let received = Buffer.alloc(0)
    socket.setTimeout(answerWithinMs, () => fail('no answer within a minute'))
    socket.on('error', error => fail(messageOf(error)))
    socket.on('close', () => fail('it closed the connection'))
    socket.on('data', (part: Buffer) => {
      received = Buffer.concat([received, part])
      if (received.length < 5 || received.length < 4 + received.readUInt32BE(0)) return
      if (received[4] !== expected) fail('it refused')
      else resolve(Buffer.from(received.subarray(5)))
      socket.destroy()
    })
    socket.write(encodeString(request))
  })
}
