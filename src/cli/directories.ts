import {homedir} from 'node:os'
import {join} from 'node:path'
import type {Environment} from '../config/environment.js'

const homeOf = (env: Environment): string => (env['HOME'] ?? '') || homedir()

const inHome = (env: Environment, variable: string, fallback: string): string =>
  (env[variable] ?? '') || join(homeOf(env), fallback)

/** Returns the directory of the user's own signing keys. */
export const keysDirectory = (env: Environment): string =>
  join(inHome(env, 'XDG_CONFIG_HOME', '.config'), 'baton', 'keys')

/** Returns the file with the keys of all responders that the user has reached so far. */
export const knownRespondersFile = (env: Environment): string =>
  join(inHome(env, 'XDG_CONFIG_HOME', '.config'), 'baton', 'known_responders')

/** Directory of the public keys that responders trust. */
export const trustDirectory = '/etc/baton/trust.d'

/** Directory for those files of a daemon that must survive a restart. */
export const stateDirectory = (env: Environment, name: string): string =>
  process.geteuid?.() === 0 && (env['XDG_STATE_HOME'] ?? '') === ''
    ? join('/var/lib/baton', name)
    : join(inHome(env, 'XDG_STATE_HOME', '.local/state'), 'baton', name)
