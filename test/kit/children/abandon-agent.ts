import {startDevAgent} from '../consul-server.js'

// Acts as a test process that is killed while its agent is running.
const agent = await startDevAgent()
console.log(`${agent.pid}`)
process.kill(process.pid, 'SIGKILL')
