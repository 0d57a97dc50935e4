import {execFile} from 'node:child_process'
import {promisify} from 'node:util'
import type {Environment} from '../../config/environment.js'
import {UsageError} from '../../core/errors.js'
import {findOnPath} from '../../process/search-path.js'

/** How commands are run as another user. */
export interface OtherUser {
  /** Program and arguments that precede each command. */
  readonly words: readonly string[]
  /** Environment variables of that user. */
  readonly env: Readonly<Record<string, string>>
}

const limits = ['as', 'core', 'cpu', 'data', 'fsize', 'memlock', 'nice', 'nofile', 'nproc', 'rss', 'stack']

const wrong = (flag: string, why: string, hint?: string): UsageError =>
  new UsageError(`${flag}: ${why}`, {code: 'BATON_CONFIG', ...(hint !== undefined && {hint})})

/**
 * Looks up a user. Rejects with BATON_CONFIG if the user does not exist, or if this process may not run commands as
 * that user.
 */
export async function findUser(name: string, env: Environment): Promise<OtherUser> {
  if (process.geteuid?.() !== 0) throw wrong('run-as', 'only root can run commands as another user')
  const setpriv = programOf('setpriv', 'run-as', env)
  const entry = await promisify(execFile)('getent', ['passwd', '--', name]).catch(() => undefined)
  const [user = '', , uid = '', gid = '', , home = '/'] = (entry?.stdout.trimEnd() ?? '').split(':')
  if (uid === '') throw wrong('run-as', `there is no user ${name.slice(0, 60)}`)
  // The login shell of a service's user often only refuses logins, so /bin/sh runs shell lines.
  return {
    words: [setpriv, `--reuid=${uid}`, `--regid=${gid}`, '--init-groups', '--inh-caps=-all', '--no-new-privs', '--'],
    env: {HOME: home, USER: user, LOGNAME: user, SHELL: '/bin/sh'},
  }
}

/** Returns the program and arguments that set these limits. Throws BATON_CONFIG for a limit that does not exist. */
export function limitWords(given: readonly string[]): readonly string[] {
  if (given.length === 0) return []
  const flags = given.map(limit => {
    const [, name = '', value = ''] = /^([a-z]+)=(\d+|unlimited)$/.exec(limit) ?? []
    if (!limits.includes(name)) {
      throw wrong('limit', `'${limit.slice(0, 60)}' is not a limit`, `NAME=NUMBER with one of: ${limits.join(', ')}`)
    }
    return `--${name}=${value}`
  })
  return ['prlimit', ...flags, '--']
}

function programOf(name: string, flag: string, env: Environment): string {
  const path = findOnPath(name, env['PATH'] ?? '')
  if (path === undefined) throw wrong(flag, `${name} is not on the PATH`, 'install util-linux')
  return path
}
