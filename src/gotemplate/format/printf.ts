import {type Argument, isSigned, isUnsigned} from '../value/types.js'
import {stored} from '../value/values.js'
import {noFlags} from './flags.js'
import {Printer} from './printer.js'

/** Maximum width and precision; Go rejects larger numbers. */
const largest = 1_000_000

/** Go's `fmt.Sprintf`. Errors in the format appear in the text, as in Go. */
export function sprintf(format: string, values: readonly Argument[]): string {
  return new Formatting(format, values).run()
}

class Formatting {
  readonly #format: string
  readonly #values: readonly Argument[]
  readonly #printer = new Printer()
  #at = 0
  #next = 0
  #afterIndex = false
  #goodIndex = true
  #reordered = false

  constructor(format: string, values: readonly Argument[]) {
    this.#format = format
    this.#values = values
  }

  run(): string {
    while (this.#at < this.#format.length) {
      const percent = this.#format.indexOf('%', this.#at)
      const end = percent < 0 ? this.#format.length : percent
      if (end > this.#at) this.#printer.write(this.#format.slice(this.#at, end))
      this.#at = end + 1
      if (percent >= 0) this.#verb()
    }
    if (!this.#reordered && this.#next < this.#values.length) this.#extra()
    return this.#printer.text()
  }

  #verb(): void {
    this.#goodIndex = true
    this.#afterIndex = false
    this.#printer.flags = noFlags()
    this.#readFlags()
    this.#readIndex()
    this.#readWidth()
    this.#readPrecision()
    this.#readIndexOnce()
    const code = this.#format.codePointAt(this.#at)
    if (code === undefined) {
      this.#printer.write('%!(NOVERB)')
      return
    }
    const verb = String.fromCodePoint(code)
    this.#at += verb.length
    this.#print(verb)
  }

  #print(verb: string): void {
    if (verb === '%') this.#printer.write('%')
    else if (!this.#goodIndex) this.#printer.write(`%!${verb}(BADINDEX)`)
    else if (this.#next >= this.#values.length) this.#printer.write(`%!${verb}(MISSING)`)
    else {
      const {flags} = this.#printer
      if (verb === 'v') {
        flags.sharpV = flags.sharp
        flags.plusV = flags.plus
        flags.sharp = false
        flags.plus = false
      }
      this.#printer.printArgument(this.#values[this.#next], verb)
      this.#next += 1
    }
  }

  #readFlags(): void {
    const {flags} = this.#printer
    for (; ; this.#at += 1) {
      const letter = this.#format[this.#at]
      if (letter === '#') flags.sharp = true
      else if (letter === '0') flags.zero = !flags.minus
      else if (letter === '+') flags.plus = true
      else if (letter === ' ') flags.space = true
      else if (letter === '-') {
        flags.minus = true
        flags.zero = false
      } else return
    }
  }

  /** Reads an argument index such as `[2]`. */
  #readIndex(): void {
    if (this.#format[this.#at] !== '[') {
      this.#afterIndex = false
      return
    }
    this.#reordered = true
    const close = this.#format.indexOf(']', this.#at + 1)
    if (close < 0 || this.#format.length - this.#at < 3) {
      this.#goodIndex = false
      this.#at += 1
      this.#afterIndex = false
      return
    }
    const text = this.#format.slice(this.#at + 1, close)
    this.#at = close + 1
    const index = /^\d+$/.test(text) && Number(text) <= largest * 10 ? Number(text) - 1 : undefined
    this.#afterIndex = index !== undefined
    if (index !== undefined && index >= 0 && index < this.#values.length) this.#next = index
    else this.#goodIndex = false
  }

  /** Reads an argument index after the precision, unless one was read already. */
  #readIndexOnce(): void {
    if (!this.#afterIndex) this.#readIndex()
  }

  #readWidth(): void {
    const {flags} = this.#printer
    if (this.#format[this.#at] === '*') {
      this.#at += 1
      flags.width = this.#integerArgument()
      if (flags.width === undefined) this.#printer.write('%!(BADWIDTH)')
      else if (flags.width < 0) {
        flags.width = -flags.width
        flags.minus = true
        flags.zero = false
      }
      this.#afterIndex = false
    } else {
      flags.width = this.#readNumber()
      if (this.#afterIndex && flags.width !== undefined) this.#goodIndex = false
    }
  }

  #readPrecision(): void {
    const {flags} = this.#printer
    if (this.#format[this.#at] !== '.' || this.#at + 1 >= this.#format.length) return
    this.#at += 1
    if (this.#afterIndex) this.#goodIndex = false
    this.#readIndex()
    if (this.#format[this.#at] === '*') {
      this.#at += 1
      const given = this.#integerArgument()
      flags.precision = given === undefined || given < 0 ? undefined : given
      if (flags.precision === undefined) this.#printer.write('%!(BADPREC)')
      this.#afterIndex = false
    } else flags.precision = this.#readNumber() ?? 0
  }

  #readNumber(): number | undefined {
    let value: number | undefined
    for (; ; this.#at += 1) {
      const digit = this.#format[this.#at]
      if (digit === undefined || digit < '0' || digit > '9') return value
      if ((value ?? 0) > largest) {
        this.#at = this.#format.length
        return undefined
      }
      value = (value ?? 0) * 10 + Number(digit)
    }
  }

  #integerArgument(): number | undefined {
    if (this.#next >= this.#values.length) return undefined
    const value = stored(this.#values[this.#next])
    this.#next += 1
    if (value === undefined || !(isSigned(value.type.kind) || isUnsigned(value.type.kind))) return undefined
    const number = Number(value.data)
    return Math.abs(number) > largest ? undefined : number
  }

  #extra(): void {
    this.#printer.flags = noFlags()
    this.#printer.write('%!(EXTRA ')
    for (const [i, given] of this.#values.slice(this.#next).entries()) {
      if (i > 0) this.#printer.write(', ')
      const value = stored(given)
      if (value === undefined) this.#printer.write('<nil>')
      else {
        this.#printer.write(`${value.type.text}=`)
        this.#printer.printArgument(value, 'v')
      }
    }
    this.#printer.write(')')
  }
}
