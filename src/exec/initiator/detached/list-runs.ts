import {linkSignal} from '../../../core/cancel/link-signal.js'
import type {ConsulClient} from '../../../core/client.js'
import type {StoredRun} from '../../initiator-types.js'
import {parseAnswerKey} from '../../native/answer-reader.js'
import {jobKey, jobsPrefix, runsPrefix} from '../../native/layout.js'
import {oldestVersion, signedVersion} from '../../native/versions.js'
import {selectJobs} from '../../responder/job-list.js'
import {readJob, toStoredJob} from './stored-job.js'

const readsAtOnce = 8

/** Lists the jobs in Consul, the newest first, with the progress of each. Ignores keys that are not jobs. */
export async function listRuns(client: ConsulClient, signal: AbortSignal | undefined): Promise<readonly StoredRun[]> {
  using reading = linkSignal(signal)
  const how = {signal: reading.signal, consistency: 'consistent'} as const
  const [jobs, answers] = await Promise.all([client.kv.keys(jobsPrefix, how), client.kv.keys(runsPrefix, how)])
  const names = jobs.value.map(key => key.slice(jobsPrefix.length))
  const {ids} = selectJobs(names, Number.POSITIVE_INFINITY)
  const states = statesOf(answers.value.map(key => key.slice(runsPrefix.length)))
  const runs: StoredRun[] = []
  for (let at = 0; at < ids.length; at += readsAtOnce) {
    const batch = ids.slice(at, at + readsAtOnce)
    const values = await Promise.all(batch.map(async id => (await client.kv.get(jobKey(id), how)).value?.value))
    for (const [index, id] of batch.entries()) {
      const value = values[index]
      const found = value && readJob(id, value)
      if (found) runs.push({...toStoredJob(found), ...countOf(found.manifest.nodes, states.get(id))})
    }
  }
  return runs
}

type NodeStates = Map<string, 'running' | 'ended'>

/** Returns the state of each node that has answered, by job ID. */
function statesOf(keys: readonly string[]): ReadonlyMap<string, NodeStates> {
  const states = new Map<string, NodeStates>()
  const note = (id: string, node: string, state: 'running' | 'ended'): void => {
    const nodes = states.get(id) ?? new Map<string, 'running' | 'ended'>()
    states.set(id, nodes)
    if (nodes.get(node) !== 'ended') nodes.set(node, state)
  }
  for (const rest of keys) {
    const key = parseAnswerKey(rest, signedVersion)
    if (key) note(key.id, key.node, key.name === 'r' || key.name === 'k' ? 'ended' : 'running')
    // In protocol version 1, the keys of answers begin with the job ID. In later versions, they begin with the node.
    const [id = '', ...old] = rest.split('/')
    const older = parseAnswerKey(old.join('/'), oldestVersion)
    if (older) note(id, older.node, older.name === 'r' || older.name === 'k' ? 'ended' : 'running')
  }
  return states
}

function countOf(
  nodes: readonly string[],
  states: NodeStates | undefined,
): Pick<StoredRun, 'waitingCount' | 'runningCount' | 'endedCount'> {
  const all = nodes.map(node => states?.get(node))
  const endedCount = all.filter(state => state === 'ended').length
  const runningCount = all.filter(state => state === 'running').length
  return {waitingCount: nodes.length - endedCount - runningCount, runningCount, endedCount}
}
