import {type Digits, fractionDigits, shortestDigits, shortestDigits32, significantDigits, splitFloat} from './digits.js'

/** Notation of a float: `e`, `f` and `g` as in C, `x` hexadecimal, `b` with a binary exponent. */
export type FloatForm = 'e' | 'E' | 'f' | 'g' | 'G' | 'x' | 'X' | 'b'

/**
 * Writes a float as Go's `strconv.FormatFloat` does.
 * @param precision number of digits after the point, or of significant digits for `g`; -1 for the fewest digits that
 * identify the value
 */
export function formatFloat(value: number, form: FloatForm, precision: number, bits: 32 | 64 = 64): string {
  if (Number.isNaN(value)) return 'NaN'
  if (!Number.isFinite(value)) return value < 0 ? '-Inf' : '+Inf'
  const sign = value < 0 || Object.is(value, -0) ? '-' : ''
  if (form === 'b') return sign + binaryForm(value)
  if (form === 'x' || form === 'X') return sign + hexForm(value, form, precision)
  if (precision < 0) return sign + shortestForm(bits === 32 ? shortestDigits32(value) : shortestDigits(value), form)
  if (form === 'f') return sign + fixedForm(fractionDigits(value, precision), precision)
  if (form === 'e' || form === 'E') {
    return sign + exponentForm(significantDigits(value, precision + 1), precision, form)
  }
  const count = precision === 0 ? 1 : precision
  return sign + generalForm({digits: significantDigits(value, count), precision: count, form, shortest: false})
}

function shortestForm(digits: Digits, form: FloatForm): string {
  const count = digits.digits.length
  if (form === 'f') return fixedForm(digits, Math.max(count - digits.point, 0))
  if (form === 'e' || form === 'E') return exponentForm(digits, Math.max(count - 1, 0), form)
  return generalForm({digits, precision: count, form, shortest: true})
}

function generalForm(number: {digits: Digits; precision: number; form: FloatForm; shortest: boolean}): string {
  const {digits, point} = number.digits
  const count = digits.length
  let {precision} = number
  const limit = number.shortest ? 6 : precision > count && count >= point ? count : precision
  const exponent = point - 1
  if (exponent < -4 || exponent >= limit) {
    if (precision > count) precision = count
    return exponentForm(number.digits, precision - 1, number.form === 'G' ? 'E' : 'e')
  }
  if (precision > point) precision = count
  return fixedForm(number.digits, Math.max(precision - point, 0))
}

function fixedForm({digits, point}: Digits, precision: number): string {
  const whole = point > 0 ? digits.slice(0, point).padEnd(point, '0') : '0'
  if (precision <= 0) return whole
  const zeros = '0'.repeat(Math.min(Math.max(-point, 0), precision))
  const fraction = (zeros + digits.slice(Math.max(point, 0))).padEnd(precision, '0')
  return `${whole}.${fraction.slice(0, precision)}`
}

function exponentForm({digits, point}: Digits, precision: number, letter: FloatForm): string {
  const first = digits[0] ?? '0'
  const rest = precision > 0 ? `.${digits.slice(1, precision + 1).padEnd(precision, '0')}` : ''
  const exponent = digits === '' ? 0 : point - 1
  return `${first}${rest}${letter}${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`
}

function binaryForm(value: number): string {
  const {mantissa, exponent} = splitFloat(value)
  return `${mantissa}p${exponent < 0 ? '' : '+'}${exponent}`
}

const top = 1n << 60n

function hexForm(value: number, form: 'x' | 'X', precision: number): string {
  const {mantissa, exponent} = normalised(value, precision)
  let fraction = (mantissa & (top - 1n)).toString(16).padStart(15, '0')
  fraction = precision < 0 ? fraction.replace(/0+$/, '') : fraction.padEnd(precision, '0').slice(0, precision)
  const power = `${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`
  const text = `0x${mantissa >> 60n}${fraction === '' ? '' : `.${fraction}`}p${power}`
  return form === 'X' ? text.toUpperCase() : text
}

/**
 * Returns the mantissa, with its highest bit at position 60 and rounded to `precision` hexadecimal digits, and the
 * binary exponent.
 */
function normalised(value: number, precision: number): {mantissa: bigint; exponent: number} {
  const split = splitFloat(value)
  if (split.mantissa === 0n) return {mantissa: 0n, exponent: 0}
  let mantissa = split.mantissa << 8n
  let exponent = split.exponent + 52
  while ((mantissa & top) === 0n) {
    mantissa <<= 1n
    exponent -= 1
  }
  if (precision >= 0 && precision < 15) {
    const shift = BigInt(60 - precision * 4)
    const unit = 1n << shift
    const extra = mantissa % unit
    mantissa >>= shift
    if (extra * 2n > unit || (extra * 2n === unit && (mantissa & 1n) === 1n)) mantissa += 1n
    mantissa <<= shift
    if (mantissa >= top << 1n) {
      mantissa >>= 1n
      exponent += 1
    }
  }
  return {mantissa, exponent}
}
