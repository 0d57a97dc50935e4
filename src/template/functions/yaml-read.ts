import type {Document} from 'yaml'
import {type Argument, anyType, float64Type, type GoValue, intType, mapType} from '../../gotemplate/value/types.js'
import {
  GoError,
  type MapData,
  makeBool,
  makeFloat,
  makeInt,
  makeMap,
  makeSlice,
  makeString,
  mapKey,
  stored,
} from '../../gotemplate/value/values.js'

type Yaml = typeof import('yaml')

let library: Yaml | undefined

/**
 * Loads the YAML parser if one of these templates uses it. This happens before rendering, because template functions
 * are synchronous.
 */
export async function loadYaml(texts: readonly string[]): Promise<void> {
  if (library === undefined && texts.some(text => text.includes('parseYAML'))) library = await import('yaml')
}

/** Maximum number of values in a document after all aliases are expanded. */
const mostNodes = 1_000_000

/** Parses YAML as version 2 of Go's yaml package does: keys of maps may have any type, `yes` is true, `010` is 8. */
export function readYaml(text: string): Argument {
  if (text === '') return makeMap(anyType, [])
  if (library === undefined) throw new GoError('parseYAML: name the function in the template itself')
  const document = library.parseDocument(text, {schema: 'failsafe', uniqueKeys: false, version: '1.1'})
  const [error] = document.errors
  if (error !== undefined) throw new GoError(`parseYAML: yaml: ${error.message.split('\n')[0] ?? ''}`)
  return new Reader(library, document).value(document.contents)
}

class Reader {
  readonly #yaml: Yaml
  readonly #document: Document
  #nodes = 0

  constructor(yaml: Yaml, document: Document) {
    this.#yaml = yaml
    this.#document = document
  }

  value(node: unknown): Argument {
    this.#nodes += 1
    if (this.#nodes > mostNodes) throw new GoError('parseYAML: yaml: document contains excessive aliasing')
    const {isAlias, isMap, isSeq, isScalar} = this.#yaml
    if (isAlias(node)) return this.value(node.resolve(this.#document))
    if (isMap(node)) return this.#map(node.items)
    if (isSeq(node))
      return makeSlice(
        anyType,
        node.items.map(item => this.value(item)),
      )
    if (isScalar(node)) return scalar(typeof node.value === 'string' ? node.value : '', node.type === 'PLAIN', node.tag)
    return undefined
  }

  #map(items: readonly {readonly key: unknown; readonly value?: unknown}[]): GoValue {
    const data: MapData = new Map()
    const merged: GoValue[] = []
    for (const item of items) {
      if (isMergeKey(item.key)) {
        merged.push(...this.#merged(item.value))
        continue
      }
      const key = stored(this.value(item.key)) ?? makeString('')
      data.set(mapKey(key), {key, value: stored(this.value(item.value))})
    }
    // A map's own entries take precedence over those that `<<` merges.
    for (const {data: held} of merged) {
      for (const [name, entry] of held as MapData) if (!data.has(name)) data.set(name, entry)
    }
    return {type: mapType(anyType, anyType), data}
  }

  #merged(node: unknown): GoValue[] {
    const value = this.value(node)
    if (value?.type.kind === 'map') return [value]
    if (value?.type.kind === 'slice') return (value.data as GoValue[]).filter(one => one.type.kind === 'map')
    throw new GoError('parseYAML: yaml: map merge requires map or sequence of maps as the value')
  }
}

const isMergeKey = (node: unknown): boolean =>
  typeof node === 'object' &&
  node !== null &&
  'value' in node &&
  node.value === '<<' &&
  (node as {type?: string}).type === 'PLAIN'

const words: ReadonlyMap<string, Argument> = new Map([
  ...['y', 'Y', 'yes', 'Yes', 'YES', 'true', 'True', 'TRUE', 'on', 'On', 'ON'].map((word): [string, Argument] => [
    word,
    makeBool(true),
  ]),
  ...['n', 'N', 'no', 'No', 'NO', 'false', 'False', 'FALSE', 'off', 'Off', 'OFF'].map((word): [string, Argument] => [
    word,
    makeBool(false),
  ]),
  ...['', '~', 'null', 'Null', 'NULL'].map((word): [string, Argument] => [word, undefined]),
  ...['.nan', '.NaN', '.NAN'].map((word): [string, Argument] => [word, makeFloat(Number.NaN)]),
  ...['.inf', '.Inf', '.INF', '+.inf', '+.Inf', '+.INF'].map((word): [string, Argument] => [
    word,
    makeFloat(Number.POSITIVE_INFINITY),
  ]),
  ...['-.inf', '-.Inf', '-.INF'].map((word): [string, Argument] => [word, makeFloat(Number.NEGATIVE_INFINITY)]),
])

const float = /^[-+]?(\.\d+|\d+(\.\d*)?)(e[-+]?\d+)?$/i

function scalar(text: string, isPlain: boolean, tag: string | undefined): Argument {
  if (!isPlain || tag === '!!str' || tag === 'tag:yaml.org,2002:str') return makeString(text)
  if (words.has(text)) return words.get(text)
  const plain = text.replaceAll('_', '')
  const whole = readWhole(plain)
  if (whole !== undefined) {
    return whole === BigInt.asIntN(64, whole) ? makeInt(whole, intType) : {type: float64Type, data: Number(whole)}
  }
  if (float.test(plain)) return makeFloat(Number(plain))
  return makeString(text)
}

function readWhole(text: string): bigint | undefined {
  const [, sign = '', digits = ''] = /^([-+]?)(0x[\da-f]+|0b[01]+|0o?[0-7]+|0|[1-9]\d*)$/i.exec(text) ?? []
  if (digits === '') return undefined
  const value = BigInt(digits.replace(/^0(?=[0-7])/, '0o'))
  return sign === '-' ? -value : value
}
