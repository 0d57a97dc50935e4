/** So many bytes are compared at a time, natively. */
const step = 16 * 1024

/** Returns how many of the first `most` bytes are the same in both. */
export function sharedStart(a: Buffer, b: Buffer, most: number): number {
  let at = 0
  while (at < most && same(a, b, at, Math.min(at + step, most))) at = Math.min(at + step, most)
  while (at < most && a[at] === b[at]) at += 1
  return at
}

/** Returns how many of the last `most` bytes are the same in both. */
export function sharedEnd(a: Buffer, b: Buffer, most: number): number {
  const [endA, endB] = [a.length, b.length]
  let count = 0
  while (count < most) {
    const next = Math.min(count + step, most)
    if (a.compare(b, endB - next, endB - count, endA - next, endA - count) !== 0) break
    count = next
  }
  while (count < most && a[endA - 1 - count] === b[endB - 1 - count]) count += 1
  return count
}

const same = (a: Buffer, b: Buffer, from: number, to: number): boolean => a.compare(b, from, to, from, to) === 0
