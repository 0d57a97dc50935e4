import {guardianInBash, guardianInNode, releaseInNode} from './script-texts.js'

/** Without --norc bash reads ~/.bashrc when its stdin is a socket, as Node's pipes are: it assumes a remote shell. */
export const bashGuardian = ['bash', '--norc', '-c', guardianInBash, 'baton-guardian'] as const
/** For machines without bash, at ten times its memory. */
export const nodeGuardian = [process.execPath, '-e', guardianInNode, '--'] as const
/** Sends the requests that release the lock, which it reads from stdin. */
export const releaseCommand = [process.execPath, '-e', releaseInNode] as const
