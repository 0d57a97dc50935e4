/** Returns one line for each flag that was given although it has no effect. */
export const typedInVain = (
  names: readonly string[],
  reason: string,
  sources: ReadonlyMap<string, string>,
): readonly string[] =>
  names.filter(name => sources.get(name) === 'flag').map(name => `--${name}: no effect: ${reason}`)
