import {mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync, symlinkSync, truncateSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterEach, beforeEach, describe, expect, it} from 'vitest'
import {AuditLog, auditCommand} from '../../../../src/exec/responder/audit-log.js'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'audit-'))
})
afterEach(() => rmSync(folder, {recursive: true, force: true}))

describe('the audit log of a responder', () => {
  const path = (): string => join(folder, 'audit.jsonl')
  const jobsIn = (name: string): string[] =>
    readFileSync(join(folder, name), 'utf8')
      .trim()
      .split('\n')
      .map(line => (JSON.parse(line) as {job: string}).job)

  it('contains a line for each entry, in order, and keeps earlier lines', async () => {
    for (const jobs of [['a', 'b'], ['c']]) {
      await using log = await AuditLog.open(path())
      await Promise.all(jobs.map(job => log.write(0, {verdict: 'refused', job, code: 'expired'})))
    }
    expect(jobsIn('audit.jsonl')).toEqual(['a', 'b', 'c'])
    expect(JSON.parse(readFileSync(path(), 'utf8').split('\n')[0] ?? '')).toEqual({
      v: 1,
      t: '1970-01-01T00:00:00.000Z',
      verdict: 'refused',
      job: 'a',
      code: 'expired',
    })
    expect(statSync(path()).mode & 0o777).toBe(0o600)
  })

  it('begins a new file if the old one is large or was moved away', async () => {
    await using log = await AuditLog.open(path())
    await log.write(0, {verdict: 'refused', job: 'a'})
    renameSync(path(), join(folder, 'moved'))
    await log.write(0, {verdict: 'refused', job: 'b'})
    expect([jobsIn('moved'), jobsIn('audit.jsonl')]).toEqual([['a'], ['b']])
    for (let at = 0; at < 7; at += 1) {
      truncateSync(path(), 11 * 1024 * 1024)
      await log.write(0, {verdict: 'refused', job: `c${at}`})
    }
    expect(jobsIn('audit.jsonl')).toEqual(['c6'])
    const kept = [1, 2, 3, 4, 5].map(at => `audit.jsonl.${at}`)
    expect(readdirSync(folder).toSorted()).toEqual(['audit.jsonl', ...kept, 'moved'])
  })

  it('rejects if a line cannot be written, and refuses a file that is a symbolic link', async () => {
    await using log = await AuditLog.open(path())
    rmSync(folder, {recursive: true})
    await expect(log.write(0, {verdict: 'refused', job: 'a'})).rejects.toThrow('ENOENT')
    folder = mkdtempSync(join(tmpdir(), 'audit-'))
    symlinkSync('/dev/null', path())
    await expect(AuditLog.open(path())).rejects.toMatchObject({code: 'BATON_CONFIG'})
  })

  it('shortens the text of a command, but hashes the whole command', () => {
    const [long, longer] = ['x'.repeat(5000), 'x'.repeat(5001)].map(line => auditCommand({kind: 'shell', line}))
    expect(long?.text).toHaveLength(1000)
    expect(long?.sha256).not.toBe(longer?.sha256)
    expect(auditCommand({kind: 'script', script: Buffer.from('secret')}).text).toBeUndefined()
  })
})
