import {type CommandHandle, startCli} from '../../kit/run-cli.js'
import {waitUntil} from '../../kit/wait-until.js'

// A handler that writes one line for each member: the type of the change, and then the fields of the member, which Serf
// passes on stdin.
const script = 'while IFS= read -r line; do printf "%s\\t%s\\n" "$SERF_EVENT" "$line"; done'

/** Returns `type name` for each change, in the order in which the handler ran. */
export const seen = (watch: CommandHandle): string[] =>
  watch.stdout
    .split('\n')
    .filter(line => line !== '')
    .map(line => line.split('\t').slice(0, 2).join(' '))
export const seenOf = (watch: CommandHandle, node: string): string[] =>
  seen(watch)
    .filter(line => line.endsWith(` ${node}`))
    .map(line => line.split(' ')[0] ?? '')

export const watchMembers = async (address: string, types = '*'): Promise<CommandHandle> => {
  const watch = startCli(['event', 'watch', '-v', '--handler', `${types}=${script}`], {agent: {address}})
  await watch.waitForOutput(/watching members/)
  return watch
}

export const until = (watch: CommandHandle, node: string, types: readonly string[]): Promise<boolean> =>
  waitUntil(() => seenOf(watch, node).length >= types.length, {
    what: `${node}: ${types.join(', ')}`,
    timeoutMs: 40_000,
    detail: () => `${watch.stdout}\n${watch.stderr}`,
  })
