import {mkdtempSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterAll, describe, expect, it} from 'vitest'
import {backends, sharedAgent} from '../../kit/backend.js'
import {startInProcess} from '../../kit/run-in-process.js'

const folder = mkdtempSync(join(tmpdir(), 'baton-ui-'))
afterAll(() => rmSync(folder, {recursive: true}))

const statusOf = async (url: string, headers: Readonly<Record<string, string>> = {}): Promise<number> => {
  const controller = new AbortController()
  const {status} = await fetch(url, {headers, signal: controller.signal})
  controller.abort()
  return status
}

describe.each(backends.slice(0, 1))('baton ui on $name', backend => {
  const agent = sharedAgent(backend)
  const start = async (...words: readonly string[]) => {
    const command = startInProcess(['ui', ...words], {agent})
    const [line] = await command.waitForOutput(/^http.*$/m)
    return {command, url: new URL(line)}
  }

  it('serves the page to this machine without a token, and ends with 0 on a signal', async () => {
    const {command, url} = await start('--listen', '127.0.0.1:0')
    await using _command = command
    const page = await fetch(url)
    expect(await page.text()).toContain('<title>baton</title>')
    expect(page.headers.get('content-security-policy')).toMatch(/^default-src 'none'; script-src 'self';/)
    expect(await statusOf(`${url.origin}/page.js`)).toBe(200)
    expect(await statusOf(`${url.origin}/events`)).toBe(200)
    command.kill('SIGTERM')
    expect(await command.exited).toMatchObject({exitCode: 0, stderr: ''})
  })

  it('refuses requests whose Host header names another host, as after DNS rebinding', async () => {
    const {command, url} = await start('--listen', '127.0.0.1:0')
    await using _command = command
    const {request} = await import('node:http')
    const answer = await new Promise<number | undefined>((resolve, reject) => {
      const headers = {host: 'rebound.example'}
      const one = request(`${url.origin}/events`, {headers, agent: false}, ({statusCode}) => {
        one.destroy()
        resolve(statusCode)
      })
      one.on('error', reject).end()
    })
    expect(answer).toBe(403)
  })

  it('requires the token that it printed if it listens on more than the loopback address', async () => {
    const {command, url} = await start('--listen', '0.0.0.0:0')
    await using _command = command
    const events = `http://127.0.0.1:${url.port}/events`
    const token = url.hash.replace('#token=', '')
    expect(token).toMatch(/^[\w-]{24}$/)
    expect(await statusOf(events)).toBe(401)
    expect(await statusOf(events, {authorization: 'Bearer wrong'})).toBe(401)
    expect(await statusOf(events, {authorization: `Bearer ${token}`})).toBe(200)
    expect(await statusOf(`http://127.0.0.1:${url.port}/`)).toBe(200)
  })

  it('reads the token from a file and does not print it', async () => {
    const file = join(folder, 'token')
    writeFileSync(file, 'a-token-of-a-file\n')
    const {command, url} = await start('--listen', '127.0.0.1:0', '--access-token-file', file)
    await using _command = command
    expect(url.hash).toBe('')
    expect(await statusOf(`${url.origin}/events`)).toBe(401)
    expect(await statusOf(`${url.origin}/events`, {authorization: 'Bearer a-token-of-a-file'})).toBe(200)
  })

  it.each([
    ['is missing', 'none'],
    ['is short', 'short'],
  ])('refuses a token file that %s', async (_, name) => {
    writeFileSync(join(folder, 'short'), 'abc\n')
    const file = join(folder, name)
    await using command = startInProcess(['ui', '--listen', '127.0.0.1:0', '--access-token-file', file], {agent})
    const {exitCode, stderr} = await command.exited
    expect(exitCode).toBe(64)
    expect(stderr).toContain(file)
  })
})
