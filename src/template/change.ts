import type {Rendered, TemplateCommand, TemplateEvent, TemplateSpec} from './types.js'
import {type PreparedFile, prepareFile} from './write.js'

/** The check, the commands and the roll-back for a change of files. */
export interface ChangeHooks {
  readonly onEvent: (event: TemplateEvent) => void
  /** Checks a new file before it replaces the old one. Rejects if the new file is wrong. */
  readonly onCheck: (check: TemplateCommand, path: string) => Promise<void>
  /** Runs a command after files have changed. Rejects if the command fails. */
  readonly onCommand: (command: TemplateCommand) => Promise<void>
  /** True to restore the old files if a command fails, and then to run the commands again. */
  readonly rollsBack: boolean
}

interface Change {
  readonly template: TemplateSpec
  readonly bytes: Uint8Array
  readonly file: PreparedFile
}

/** The result of a change of files. */
export interface ChangeResult {
  readonly changed: readonly TemplateSpec[]
  /** The error of a check or a command. */
  readonly failure?: unknown
  /** True if a check failed. In that case no file was changed. */
  readonly isRefused?: true
}

/**
 * Replaces the files of several templates together: writes and checks all new files beside their destinations, then
 * replaces the old files, then runs each command once. Rejects only if a file cannot be written.
 */
export async function changeFiles(rendered: readonly Rendered[], hooks: ChangeHooks): Promise<ChangeResult> {
  const changes = await prepareAll(rendered)
  for (const {template, file} of changes) {
    if (template.check === undefined) continue
    try {
      await hooks.onCheck(template.check, file.temporary)
    } catch (failure) {
      await discardAll(changes)
      hooks.onEvent({type: 'refused', template, error: failure})
      return {changed: [], failure, isRefused: true}
    }
  }
  await commitAll(changes, hooks)
  const changed = changes.map(({template}) => template)
  const failure = await runCommands(changed, hooks)
  if (failure === undefined) return {changed}
  if (hooks.rollsBack) await rollBack(changes, hooks)
  return {changed, failure: failure.error}
}

async function prepareAll(rendered: readonly Rendered[]): Promise<Change[]> {
  const changes: Change[] = []
  try {
    for (const {template, bytes} of rendered) {
      if (template.destination === undefined) continue
      const file = await prepareFile(template.destination, bytes, template)
      if (file !== undefined) changes.push({template, bytes, file})
    }
    return changes
  } catch (error) {
    await discardAll(changes)
    throw error
  }
}

async function discardAll(changes: readonly Change[]): Promise<void> {
  for (const {file} of changes) await file.discard()
}

/** Moves all new files to their destinations. If one move fails, restores the files that were already replaced. */
async function commitAll(changes: readonly Change[], {onEvent}: ChangeHooks): Promise<void> {
  const done: Change[] = []
  try {
    for (const change of changes) {
      await change.file.commit()
      done.push(change)
    }
  } catch (error) {
    for (const {file} of done) await file.revert()
    await discardAll(changes)
    throw error
  }
  for (const {template, bytes, file} of changes) {
    onEvent({type: 'written', template, destination: file.destination, bytes, before: file.before})
  }
}

/** Runs each command once. Resolves to the first failure; later commands are not run. */
async function runCommands(
  changed: readonly TemplateSpec[],
  {onCommand, onEvent}: ChangeHooks,
): Promise<{readonly error: unknown} | undefined> {
  const ran = new Set<string>()
  for (const template of changed) {
    const {command} = template
    if (command === undefined || ran.has(identityOf(command))) continue
    ran.add(identityOf(command))
    try {
      await onCommand(command)
    } catch (error) {
      onEvent({type: 'command failed', template, command, error})
      return {error}
    }
  }
  return undefined
}

const identityOf = ({argv, env}: TemplateCommand): string => JSON.stringify([argv, env])

/**
 * Restores the replaced files and runs the commands again, so that programs that use the files load the old content
 * again.
 */
async function rollBack(changes: readonly Change[], hooks: ChangeHooks): Promise<void> {
  const replaced = changes.filter(({file}) => file.before !== undefined)
  if (replaced.length === 0) return
  for (const {file} of replaced) await file.revert()
  for (const {template, file} of replaced) {
    hooks.onEvent({type: 'rolled back', template, destination: file.destination})
  }
  await runCommands(
    replaced.map(({template}) => template),
    hooks,
  )
}
