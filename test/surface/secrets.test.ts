import {beforeAll, describe, expect, it} from 'vitest'
import {flagShapes} from '../../src/cli/base-command.js'
import {describeSettings} from '../../src/cli/settings.js'
import type {CommandClass} from '../../src/main/command-table.js'
import {loadCommands} from './command-files.js'

let commands: ReadonlyMap<string, CommandClass> = new Map()
beforeAll(async () => {
  commands = await loadCommands()
})

/** Settings that contain a secret, with values as a user would give them. */
const secrets: Readonly<Record<string, unknown>> = {
  token: 's3cret',
  'source-token': 's3cret',
  'consul-auth': 'user:s3cret',
  'http-header': ['Authorization: Bearer s3cret', 'X-Key=s3cret'],
  'http-addr': 'https://user:s3cret@agent:8501',
  'source-http-addr': 'user:s3cret@agent:8500',
}

/** Names that sound like secrets but belong to paths, names or switches. */
const harmless =
  /-file$|^keys?$|^keys-dir$|^trust-dir$|^client-key$|^source-client-key$|^lock-keys$|disable-keep-alives$|dial-keep-alive$/

describe('the settings that --print-config shows', () => {
  it('contain no secret, in any command', () => {
    const shown = [...commands].flatMap(([id, command]) => {
      const shapes = flagShapes(command)
      const values = Object.fromEntries(Object.keys(shapes).map(name => [name, secrets[name]]))
      const text = JSON.stringify(describeSettings(shapes, values, new Map()))
      return text.includes('s3cret') ? [`${id}: ${text}`] : []
    })
    expect(shown).toEqual([])
  })

  it('contain no user, password or token of an address and no private key, in any setting', () => {
    const texts = [
      'http://user:s3cret@host/x',
      'http://host/hook?a=b&access_token=s3cret',
      '-----BEGIN KEY-----\ns3cret',
    ]
    for (const [id, command] of commands) {
      const shapes = flagShapes(command)
      for (const text of texts) {
        const values = Object.fromEntries(
          Object.entries(shapes).map(([name, {type}]) => [name, type === 'option' ? [text] : false]),
        )
        expect(JSON.stringify(describeSettings(shapes, values, new Map())), id).not.toContain('s3cret')
      }
    }
  })

  it('are listed in this test as secret or as harmless if their name suggests a secret', () => {
    const unknown = [...commands].flatMap(([id, command]) =>
      Object.entries(flagShapes(command))
        .flatMap(([name, {type}]) => (type === 'option' ? [name] : []))
        .filter(name => /token|auth|passw|secret|key|header|cred/.test(name))
        .filter(name => !Object.hasOwn(secrets, name) && !harmless.test(name))
        .map(name => `${id} --${name}`),
    )
    expect(unknown).toEqual([])
  })
})
