import {decodeText} from '../value/text.js'
import {type Argument, type GoValue, isSigned, isUnsigned} from '../value/types.js'
import {asElement, bytesOf, elementAt, GoError, isNil, lengthOf, sortedEntries, stored} from '../value/values.js'
import {type Flags, noFlags, pad} from './flags.js'
import {formatFloatVerb, formatInteger, formatString, hexBytes} from './number.js'

/** Maximum length of the text that one call prints. */
const longestText = 16 * 1024 * 1024

/** Address that is printed for every pointer, because Go's addresses differ from run to run. */
const address = 0xc0_0000_0000n

/** Prints values according to Go's package fmt. Each printer produces one text. */
export class Printer {
  flags: Flags = noFlags()
  readonly #parts: string[] = []
  #length = 0
  /** The argument being printed; undefined while an element of it is being printed. */
  #argument: Argument
  #value: Argument
  #explaining = false

  text(): string {
    return this.#parts.join('')
  }

  write(text: string): void {
    this.#length += text.length
    if (this.#length > longestText) throw new GoError(`the text is longer than ${longestText} characters`)
    this.#parts.push(text)
  }

  printArgument(given: Argument, verb: string): void {
    const argument = stored(given)
    this.#argument = argument
    this.#value = undefined
    if (argument === undefined) {
      if (verb === 'T' || verb === 'v') this.write(pad('<nil>', this.flags))
      else this.#badVerb(verb)
      return
    }
    if (verb === 'T') this.write(formatString(argument.type.text, 's', this.flags) ?? '')
    else if (verb === 'p') this.#printPointer(argument, verb)
    else if (isBytes(argument) && !argument.type.named) this.#printBytes(argument, verb)
    else if (!this.#printByMethod(argument, verb)) {
      if (argument.type.underlying !== undefined || !this.#printBasic(argument, verb))
        this.#printValue(argument, verb, 0)
    }
  }

  #printPart(value: GoValue, verb: string, depth: number): void {
    const inner = stored(value)
    if (inner !== undefined) {
      this.#argument = inner
      if (this.#printByMethod(inner, verb)) return
    }
    this.#printValue(value, verb, depth)
  }

  #printValue(value: GoValue, verb: string, depth: number): void {
    this.#argument = undefined
    this.#value = value
    switch (value.type.kind) {
      case 'map':
        this.#printMap(value, verb, depth)
        break
      case 'struct':
        this.#printStruct(value, verb, depth)
        break
      case 'interface':
        this.#printInterface(value, verb, depth)
        break
      case 'slice':
      case 'array':
        this.#printList(value, verb, depth)
        break
      case 'pointer':
      case 'func':
        this.#printTarget(value, verb, depth)
        break
      default:
        this.#printBasic(value, verb)
    }
  }

  /** Prints a value of a basic kind. Returns false for other kinds. */
  #printBasic(value: GoValue, verb: string): boolean {
    const {kind} = value.type
    if (kind === 'string') this.#put(formatString(value.data as string, verb, this.flags), verb)
    else if (kind === 'bool') {
      this.#put(verb === 't' || verb === 'v' ? pad(String(value.data), this.flags) : undefined, verb)
    } else if (kind === 'float64' || kind === 'float32') {
      this.#put(formatFloatVerb(value.data as number, verb, this.flags, kind === 'float32' ? 32 : 64), verb)
    } else if (kind === 'complex128') this.#printComplex(value.data as {re: number; im: number}, verb)
    else if (isSigned(kind)) this.#put(formatInteger(value.data as bigint, verb, this.flags), verb)
    else if (isUnsigned(kind)) this.#printUnsigned(value.data as bigint, verb)
    else return false
    return true
  }

