import type {FunctionTable, TemplateFunction} from '../../gotemplate/builtin/functions.js'
import {GoError, makeString} from '../../gotemplate/value/values.js'
import {define, textOf} from './define.js'
import {type JsonStyle, writeJson} from './json.js'
import {listFunctions} from './lists.js'
import {mathFunctions} from './maths.js'
import {parseFunctions} from './parse.js'
import {regexFunctions} from './regex.js'
import {sprigFunctions} from './sprig/index.js'
import {textFunctions, trimSpace} from './text.js'
import {formatTime} from './time.js'
import {writeToml} from './toml.js'
import {writeYaml} from './yaml.js'
import {readYaml} from './yaml-read.js'

const json = (style: JsonStyle): TemplateFunction =>
  define('any', 'string', value => makeString(trimSpace(writeJson(value, style))))

const encoders: readonly (readonly [string, TemplateFunction])[] = [
  ['toJSON', json({indent: '', escapeHtml: true})],
  ['toJSONPretty', json({indent: '  ', escapeHtml: true})],
  ['toUnescapedJSON', json({indent: '', escapeHtml: false})],
  ['toUnescapedJSONPretty', json({indent: '  ', escapeHtml: false})],
  ['toTOML', define('any', 'string', value => makeString(trimSpace(writeToml(value))))],
  ['parseYAML', define('string', 'any', value => readYaml(textOf(value)))],
  ['toYAML', define('any', 'string', value => makeString(trimSpace(writeYaml(value))))],
]

/** The functions of consul-template whose result depends only on their arguments. */
export const pureFunctions: FunctionTable = new Map([
  ...textFunctions,
  ...listFunctions,
  ...parseFunctions,
  ...regexFunctions,
  ...mathFunctions,
  ...encoders,
  ...sprigFunctions,
])

/** The clock and the environment variables that `timestamp` and `env` read. */
export interface Surroundings {
  readonly now: () => number
  readonly env: Readonly<Record<string, string | undefined>>
}

/** The functions that read the clock and environment variables. */
export function surroundingFunctions({now, env}: Surroundings): FunctionTable {
  return new Map<string, TemplateFunction>([
    ['env', define('string', 'string', name => makeString(env[textOf(name)] ?? ''))],
    [
      'envOrDefault',
      define('string string', 'string', (name, otherwise) => {
        const value = env[textOf(name)]
        return makeString(value ?? textOf(otherwise))
      }),
    ],
    [
      'mustEnv',
      define('string', 'string', name => {
        const value = env[textOf(name)]
        if (value === undefined || value === '') {
          throw new GoError(`required environment variable ${textOf(name)} is empty`)
        }
        return makeString(value)
      }),
    ],
    ['timestamp', define('string...', 'string', (...layouts) => makeString(timestamp(now(), layouts.map(textOf))))],
  ])
}

function timestamp(nowMs: number, layouts: readonly string[]): string {
  const [layout = '2006-01-02T15:04:05Z07:00'] = layouts
  if (layouts.length > 1) {
    throw new GoError(`timestamp: wrong number of arguments, expected 0 or 1, but got ${layouts.length}`)
  }
  return layout === 'unix' ? String(Math.floor(nowMs / 1000)) : formatTime(new Date(nowMs), layout)
}
