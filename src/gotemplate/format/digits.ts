/** Decimal digits of a number without its sign. The value is 0.DIGITS times ten to the power of `point`. */
export interface Digits {
  readonly digits: string
  readonly point: number
}

/** Returns the fewest digits that parse back to the same float64. */
export function shortestDigits(value: number): Digits {
  if (value === 0) return {digits: '', point: 0}
  return fromExponential(Math.abs(value).toExponential())
}

/** Returns the fewest digits that parse back to the same float32. */
export function shortestDigits32(value: number): Digits {
  if (value === 0) return {digits: '', point: 0}
  const wanted = Math.abs(value)
  for (let count = 1; count < 9; count += 1) {
    const text = wanted.toExponential(count - 1)
    if (Math.fround(Number(text)) === wanted) return fromExponential(text)
  }
  return fromExponential(wanted.toExponential(8))
}

function fromExponential(text: string): Digits {
  const [mantissa = '', exponent = '0'] = text.split('e')
  return {digits: mantissa.replace('.', '').replace(/0+$/, ''), point: Number(exponent) + 1}
}

/** Rounds the exact digits to `count` significant digits, halves to even. */
export function significantDigits(value: number, count: number): Digits {
  return roundTo(exactDigits(value), count)
}

/** Rounds the exact digits to `count` digits after the decimal point, halves to even. */
export function fractionDigits(value: number, count: number): Digits {
  const exact = exactDigits(value)
  return roundTo(exact, exact.point + count)
}

function exactDigits(value: number): Digits {
  const {mantissa, exponent} = splitFloat(value)
  if (mantissa === 0n) return {digits: '', point: 0}
  const scale = exponent < 0 ? -exponent : 0
  const whole = exponent >= 0 ? mantissa << BigInt(exponent) : mantissa * 5n ** BigInt(scale)
  const digits = whole.toString()
  return {digits: digits.replace(/0+$/, ''), point: digits.length - scale}
}

function roundTo({digits, point}: Digits, count: number): Digits {
  if (count < 0) return {digits: '', point: 0}
  if (count >= digits.length) return {digits, point}
  const kept = digits.slice(0, count)
  if (!roundsUp(digits, count)) return {digits: kept.replace(/0+$/, ''), point: kept === '' ? 0 : point}
  const next = (BigInt(`0${kept}`) + 1n).toString()
  return {digits: next.replace(/0+$/, ''), point: point + (next.length > kept.length ? 1 : 0)}
}

function roundsUp(digits: string, count: number): boolean {
  const next = digits[count] ?? '0'
  if (next !== '5' || digits.length > count + 1) return next >= '5'
  return count > 0 && Number(digits[count - 1]) % 2 === 1
}

/** Splits a finite float64 into mantissa and binary exponent, without its sign. */
export function splitFloat(value: number): {mantissa: bigint; exponent: number} {
  const view = new DataView(new ArrayBuffer(8))
  view.setFloat64(0, value)
  const bits = view.getBigUint64(0) & 0x7fff_ffff_ffff_ffffn
  const raw = Number(bits >> 52n)
  const fraction = bits & 0xf_ffff_ffff_ffffn
  return raw === 0
    ? {mantissa: fraction, exponent: -1074}
    : {mantissa: fraction | 0x10_0000_0000_0000n, exponent: raw - 1075}
}
