import {existsSync, statSync} from 'node:fs'
import {isOnPath} from '../process/search-path.js'
import type {Finding} from './types.js'

/** The oldest version of Node with which baton is tested. */
const oldestNode = [20, 18, 1] as const

/** Checks the version of Node, as in `process.version`. */
export function examineNode(version: string): Finding {
  const parts = version.replace(/^v/, '').split('.').map(Number)
  const difference = oldestNode.map((least, at) => (parts[at] ?? 0) - least).find(one => one !== 0) ?? 0
  const text = `${version.replace(/^v/, '')} (needs ${oldestNode.join('.')} or newer)`
  if (difference >= 0) return {check: 'node', verdict: 'ok', text}
  return {check: 'node', verdict: 'fail', text, fix: 'install a newer Node.js'}
}

/** Checks the platform, as in `process.platform`. */
export function examinePlatform(platform: string): Finding {
  if (platform === 'linux') return {check: 'platform', verdict: 'ok', text: 'linux'}
  if (platform === 'darwin') {
    return {
      check: 'platform',
      verdict: 'warn',
      text: 'darwin: without /proc some guarantees of lock and responder are weaker',
      fix: 'use Linux in production',
    }
  }
  return {check: 'platform', verdict: 'fail', text: `${platform} is not supported`, fix: 'use Linux'}
}

/**
 * Checks whether a guardian process, which stops a command if baton dies, can work. `searchPath` is the value of PATH;
 * `hasProc` is true if processes can be seen in /proc.
 */
export function examineGuardian(searchPath: string, hasProc = existsSync('/proc/uptime')): Finding {
  if (!hasProc) {
    return {
      check: 'guardian',
      verdict: 'warn',
      text: 'no /proc: when baton lock is killed, its command runs on without the lock',
    }
  }
  if (isOnPath('bash', searchPath)) {
    return {check: 'guardian', verdict: 'ok', text: 'of lock: bash'}
  }
  return {
    check: 'guardian',
    verdict: 'ok',
    text: 'of lock: a second node, some 40 MB for each lock held (with bash on the PATH: 3 MB)',
  }
}

/** The origin of the token: a file, a flag on the command line (which all users can see), or another source. */
export type TokenSource = {readonly file: string} | 'flag' | 'other' | 'none'

export function examineToken(source: TokenSource): Finding {
  if (source === 'none') return {check: 'token', verdict: 'ok', text: 'none set'}
  if (source === 'other') return {check: 'token', verdict: 'ok', text: 'set'}
  if (source === 'flag') {
    return {
      check: 'token',
      verdict: 'warn',
      text: 'passed on the command line, where ps shows it to every user',
      fix: 'use --token-file or CONSUL_HTTP_TOKEN_FILE',
    }
  }
  const mode = statSync(source.file).mode & 0o777
  const text = `file ${source.file} has mode ${mode.toString(8).padStart(3, '0')}`
  if ((mode & 0o077) === 0) return {check: 'token', verdict: 'ok', text}
  return {check: 'token', verdict: 'warn', text: `${text}: others can read it`, fix: `chmod 600 ${source.file}`}
}
