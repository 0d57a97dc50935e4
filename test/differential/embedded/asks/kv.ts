import fc from 'fast-check'
import {type Asks, get, holder, index, key, rarely, value} from './ask.js'

const prefix = fc.constantFrom('', 'a', 'a/', 'd', 'none/')
const flags = fc.constantFrom('0', '7', '18446744073709551615')
const url = (name: string): string => `/v1/kv/{p}/${encodeURIComponent(name)}`

export const kvReads: Asks = fc.oneof(
  fc
    .tuple(key, fc.constantFrom('', '?raw', '?consistent', '?stale', '?pretty', '?raw&recurse', '?stale&max_stale=1s'))
    .map(([name, mode]) => ({method: 'GET', path: `${url(name)}${mode}`})),
  fc
    .tuple(
      prefix,
      fc.constantFrom('recurse', 'keys', 'keys&separator=/', 'keys&separator=b', 'recurse&keys', 'keys&separator='),
      rarely('&dc=dc1', '&stale', '&consistent'),
    )
    .map(([name, mode, more]) => get(`kv/{p}/${name}?${mode}${more}`)),
)

export const kvWrites: Asks = fc.oneof(
  fc.tuple(key, value, flags).map(([name, body, flag]) => ({method: 'PUT', path: `${url(name)}?flags=${flag}`, body})),
  fc.tuple(key, value).map(([name, body]) => ({method: 'PUT', path: url(name), body})),
  key.chain(name =>
    fc
      .tuple(value, index(name), rarely('&flags=3', '&dc=dc1'))
      .map(([body, at, more]) => ({method: 'PUT', path: `${url(name)}?cas=${at}${more}`, body})),
  ),
  fc
    .tuple(key, value, holder, fc.constantFrom('acquire', 'acquire', 'release'), rarely('&flags=5'))
    .map(([name, body, session, verb, more]) => ({
      method: 'PUT',
      path: `${url(name)}?${verb}=${session}${more}`,
      body,
    })),
)

export const kvDeletes: Asks = fc.oneof(
  key.map(name => ({method: 'DELETE', path: url(name)})),
  key.chain(name => index(name).map(at => ({method: 'DELETE', path: `${url(name)}?cas=${at}`}))),
  prefix.map(name => ({method: 'DELETE', path: `/v1/kv/{p}/${name}?recurse`})),
)
