import {brief} from '../../core/brief.js'
import {UsageError} from '../../core/errors.js'

interface ApprovalFlags {
  readonly approve?: readonly string[] | undefined
  readonly 'approve-deletes': boolean
}

const idForm = /^[0-9a-f]{8}$/

/** Throws a UsageError if the text cannot be the ID of a set of deletes that are held back for approval. */
export function checkHeldId(id: string, what: string): void {
  if (idForm.test(id)) return
  throw new UsageError(`${what}: '${brief(id)}' is not the id of held deletes`, {
    hint: 'take the id from the line that says what is held, like 3f2a91c0, or from baton replicate held',
  })
}

const given = (flags: ApprovalFlags): readonly ('approve' | 'approve-deletes')[] => [
  ...(flags.approve?.length ? (['approve'] as const) : []),
  ...(flags['approve-deletes'] ? (['approve-deletes'] as const) : []),
]

/**
 * Throws a UsageError if approvals come from files or variables. An approval is meant for one run, but a file or a
 * variable would repeat it at each start and reload.
 */
export function checkApprovals(flags: ApprovalFlags, sources: ReadonlyMap<string, string>): void {
  for (const name of given(flags)) {
    const source = sources.get(name)
    if (source === 'flag') continue
    throw new UsageError(`${source ?? 'settings'}: ${name} would approve deletes at each start`, {
      code: 'BATON_CONFIG',
      hint: `give it as a flag: --once --${name}`,
    })
  }
  for (const id of flags.approve ?? []) checkHeldId(id, '--approve')
}

/**
 * Throws a UsageError for approvals of a process that keeps running or may be restarted with the same arguments,
 * because it would then approve deletes that the user has never seen.
 */
export function refuseLastingApprovals(flags: ApprovalFlags): void {
  const [name] = given(flags)
  if (name === undefined) return
  throw new UsageError(`--${name}: only with --once: a restart would approve again`, {
    hint:
      name === 'approve'
        ? 'approve it beside the running replicator: baton replicate approve ID'
        : `run it beside the running replicator: baton replicate … --once --${name}`,
  })
}
