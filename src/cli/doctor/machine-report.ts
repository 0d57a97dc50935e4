import {existsSync} from 'node:fs'
import {isBatonError, messageOf} from '../../core/errors.js'
import type {ExamineOptions} from '../../doctor/examine.js'
import type {KeyReport} from '../../doctor/keys.js'
import {defaultKeyName, listTrust} from '../../exec/native/key-files.js'
import {inspectOwnKeys, type OwnKey} from '../../exec/native/own-keys.js'
import {keysDirectory, trustDirectory} from '../directories.js'
import {printable} from '../exec/printable.js'

type Env = Readonly<Record<string, string | undefined>>

/** Returns the facts about this machine that an examination needs. */
export async function machineReport(
  env: Env,
): Promise<Pick<ExamineOptions, 'nodeVersion' | 'platform' | 'searchPath' | 'keys'>> {
  return {
    nodeVersion: process.version,
    searchPath: env['PATH'] ?? '',
    platform: process.platform,
    keys: await keyReport(env),
  }
}

async function keyReport(env: Env): Promise<KeyReport> {
  const directory = keysDirectory(env)
  const {keys, revoked, problems} = await listTrust(trustDirectory)
  const own = await inspectOwnKeys(directory).catch(messageOf)
  return {
    keysDirectory: directory,
    own: typeof own === 'string' ? [] : own.map(describeKey),
    ownProblem: typeof own === 'string' ? printable(own) : undefined,
    defaultName: defaultKeyName,
    trustDirectory,
    hasTrustDirectory: existsSync(trustDirectory),
    trusted: keys.map(({entry}) => entry),
    revoked,
    trustProblems: problems.map(printable),
  }
}

const describeKey = ({name, kid, problem}: OwnKey): KeyReport['own'][number] => ({
  name,
  kid,
  problem: problem === undefined ? undefined : printable(messageOf(problem)),
  fix: isBatonError(problem) ? problem.hint : undefined,
})
