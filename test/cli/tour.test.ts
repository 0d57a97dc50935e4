import {mkdtempSync, readdirSync, rmSync, symlinkSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {useLeakCheck} from '../kit/leaks.js'
import {startCli} from '../kit/run-cli.js'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'baton-test-tour-'))
})
afterAll(() => rmSync(folder, {recursive: true}))

const leftovers = (): string[] => readdirSync(folder).filter(name => name.startsWith('baton-tour-'))

describe('baton tour', () => {
  useLeakCheck()

  it('shows lock, exec, replicate and discover, and leaves no process and no file behind', async () => {
    await using tour = startCli(['tour'], {env: {TMPDIR: folder}})
    const {exitCode, stdout, stderr} = await tour.exited
    expect({exitCode, stderr}).toEqual({exitCode: 0, stderr: ''})
    expect(stdout).toMatch(/waiting for jobs\/nightly/)
    expect(stdout).toMatch(/A done[\s\S]*B done|B done[\s\S]*A done/)
    expect(stdout).toMatch(/web-1: hello from web-1/)
    expect(stdout).toMatch(/2 \/ 2 node\(s\) completed/)
    expect(stdout).not.toMatch(/hello from db-1/)
    expect(stdout).toMatch(/\[dc2\] 100[\s\S]*\[dc2\] 250/)
    expect(stdout).toMatch(/pool02/)
    expect(leftovers()).toEqual([])
  })

  it('needs nothing but Node, a POSIX shell and sleep on the machine', async () => {
    const bin = mkdtempSync(join(tmpdir(), 'baton-path-'))
    try {
      symlinkSync(process.execPath, join(bin, 'node'))
      symlinkSync('/bin/sh', join(bin, 'sh'))
      symlinkSync('/bin/sleep', join(bin, 'sleep'))
      await using tour = startCli(['tour'], {env: {PATH: bin}})
      const {exitCode, stdout, stderr} = await tour.exited
      expect({exitCode, stderr}).toEqual({exitCode: 0, stderr: ''})
      expect(stdout).toMatch(/2 \/ 2 node\(s\) completed/)
      expect(stdout).not.toMatch(/not found|ENOENT|curl/)
    } finally {
      rmSync(bin, {recursive: true})
    }
  })

  it('stops when stdout is closed, and leaves no process and no file behind', async () => {
    await using tour = startCli(['tour'], {env: {TMPDIR: folder}})
    await tour.waitForOutput(/acquired jobs\/nightly/)
    tour.closeStdout()
    const {exitCode, stdout, stderr} = await tour.exited
    expect({exitCode, stderr}).toEqual({exitCode: 0, stderr: ''})
    expect(stdout).not.toMatch(/exec: a command on every/)
    expect(leftovers()).toEqual([])
  })

  it('shows services from files, checks, DNS, and a file of nginx that follows them, with nothing but Node and a shell', async () => {
    const bin = mkdtempSync(join(tmpdir(), 'baton-path-'))
    try {
      symlinkSync(process.execPath, join(bin, 'node'))
      symlinkSync('/bin/sh', join(bin, 'sh'))
      symlinkSync('/bin/sleep', join(bin, 'sleep'))
      await using tour = startCli(['tour', 'services'], {env: {TMPDIR: folder, PATH: bin}})
      const {exitCode, stdout, stderr} = await tour.exited
      expect({exitCode, stderr}).toEqual({exitCode: 0, stderr: ''})
      const addresses = (question: string, after = ''): string[] => {
        const text = stdout.slice(stdout.indexOf(after))
        const [, answer = ''] = text.split(`+noall +answer ${question}\n`)
        return [...(answer.split('$')[0]?.matchAll(/IN\tA\t(\S+)/g) ?? [])].map(([, address = '']) => address)
      }
      const all = [10, 211, 212, 213, 214].map(host => `10.202.2.${host}`)
      expect(addresses('hopscotch.service.consul')).toEqual(all)
      expect(addresses('+tcp hopscotch.service.consul')).toEqual(all)
      expect(addresses('beta.hopscotch.service.consul')).toEqual(['10.202.2.10'])
      expect(addresses('hopscotch.service.consul', '(web4 stops)')).toEqual(all.slice(0, 4))
      const file = (...hosts: number[]): string =>
        ['nginx.cfg\n  upstream hopscotch {', ...hosts.map(host => `   server 10.202.2.${host}:8084;`), '  }\n'].join(
          '\n',
        )
      expect(stdout).toContain(file(211, 212, 213, 214))
      expect(stdout).toMatch(/- server 10\.202\.2\.214[\s\S]*nginx reloads[\s\S]*\+ server 10\.202\.2\.214/)
      expect(stdout).toMatch(/nginx: starts[\s\S]*nginx: reloads/)
      expect(stdout).toContain(file(211, 212, 214))
      expect(leftovers()).toEqual([])
    } finally {
      rmSync(bin, {recursive: true})
    }
  })

  it('stops at once on a signal, and leaves no process and no file behind', async () => {
    await using tour = startCli(['tour'], {env: {TMPDIR: folder}})
    await tour.waitForOutput(/acquired jobs\/nightly/)
    tour.kill('SIGINT')
    expect(await tour.exited).toMatchObject({exitCode: 130})
    expect(leftovers()).toEqual([])
  })
})
