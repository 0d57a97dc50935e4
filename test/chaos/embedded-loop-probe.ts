/**
 * A child process with an agent that has many keys. It reports the longest time for which its event loop was busy.
 */
import {startEmbeddedAgent} from '../../src/embedded/index.js'

const count = Number(process.argv[2])
const value = Buffer.from('hello world')
const seed = Array.from({length: count}, (_, at) => ({key: `big/${String(at).padStart(6, '0')}`, value, flags: 0n}))
const agent = await startEmbeddedAgent({seed})

let longestMs = 0
let last = process.cpuUsage()
/** Measures CPU time between two turns of the event loop, so that other load on the machine does not count. */
function turn(): void {
  const {user, system} = process.cpuUsage(last)
  last = process.cpuUsage()
  longestMs = Math.max(longestMs, (user + system) / 1000)
  setTimeout(turn, 2)
}
turn()
process.on('message', () => {
  const {parked, wakeUps} = agent.faults.statistics()
  process.send?.({longestMs, parked, wakeUps, rssMb: process.memoryUsage().rss / 2 ** 20})
  longestMs = 0
})
process.on('disconnect', () => process.exit(0))
process.send?.({address: agent.address})
