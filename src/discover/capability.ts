import type {DiscoveredService} from './types.js'

/**
 * Returns the items whose service offers at least `least` of the capability with this name, those with the largest
 * capacity first.
 */
export function withCapability<T>(
  all: readonly T[],
  name: string,
  serviceOf: (one: T) => DiscoveredService,
  least = 0,
): readonly T[] {
  const capacityOf = (one: T): number =>
    Math.max(
      -1,
      ...serviceOf(one)
        .capabilities.filter(capability => capability.name === name)
        .map(({capacity}) => capacity),
    )
  return all.filter(one => capacityOf(one) >= least).sort((a, b) => capacityOf(b) - capacityOf(a))
}
