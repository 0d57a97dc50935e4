import {describe, expect, it} from 'vitest'
import {createDecoder} from '../../../src/discover/document.js'

const decodeText = async (kind: 'document' | 'folder', text: string | Uint8Array) => {
  const decode = await createDecoder(kind)
  return decode('app/services', typeof text === 'string' ? Buffer.from(text) : text)
}

describe('a services document', () => {
  it('is decoded even if it has unknown fields, which are ignored', async () => {
    const text =
      '{"v":2,"services":[{"uri":"http://a:1/x","zone":"z","capabilities":[{"name":"resize","capacity":23}]}]}'
    expect(await decodeText('document', text)).toEqual([
      {uri: 'http://a:1/x', capabilities: [{name: 'resize', capacity: 23}]},
    ])
  })

  it('may contain no services, and services without capabilities', async () => {
    expect(await decodeText('document', '{"services":[]}')).toEqual([])
    expect(await decodeText('document', '{"services":[{"uri":"tcp://a:1"}]}')).toEqual([
      {uri: 'tcp://a:1', capabilities: []},
    ])
  })

  it('may be a single service instead of a list if it comes from a folder of keys', async () => {
    expect(await decodeText('folder', '{"uri":"http://a"}')).toEqual([{uri: 'http://a', capabilities: []}])
    expect(await decodeText('folder', '{"services":[{"uri":"http://a"}]}')).toHaveLength(1)
    await expect(decodeText('document', '{"uri":"http://a"}')).rejects.toThrow('services: ')
  })

  it.each([
    ['', 'services document app/services: empty'],
    ['  \n', 'services document app/services: empty'],
    ['{"services":', 'services document app/services: not JSON: unexpected end'],
    [Uint8Array.of(0xff, 0xfe), 'services document app/services: not UTF-8'],
    ['[]', 'services document app/services: document: must be an object'],
    ['null', 'services document app/services: document: '],
    ['{"services":{}}', 'services document app/services: services: '],
    ['{"services":[{"uri":"resize-1:80"}]}', 'services document app/services: services[0].uri: not a URI with a host'],
    [
      '{"services":[{"uri":"http://a","capabilities":[{"name":"x","capacity":-1}]}]}',
      'services[0].capabilities[0].capacity: must be at least 0',
    ],
    [
      '{"services":[{"uri":"http://a","capabilities":[{"name":"","capacity":1}]}]}',
      'services[0].capabilities[0].name: must not be empty',
    ],
    [
      '{"services":[{"uri":"http://a","capabilities":[{"name":"x","capacity":"1"}]}]}',
      'services[0].capabilities[0].capacity: must be a number',
    ],
  ])('is refused with one line that names the invalid field (content: %j)', async (text, message) => {
    const error = await decodeText('document', text).then(
      () => undefined,
      (thrown: unknown) => thrown as Error,
    )
    expect(error?.message).toContain(message)
    expect(error?.message).not.toContain('\n')
    expect(error).toMatchObject({code: 'BATON_CONFIG'})
  })
})
