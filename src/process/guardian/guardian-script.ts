import {guardianInBash, guardianInNode, releaseInNode} from './script-texts.js'

/** With --norc, because bash reads ~/.bashrc if its stdin is a socket, as the pipes of Node are: it assumes a remote shell. */
export const bashGuardian = ['bash', '--norc', '-c', guardianInBash, 'baton-guardian'] as const
/** Guardian for machines without bash. It needs ten times the memory. */
export const nodeGuardian = [process.execPath, '-e', guardianInNode, '--'] as const
/** Reads the requests that release the lock from stdin and sends them. */
export const releaseCommand = [process.execPath, '-e', releaseInNode] as const
