import {readdirSync, statSync} from 'node:fs'
import {briefPath} from '../core/brief.js'
import type {ClientOptions} from '../core/client.js'
import {UsageError} from '../core/errors.js'
import type {TlsOptions} from '../core/http/tls.js'
import {readInputSync, whyUnreadable} from '../core/input.js'
import {belongTogether, checkCertificates, checkPrivateKey} from './pem.js'

/** The connection settings of Consul's tools, by the names of their flags. */
export interface ConnectionSettings {
  readonly 'http-addr'?: string
  readonly token?: string
  readonly 'token-file'?: string
  readonly 'http-auth'?: string
  readonly 'http-ssl'?: boolean
  readonly 'http-ssl-verify'?: boolean
  readonly 'ca-file'?: string
  readonly 'ca-path'?: string
  readonly 'client-cert'?: string
  readonly 'client-key'?: string
  readonly 'tls-server-name'?: string
  readonly datacenter?: string
  readonly namespace?: string
  readonly partition?: string
  readonly stale?: boolean
}

/** Converts settings to options of a client. Reads the files that they name; errors name the setting and the file. */
export function toClientOptions(settings: ConnectionSettings): ClientOptions {
  const tls = readTls(settings)
  const token = tokenSource(settings)
  return {
    ...(settings['http-addr'] !== undefined && settings['http-addr'] !== '' && {address: settings['http-addr']}),
    ...(settings['http-ssl'] === true && {ssl: true}),
    ...(tls && {tls}),
    ...(token !== undefined && {token}),
    ...(settings['http-auth'] !== undefined && {auth: settings['http-auth']}),
    ...(settings.datacenter !== undefined && {datacenter: settings.datacenter}),
    ...(settings.namespace !== undefined && {namespace: settings.namespace}),
    ...(settings.partition !== undefined && {partition: settings.partition}),
    ...(settings.stale === true && {consistency: 'stale' as const}),
  }
}

/** Throws a UsageError for a token that cannot be sent in a header. The message does not contain the token. */
function checkToken(name: string, token: string): void {
  if (/[^\x20-\x7e]/.test(token))
    throw new UsageError(`${name}: holds characters that a token does not have`, {code: 'BATON_CONFIG'})
}

/**
 * Returns the token or its source. A token file takes precedence over a token, as in Consul's client. Unlike Consul's
 * client, baton reads the file again when it changes.
 */
function tokenSource(settings: ConnectionSettings): ClientOptions['token'] {
  const file = settings['token-file']
  if (file === undefined || file === '') {
    checkToken('token', settings.token ?? '')
    return settings.token
  }
  let seen = ''
  let token = ''
  const refresh = (): string => {
    const {mtimeMs, size, ino} = statSync(file)
    const mark = `${mtimeMs}/${size}/${ino}`
    if (mark !== seen) {
      token = readInputSync(file).toString().trim()
      seen = mark
    }
    return token
  }
  try {
    refresh()
  } catch (error) {
    throw unreadable('token-file', file, error)
  }
  checkToken(`token-file: ${file}`, token)
  return () => {
    try {
      return refresh()
    } catch {
      // The file may be in the middle of being replaced, so the last token is used until the file can be read.
      return token
    }
  }
}

function readTls(settings: ConnectionSettings): TlsOptions | undefined {
  const certFile = settings['client-cert']
  const keyFile = settings['client-key']
  if ((certFile === undefined) !== (keyFile === undefined)) {
    throw new UsageError('client-cert and client-key: one is given without the other', {code: 'BATON_CONFIG'})
  }
  const ca = readCas(settings)
  const serverName = settings['tls-server-name']?.replace(/:\d+$/, '')
  const tls: TlsOptions = {
    ...(ca && {ca}),
    ...(certFile !== undefined && {cert: readPem('client-cert', certFile, checkCertificates)}),
    ...(keyFile !== undefined && {key: readPem('client-key', keyFile, checkPrivateKey)}),
    ...(serverName !== undefined && {servername: serverName}),
    ...(settings['http-ssl-verify'] === false && {rejectUnauthorized: false}),
  }
  if (tls.cert !== undefined && tls.key !== undefined && !belongTogether(tls.cert, tls.key)) {
    throw new UsageError(`client-key: ${keyFile ?? ''} is not the key of ${certFile ?? ''}`, {code: 'BATON_CONFIG'})
  }
  return Object.keys(tls).length === 0 ? undefined : tls
}

function readCas(settings: ConnectionSettings): string[] | undefined {
  const file = settings['ca-file']
  const path = settings['ca-path']
  if (file !== undefined) return [readPem('ca-file', file, checkCertificates)]
  if (path === undefined) return undefined
  let names: string[]
  try {
    names = readdirSync(path)
  } catch (error) {
    throw unreadable('ca-path', path, error)
  }
  return names.map(name => readPem('ca-path', `${path}/${name}`, checkCertificates))
}

function readPem(name: string, file: string, check: (text: string) => string | undefined): string {
  const text = readSetting(name, file)
  const fault = check(text)
  if (fault !== undefined) throw new UsageError(`${name}: ${file}: ${fault}`, {code: 'BATON_CONFIG'})
  return text
}

function readSetting(name: string, file: string): string {
  try {
    return readInputSync(file).toString()
  } catch (error) {
    throw unreadable(name, file, error)
  }
}

function unreadable(name: string, file: string, cause: unknown): UsageError {
  return new UsageError(`${name}: cannot read ${briefPath(file)}: ${whyUnreadable(cause)}`, {
    code: 'BATON_CONFIG',
    cause,
  })
}
