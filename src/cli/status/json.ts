import {messageOf} from '../../core/errors.js'
import type {ClusterStatus} from '../../status/read-status.js'
import type {ExecPart, LocalWatcher, LocksPart, StatusPartName, StatusParts} from '../../status/types.js'
import {runsJson} from '../exec/runs-text.js'
import {toStatusJson} from '../lock/status-text.js'
import {toMappingJson} from '../replicate/status-text.js'

type Render = {readonly [Name in StatusPartName]: (part: StatusParts[Name]) => unknown}

const renders: Render = {
  agent: part => part,
  locks: renderLocks,
  exec: renderExec,
  replication: mappings => ({mappings: mappings.map(toMappingJson)}),
  watchers: watchers => watchers?.map(renderWatcher) ?? null,
  missingRules: rules => rules,
}

/** Returns a part of the status in the form that `--json` prints. */
export const renderPart = <Name extends StatusPartName>(name: Name, part: StatusParts[Name]): unknown =>
  renders[name](part)

/** Returns the object of `--json`. A part that could not be read is left out and named in `problems`. */
export const statusJson = ({parts, problems}: ClusterStatus): object => ({
  ...Object.fromEntries(
    Object.entries(parts).map(([name, part]) => [name, renderPart(name as StatusPartName, part as never)]),
  ),
  problems: [...problems].map(([part, error]) => ({part, message: messageOf(error)})),
})

function renderLocks({locks, sessionCount, unrenewed}: LocksPart): object {
  const sessions = unrenewed.map(({id, name, node, nodeChecks, holds}) => ({
    session: id,
    name,
    node,
    checks: nodeChecks,
    holds,
  }))
  return {...toStatusJson(locks), sessions: sessionCount, unrenewed: sessions}
}

function renderExec({responders, runs}: ExecPart): object {
  return {
    responders: responders.map(({isPassing, ...one}) => ({...one, passing: isPassing})),
    ...runsJson(runs),
  }
}

const renderWatcher = ({pid, events, stateFile, sinceMs}: LocalWatcher): object => ({
  pid,
  events,
  ...(stateFile !== undefined && {stateFile}),
  since: new Date(sinceMs).toISOString(),
})
