import {resolve} from 'node:path'
import type {Environment} from '../../config/environment.js'
import {RefusedError} from '../../core/errors.js'
import type {InitiatorOptions} from '../../exec/initiator/options.js'
import {keysDirectory, knownRespondersFile} from '../directories.js'

interface KeyFlags {
  readonly key?: readonly string[] | undefined
  readonly 'keys-dir'?: string | undefined
}

/**
 * Returns a function that resolves with the signing keys. Keys that flags name are read immediately, the default key
 * only when a responder needs a signature.
 */
export async function readKeys(
  {key: names, 'keys-dir': given}: KeyFlags,
  env: Environment,
): Promise<NonNullable<InitiatorOptions['keys']>> {
  const directory = given ?? keysDirectory(env)
  if (names === undefined) {
    return async () => {
      const {readDefaultKey} = await import('../../exec/native/key-files.js')
      const key = await readDefaultKey(directory)
      if (key) return [key]
      throw new RefusedError('exec: these nodes run responders, but there is no key to sign the job', {
        hint: "create one with: baton keys init (or reach the agents themselves: `via: 'rexec'`)",
      })
    }
  }
  const {readSigningKey} = await import('../../exec/native/key-files.js')
  return Promise.all(names.map(name => readSigningKey(directory, name, env['SSH_AUTH_SOCK'])))
}

/**
 * Returns the path of the file with the keys of responders; undefined if their registered keys are trusted without such
 * a file.
 */
export function knownFile(
  {pin, 'known-responders': file}: {readonly pin: string; readonly 'known-responders'?: string | undefined},
  env: Environment,
): string | undefined {
  return pin === 'off' ? undefined : resolve(file ?? knownRespondersFile(env))
}
