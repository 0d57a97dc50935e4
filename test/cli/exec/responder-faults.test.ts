import {readFileSync, rmSync, writeFileSync} from 'node:fs'
import {describe, expect, it} from 'vitest'
import {openFleet} from '../../chaos/exec/fleet.js'
import {backends, sharedAgent} from '../../kit/backend.js'
import {descendants, isAlive} from '../../kit/processes.js'
import {type CommandResult, runCli, startCli} from '../../kit/run-cli.js'
import {waitUntil} from '../../kit/wait-until.js'

const backend = backends.find(({name}) => name === 'embedded') ?? backends[0]!

/** Returns the IDs of the guardians that a responder has started. */
const guardiansOf = (pid: number): readonly number[] =>
  descendants(pid)
    .filter(one => one.ppid === pid && readFileSync(`/proc/${one.pid}/cmdline`, 'latin1').includes('baton-guardian'))
    .map(one => one.pid)

describe('baton responder', () => {
  const agent = sharedAgent(backend)

  it('reads its policy for unsigned jobs again when it receives HUP, and keeps the old one if the new one is not valid', async () => {
    await using fleet = await openFleet(agent.address)
    const policy = `${fleet.path}/policy.json`
    const allow = (program: string): void => writeFileSync(policy, JSON.stringify({argv_allow: [[program, '.*']]}))
    allow('/bin/echo')
    const flags = ['--allow-unsigned', '--unsigned-policy', policy]
    const responder = await fleet.start('h1', {flags})
    const exec = (...argv: string[]): Promise<CommandResult> =>
      runCli(['exec', '--unsigned', '--ack-timeout', '20s', '--node', '^h1$', '--', ...argv], {agent})
    expect((await exec('/bin/echo', 'one')).stdout).toContain('    h1: one\n')

    allow('/usr/bin/printf')
    responder.kill('SIGHUP')
    await responder.waitForOutput(/responder: reloaded: 1 key\(s\)/)
    expect((await exec('/bin/echo', 'two')).stdout).toContain('==> h1: refused: policy:')
    expect((await exec('/usr/bin/printf', 'three')).stdout).toContain('    h1: three\n')

    writeFileSync(policy, '{"no_such_field": 1}')
    responder.kill('SIGHUP')
    await responder.waitForOutput(/responder: not reloaded: .*no_such_field/)
    expect((await exec('/usr/bin/printf', 'four')).stdout).toContain('    h1: four\n')

    allow('/usr/bin/printf')
    writeFileSync(`${fleet.path}/trust/bad.json`, '{', {mode: 0o644})
    responder.kill('SIGHUP')
    await responder.waitForOutput(/responder: not reloaded: .*bad\.json/)
    rmSync(`${fleet.path}/trust/bad.json`)
  })

  it('starts the guardian of a job again if it is killed, so that the command still ends if the responder is killed, too', async () => {
    await using fleet = await openFleet(agent.address)
    const responder = await fleet.start('g1')
    const line = `echo $$ >>${fleet.path}/pid; exec sleep 600`
    const how = ['--key', `${fleet.path}/sign.json`, '--ack-timeout', '20s', '--wait', '500ms', '--grace', '500ms']
    await using job = startCli(['exec', ...how, '--node', '^g1$', line], {agent})
    await waitUntil(() => fleet.lines('pid').length === 1, {what: 'the job to run'})
    const [first] = guardiansOf(responder.pid)
    process.kill(first!, 'SIGKILL')
    await waitUntil(() => guardiansOf(responder.pid).some(pid => pid !== first), {what: 'another guardian'})
    // The process is seen before the responder has told it what to guard. Once another job has run, that is done.
    expect((await runCli(['exec', ...how, '--node', '^g1$', 'true'], {agent})).exitCode).toBe(0)
    responder.kill('SIGKILL')
    await waitUntil(() => !isAlive(Number(fleet.lines('pid')[0])), {what: 'the guardian to stop the command'})
    expect((await job.exited).exitCode).toBe(3)
  })
})
