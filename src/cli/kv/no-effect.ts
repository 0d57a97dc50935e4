/** Returns one line for each of these flags that was typed although it has no effect. */
export const typedInVain = (
  names: readonly string[],
  reason: string,
  sources: ReadonlyMap<string, string>,
): readonly string[] =>
  names.filter(name => sources.get(name) === 'flag').map(name => `--${name}: no effect: ${reason}`)
