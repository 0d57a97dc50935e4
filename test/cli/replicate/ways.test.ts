import {describe, expect, it} from 'vitest'
import {waitUntil} from '../../kit/wait-until.js'
import {twoDatacenters} from './two-datacenters.js'

const {addressOf, at, file, put, replicate, start} = twoDatacenters()

describe('baton replicate with settings for single prefixes', () => {
  it('reads the patterns and connections of a prefix from its block in the configuration file, and shows no token', async () => {
    await put('dc1', {'blk/keep': '1', 'blk/x.tmp': '1', 'blk/sub/y.tmp': '1', 'blk2/a': '1'})
    const config = file(
      'blocks.hcl',
      `prefix {
         source = "blk/"
         destination = "blk-copy/"
         exclude_glob = ["blk/*.tmp"]
         from { address = "${addressOf('dc1')}" token = "very-secret" }
       }
       prefix { source = "blk2/@dc1:blk2-copy/" }`,
    )
    expect(await replicate('-config', config, '-once')).toMatchObject({exitCode: 0, stderr: ''})
    expect(await at('dc2').kvKeys('blk-copy')).toEqual(['blk-copy/keep', 'blk-copy/sub/y.tmp'])
    expect(await at('dc2').kvKeys('blk2-copy/')).toEqual(['blk2-copy/a'])
    const {stdout} = await replicate('-config', config, '--print-config')
    expect(stdout).toContain('blk/*.tmp')
    expect(stdout).not.toContain('very-secret')
  })

  it.each([
    ['a pattern that cannot be compiled', 'exclude_regex = "("', /prefix blk@dc1:o: exclude_regex: '\('/],
    ['an unknown name', 'exclud = "x"', /'prefix.exclud' is unknown|prefix\.exclud/],
    ['an empty pattern', 'include = ""', /prefix\.include must be/],
  ])('refuses %s with exit code 15', async (_, line, message) => {
    const config = file('wrong.hcl', `prefix {\n source = "blk@dc1"\n destination = "o"\n ${line}\n}`)
    const {exitCode, stderr} = await replicate('-config', config, '-once')
    expect(exitCode).toBe(15)
    expect(stderr).toMatch(message)
  })

  it('accepts the same settings as flags for all prefixes', async () => {
    await put('dc1', {'pat/a': '1', 'pat/b': '1', 'pat/c.tmp': '1'})
    const flags = ['--include-regex', 'pat/[ac]', '--exclude-glob', '**.tmp']
    expect(await replicate('pat/@dc1:pat2/', ...flags, '--once')).toMatchObject({exitCode: 0})
    expect(await at('dc2').kvKeys('pat2/')).toEqual(['pat2/a'])
    expect(await replicate('pat/@dc1:pat2/', '--include', '', '--once')).toMatchObject({exitCode: 13})
  })
})

describe('baton replicate --lock', () => {
  it('copies while it holds the lock, and waits while another process holds the lock', async () => {
    await put('dc1', {'ha/a': '1'})
    await using first = start('ha/@dc1:ha2/', '--lock', 'ha-lock')
    await waitUntil(async () => (await at('dc2').kvKeys('ha2/')).length === 1, {what: 'the first copy'})
    await using second = start('ha/@dc1:ha2/', '--lock', 'ha-lock')
    await second.waitForOutput(/standing by: the lock ha-lock is held by/)
    first.kill('SIGTERM')
    expect((await first.exited).exitCode).toBe(12)
    await second.waitForOutput(/the lock ha-lock is held: copying/)
    await put('dc1', {'ha/b': '1'})
    await waitUntil(async () => (await at('dc2').kvKeys('ha2/')).length === 2, {what: 'the copy of the second one'})
    second.kill('SIGTERM')
    expect((await second.exited).exitCode).toBe(12)
  })

  it('refuses a lock whose key lies below a destination', async () => {
    const {exitCode, stderr} = await replicate('ha/@dc1:ha2/', '--lock', 'ha2/lock', '--once')
    expect(exitCode).toBe(13)
    expect(stderr).toMatch(/--lock: 'ha2\/lock' is below the destination 'ha2\/'/)
  })
})

describe('baton replicate --shadow', () => {
  it('prints what a replication pass would change, and writes nothing', async () => {
    await put('dc1', {'shd/a': '1'})
    await using command = start('shd/@dc1:shd2/', '--shadow', '--ndjson')
    // No program writes a status key, so the comparison waits until its time limit.
    await waitUntil(() => command.stdout.includes('"not-written"'), {what: 'the difference', timeoutMs: 45_000})
    expect(JSON.parse(command.stdout.split('\n')[0]!)).toMatchObject({
      type: 'shadow',
      isBehind: true,
      differences: [{key: 'shd2/a', kind: 'not-written'}],
    })
    expect(await at('dc2').kvKeys('shd2/')).toEqual([])
    command.kill('SIGTERM')
    expect((await command.exited).exitCode).toBe(12)
  })
})

describe('baton replicate with --on-drift', () => {
  it('reports keys that other clients have changed, and leaves them alone', async () => {
    await put('dc1', {'dr/a': '1', 'dr/b': '1'})
    await using command = start('dr/@dc1:dr2/', '--protect')
    await waitUntil(async () => (await at('dc2').kvKeys('dr2/')).length === 2, {what: 'the first copy'})
    await put('dc2', {'dr2/a': 'foreign'})
    await command.waitForOutput(/1 key was changed at the destination by another client, and is left alone: dr2\/a/)
    command.kill('SIGTERM')
    await command.exited
    expect(await replicate('dr/@dc1:dr2/', '--report', '--protect', '--once')).toMatchObject({exitCode: 13})
    expect((await replicate('dr/@dc1:dr2/', '--once')).exitCode).toBe(0)
    expect((await at('dc2').kvGet('dr2/a'))?.value).toBe('1')
  })
})
