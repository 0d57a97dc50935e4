import {guardianInBash, guardianInNode, releaseInNode} from './script-texts.js'

/**
 * The arguments of bash. `--norc` keeps bash from reading ~/.bashrc. Without it, bash reads the file if its stdin is a socket, as
 * Node's pipes are, because it then assumes a remote shell.
 */
export const bashWords = ['--norc', '-c', guardianInBash, 'baton-guardian'] as const
/** The guardian process for machines without bash. It uses ten times as much memory as bash. */
export const nodeGuardian = [process.execPath, '-e', guardianInNode, '--'] as const
/** Reads requests from stdin and sends them, to release the lock. */
export const releaseCommand = [process.execPath, '-e', releaseInNode] as const
