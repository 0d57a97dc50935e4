import {spawnSync} from 'node:child_process'
import {cliPath} from '../../kit/run-cli.js'

/** A program that replicates. */
export interface Tool {
  readonly name: string
  readonly command: (mapping: string, address: string) => readonly [string, ...string[]]
}

/** Returns baton, and also consul-replicate if it is on the PATH or named by CONSUL_REPLICATE. */
export function tools(): readonly Tool[] {
  const theirs = process.env['CONSUL_REPLICATE'] ?? 'consul-replicate'
  const ours = (process.env['BATON_FLAGS'] ?? '').split(' ').filter(word => word !== '')
  const baton: Tool = {
    name: 'baton',
    command: (mapping, address) => [
      process.execPath,
      cliPath,
      'replicate',
      mapping,
      ...ours,
      `--http-addr=${address}`,
      '--max-delete=off',
    ],
  }
  const replicate: Tool = {
    name: 'consul-replicate',
    command: (mapping, address) => [theirs, '-consul-addr', address, '-prefix', mapping],
  }
  const isThere = spawnSync(theirs, ['-v']).status === 0
  if (!isThere) process.stderr.write(`${theirs} is not there: baton is measured alone\n`)
  return isThere ? [baton, replicate] : [baton]
}
