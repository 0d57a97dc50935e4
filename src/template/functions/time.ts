/** The elements of Go's reference time, longest first, each with its replacement. */
const parts: readonly (readonly [string, (at: Date) => string])[] = [
  ['January', at => months[at.getUTCMonth()] ?? ''],
  ['Monday', at => days[at.getUTCDay()] ?? ''],
  ['2006', at => String(at.getUTCFullYear()).padStart(4, '0')],
  ['-07:00', () => '+00:00'],
  ['Z07:00', () => 'Z'],
  ['-0700', () => '+0000'],
  ['Z0700', () => 'Z'],
  ['-07', () => '+00'],
  ['Jan', at => (months[at.getUTCMonth()] ?? '').slice(0, 3)],
  ['Mon', at => (days[at.getUTCDay()] ?? '').slice(0, 3)],
  ['MST', () => 'UTC'],
  ['002', at => String(dayOfYear(at)).padStart(3, '0')],
  ['01', at => two(at.getUTCMonth() + 1)],
  ['02', at => two(at.getUTCDate())],
  ['03', at => two(at.getUTCHours() % 12 || 12)],
  ['04', at => two(at.getUTCMinutes())],
  ['05', at => two(at.getUTCSeconds())],
  ['06', at => two(at.getUTCFullYear() % 100)],
  ['15', at => two(at.getUTCHours())],
  ['PM', at => (at.getUTCHours() < 12 ? 'AM' : 'PM')],
  ['pm', at => (at.getUTCHours() < 12 ? 'am' : 'pm')],
  ['_2', at => String(at.getUTCDate()).padStart(2, ' ')],
  ['1', at => String(at.getUTCMonth() + 1)],
  ['2', at => String(at.getUTCDate())],
  ['3', at => String(at.getUTCHours() % 12 || 12)],
  ['4', at => String(at.getUTCMinutes())],
  ['5', at => String(at.getUTCSeconds())],
]

const months = 'January February March April May June July August September October November December'.split(' ')
const days = 'Sunday Monday Tuesday Wednesday Thursday Friday Saturday'.split(' ')

const two = (value: number): string => String(value).padStart(2, '0')

function dayOfYear(at: Date): number {
  return Math.floor((at.getTime() - Date.UTC(at.getUTCFullYear(), 0, 1)) / 86_400_000) + 1
}

/**
 * Formats a time in UTC according to a Go layout, which is an example that shows how 2006-01-02 15:04:05
 * would be written.
 */
export function formatTime(at: Date, layout: string): string {
  let text = ''
  for (let i = 0; i < layout.length; ) {
    const fraction = /^[.,](0+|9+)(?!\d)/.exec(layout.slice(i))
    const found = parts.find(([part]) => layout.startsWith(part, i))
    if (fraction?.[1] !== undefined) {
      text += fractionOf(at, fraction[0])
      i += fraction[0].length
    } else if (found) {
      text += found[1](at)
      i += found[0].length
    } else {
      text += layout.charAt(i)
      i += 1
    }
  }
  return text
}

function fractionOf(at: Date, layout: string): string {
  const digits = `${String(at.getUTCMilliseconds()).padStart(3, '0')}000000`.slice(0, layout.length - 1)
  if (layout.charAt(1) === '0') return layout.charAt(0) + digits
  const short = digits.replace(/0+$/, '')
  return short === '' ? '' : layout.charAt(0) + short
}
