import type {ConnectionSettings} from '../../config/connection.js'
import type {Settings} from '../../config/files.js'
import type {PrefixSettings} from '../../config/replicate-schema.js'
import {withoutSecrets} from '../../config/secrets.js'
import type {ConsulClient} from '../../core/client.js'
import {UsageError} from '../../core/errors.js'
import {formatMapping, parseMapping} from '../../replicate/mapping.js'
import type {Mapping, MappingOptions} from '../../replicate/types.js'
import {withConsulReplicate} from './connection.js'
import {toFilter} from './patterns.js'

const withoutLayers = {env: {}, sources: new Map<string, string>()}

/** The connections of the whole run, which prefixes without settings of their own use. */
export interface Connections {
  readonly from: ConnectionSettings
  readonly to: ConnectionSettings
  readonly open: (settings: ConnectionSettings) => ConsulClient
  readonly warn: (text: string) => void
}

/** Adds to each mapping the settings that files contain for its prefix. */
export async function withPrefixSettings(
  mappings: readonly Mapping[],
  prefixes: readonly PrefixSettings[],
  connections: Connections,
): Promise<readonly MappingOptions[]> {
  const blocks = new Map<string, PrefixSettings>()
  for (const block of prefixes) {
    const name = formatMapping(parseMapping(block.prefix, {datacenterRequired: false}))
    const other = blocks.get(name)
    if (other && textOf(other) !== textOf(block))
      throw configError(block, `prefix ${name} is given twice, with different settings`)
    blocks.set(name, block)
  }
  return await Promise.all(
    mappings.map(async mapping => {
      const block = blocks.get(formatMapping(mapping))
      return block ? {...mapping, ...(await ownSettings(block, connections))} : mapping
    }),
  )
}

const textOf = ({patterns, from, to}: PrefixSettings): string => JSON.stringify([patterns, from, to])

const configError = ({path}: PrefixSettings, text: string): UsageError =>
  new UsageError(`config: ${path}: ${text}`, {code: 'BATON_CONFIG'})

async function ownSettings(
  block: PrefixSettings,
  {from, to, open, warn}: Connections,
): Promise<Omit<MappingOptions, keyof Mapping>> {
  const filter = await toFilter(block.patterns, (name, why) =>
    configError(block, `prefix ${block.prefix}: ${name.replaceAll('-', '_')}: ${why}`),
  )
  const client = (own: Settings, base: ConnectionSettings): ConsulClient => {
    const {settings, warning} = withConsulReplicate(layered(own, base), own, withoutLayers)
    if (warning !== undefined) warn(`prefix ${block.prefix}: ${warning}`)
    return open(settings)
  }
  return {
    ...filter,
    ...(block.from && {sourceClient: client(block.from, from)}),
    ...(block.to && {destinationClient: client(block.to, to)}),
  }
}

/**
 * Merges a prefix's own connection settings with those of the whole run. If the prefix has an address of its own, only
 * its own settings are used, because a token for one server must not be sent to another. Otherwise its settings replace
 * only those of the same name, and if they name a token, all other tokens are dropped.
 */
function layered(own: Settings, base: ConnectionSettings): ConnectionSettings {
  const {'consul-auth': _auth, 'consul-ssl': _ssl, 'consul-ssl-verify': _verify, ...plain} = own
  const settings = plain as ConnectionSettings
  if (settings['http-addr'] !== undefined) return settings
  const {token, 'token-file': tokenFile, ...rest} = base
  const hasToken = settings.token !== undefined || settings['token-file'] !== undefined
  return {
    ...rest,
    ...(!hasToken && token !== undefined && {token}),
    ...(!hasToken && tokenFile !== undefined && {'token-file': tokenFile}),
    ...settings,
  }
}

/** Returns the part of --print-config that shows prefixes with their own settings. */
export const shownPrefixes = (prefixes: readonly PrefixSettings[]): readonly unknown[] =>
  prefixes.map(({prefix, patterns, from, to}) => ({
    prefix,
    ...patterns,
    ...(from && {from: shown(from)}),
    ...(to && {to: shown(to)}),
  }))

const shown = (settings: Settings): Settings =>
  Object.fromEntries(Object.entries(settings).map(([name, value]) => [name, withoutSecrets(name, value)]))