  #put(text: string | undefined, verb: string): void {
    if (text === undefined) this.#badVerb(verb)
    else this.write(text)
  }

  #printUnsigned(value: bigint, verb: string): void {
    if (verb === 'v' && this.flags.sharpV) this.#printHex(value, true)
    else this.#put(formatInteger(value, verb, this.flags), verb)
  }

  #printHex(value: bigint, prefix: boolean): void {
    this.write(formatInteger(value, 'x', {...this.flags, sharp: prefix}) ?? '')
  }

  #printComplex({re, im}: {re: number; im: number}, verb: string): void {
    const real = formatFloatVerb(re, verb, this.flags, 64)
    const imaginary = formatFloatVerb(im, verb, {...this.flags, plus: true}, 64)
    this.#put(real === undefined || imaginary === undefined ? undefined : `(${real}${imaginary}i)`, verb)
  }

  #badVerb(verb: string): void {
    this.#explaining = true
    this.write(`%!${verb}(`)
    if (this.#argument !== undefined) {
      this.write(`${this.#argument.type.text}=`)
      this.printArgument(this.#argument, 'v')
    } else if (this.#value !== undefined) {
      this.write(`${this.#value.type.text}=`)
      this.#printValue(this.#value, 'v', 0)
    } else this.write('<nil>')
    this.write(')')
    this.#explaining = false
  }

  /** Prints the result of the value's method `Error` or `String`, if it has one. */
  #printByMethod(value: GoValue, verb: string): boolean {
    if (this.#explaining) return false
    if (verb === 'w') {
      this.#badVerb(verb)
      return true
    }
    if (this.flags.sharpV || !'vsxXq'.includes(verb)) return false
    const method = value.type.methods.get('Error') ?? value.type.methods.get('String')
    if (method?.in.length !== 0 || method.out.kind !== 'string') return false
    if (value.type.kind === 'pointer' && value.data === null) this.write('<nil>')
    else this.#put(formatString(method.call(value)?.data as string, verb, this.flags), verb)
    return true
  }

  #printMap(value: GoValue, verb: string, depth: number): void {
    const {sharpV} = this.flags
    const {key = value.type, elem = value.type} = value.type
    if (sharpV && isNil(value)) {
      this.write(`${value.type.text}(nil)`)
      return
    }
    this.write(sharpV ? `${value.type.text}{` : 'map[')
    for (const [i, entry] of sortedEntries(value).entries()) {
      if (i > 0) this.write(sharpV ? ', ' : ' ')
      this.#printPart(asElement(key, entry.key), verb, depth + 1)
      this.write(':')
      this.#printPart(asElement(elem, entry.value), verb, depth + 1)
    }
    this.write(sharpV ? '}' : ']')
  }

  #printStruct(value: GoValue, verb: string, depth: number): void {
    const {sharpV, plusV} = this.flags
    this.write(sharpV ? `${value.type.text}{` : '{')
    for (const [i, field] of (value.type.fields ?? []).entries()) {
      if (i > 0) this.write(sharpV ? ', ' : ' ')
      if (plusV || sharpV) this.write(`${field.name}:`)
      const held = asElement(field.type, (value.data as readonly Argument[])[i])
      this.#printPart(stored(held) ?? held, verb, depth + 1)
    }
    this.write('}')
  }

  #printInterface(value: GoValue, verb: string, depth: number): void {
    const inner = stored(value)
    if (inner !== undefined) this.#printPart(inner, verb, depth + 1)
    else this.write(this.flags.sharpV ? `${value.type.text}(nil)` : '<nil>')
  }

  #printList(value: GoValue, verb: string, depth: number): void {
    const {sharpV} = this.flags
    if (isBytes(value) && 'sqxX'.includes(verb)) {
      this.#printBytes(value, verb)
      return
    }
    if (sharpV && isNil(value)) {
      this.write(`${value.type.text}(nil)`)
      return
    }
    this.write(sharpV ? `${value.type.text}{` : '[')
    for (let i = 0; i < lengthOf(value); i += 1) {
      if (i > 0) this.write(sharpV ? ', ' : ' ')
      this.#printPart(elementAt(value, i), verb, depth + 1)
    }
    this.write(sharpV ? '}' : ']')
  }

  #printBytes(value: GoValue, verb: string): void {
    const bytes = bytesOf(value)
    if (verb === 's' || verb === 'q') this.write(formatString(decodeText(bytes), verb, this.flags) ?? '')
    else if (verb === 'x' || verb === 'X') this.write(hexBytes(bytes, verb, this.flags))
    else if (verb !== 'v' && verb !== 'd') this.#printValue(value, verb, 0)
    else if (this.flags.sharpV) {
      const name = value.type.named ? value.type.text : '[]byte'
      if (value.data === null) {
        this.write(`${name}(nil)`)
        return
      }
      this.write(`${name}{`)
      for (const [i, byte] of bytes.entries()) {
        if (i > 0) this.write(', ')
        this.#printHex(BigInt(byte), true)
      }
      this.write('}')
    } else {
      const texts = Array.from(bytes, byte => formatInteger(BigInt(byte), verb, this.flags) ?? '')
      this.write(`[${texts.join(' ')}]`)
    }
  }

  #printTarget(value: GoValue, verb: string, depth: number): void {
    const target = value.data
    if (value.type.kind === 'pointer' && depth === 0 && target !== null) {
      const pointed = target as GoValue
      if (['array', 'slice', 'struct', 'map'].includes(pointed.type.kind)) {
        this.write('&')
        this.#printPart(pointed, verb, depth + 1)
        return
      }
    }
    this.#printPointer(value, verb)
  }

  #printPointer(value: GoValue, verb: string): void {
    const {kind, text} = value.type
    if (!['func', 'map', 'pointer', 'slice'].includes(kind)) {
      this.#badVerb(verb)
      return
    }
    const at = value.data === null ? 0n : address
    if (verb === 'v' && this.flags.sharpV) {
      this.write(`(${text})(`)
      if (at === 0n) this.write('nil')
      else this.#printHex(at, true)
      this.write(')')
    } else if (verb === 'v' && at === 0n) this.write(pad('<nil>', this.flags))
    else if (verb === 'v' || verb === 'p') this.#printHex(at, !this.flags.sharp)
    else this.#put('bodxX'.includes(verb) ? formatInteger(at, verb, this.flags) : undefined, verb)
  }
}

function isBytes(value: GoValue): boolean {
  return (value.type.kind === 'slice' || value.type.kind === 'array') && value.type.elem?.kind === 'uint8'
}

/** Go's `fmt.Sprint`, which adds a space between two values if neither of them is a string. */
export function sprint(values: readonly Argument[]): string {
  const printer = new Printer()
  let afterString = false
  for (const [i, value] of values.entries()) {
    const isString = stored(value)?.type.kind === 'string'
    if (i > 0 && !isString && !afterString) printer.write(' ')
    printer.printArgument(value, 'v')
    afterString = isString
  }
  return printer.text()
}

/** Go's `fmt.Sprintln`. */
export function sprintln(values: readonly Argument[]): string {
  return `${values.map(value => sprint([value])).join(' ')}\n`
}

/** The text of one value as Go's `%v` prints it. */
export function show(value: Argument): string {
  return sprint([value])
}
