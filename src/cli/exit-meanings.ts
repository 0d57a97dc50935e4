/**
 * An exit code in help and docs: `128+n` stands for the end by signal n, `other` for the code of the command that was
 * run.
 */
export type ExitLabel = `${number}` | '128+n' | 'other'
/**
 * The meanings of a command's exit codes. An undefined meaning removes a code that most other commands
 * have.
 */
export type ExitMeanings = Readonly<Partial<Record<ExitLabel, string | undefined>>>

export interface ExitRow {
  readonly label: ExitLabel
  readonly meaning: string
}

interface Exiting {
  readonly baseFlags: object
  readonly exitMeanings: ExitMeanings
}

/** Exit codes of every command. */
const ofAll: ExitMeanings = {
  0: 'done',
  1: 'the output could not be written',
  64: 'invalid arguments or settings; nothing was done',
  70: 'a bug in baton',
}

/** Exit codes of every command that talks to Consul. */
const ofConsul: ExitMeanings = {
  69: 'Consul cannot be reached, has no leader, or something else answers',
  77: 'the token lacks a permission',
}

/** Meanings that most commands have in common. */
export const sharedMeanings: ReadonlySet<string | undefined> = new Set(Object.values({...ofAll, ...ofConsul}))

/** True for a command that has the connection flags. */
export const talksToConsul = ({baseFlags}: {readonly baseFlags: object}): boolean =>
  Object.hasOwn(baseFlags, 'token-file')

/** Returns every exit code of a command, in order. Help, manual pages and docs all use this list. */
export function exitRows(command: Exiting): readonly ExitRow[] {
  const all = {...ofAll, ...(talksToConsul(command) && ofConsul), ...command.exitMeanings}
  const rows = Object.entries(all) as readonly (readonly [ExitLabel, string | undefined])[]
  return rows
    .flatMap(([label, meaning]): readonly ExitRow[] => (meaning === undefined ? [] : [{label, meaning}]))
    .sort((a, b) => rank(a.label) - rank(b.label))
}

const rank = (label: ExitLabel): number => (label === 'other' ? 1000 : Number.parseInt(label, 10))
