import {mkdtempSync, readFileSync, rmSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterAll, describe, expect, it} from 'vitest'
import {backends, sharedAgent} from '../../kit/backend.js'
import {consulIsInstalled} from '../../kit/consul-server.js'
import {raw} from '../../kit/raw-consul.js'
import {cliPath, runCli, startCommand} from '../../kit/run-cli.js'
import {waitUntil} from '../../kit/wait-until.js'

const directory = mkdtempSync(join(tmpdir(), 'baton-consul-watch-'))
afterAll(() => rmSync(directory, {recursive: true, force: true}))

describe.runIf(consulIsInstalled()).each(backends)(
  'baton event watch as the handler of consul watch on $name',
  backend => {
    const agent = sharedAgent(backend)

    it('handles each event once, even if consul watch is restarted and passes all events again', async () => {
      const state = join(directory, `${backend.name}.state`)
      const handler = `${process.execPath} ${cliPath} event watch --from-stdin --state ${state} -- sh -c 'echo "$BATON_EVENT_NAME $CONSUL_INDEX [$(cat)]"'`
      const start = () => startCommand('consul', ['watch', '-type=event', '-name=deploy', handler], {agent})
      const fire = (body: string, name = 'deploy') => raw(agent.address).ok('PUT', `/v1/event/fire/${name}`, {body})
      const index = async (): Promise<string> =>
        (await raw(agent.address).ok('GET', '/v1/event/list', {query: {name: 'deploy'}})).headers['x-consul-index'] ??
        ''
      await fire('before the first watch')
      const indexes: string[] = []
      {
        await using watch = start()
        // The first run only records the events that already exist. Until the state file exists, a new event would count
        // as one of them.
        await waitUntil(() => readFileSync(state, 'utf8').includes('begin'), {
          what: 'the first list to be taken in',
        })
        await fire('one')
        await watch.waitForOutput(/\[one\]/, {stream: 'stdout'})
        indexes.push(await index())
        await fire('not for us', 'other')
        await fire('two')
        await watch.waitForOutput(/\[two\]/, {stream: 'stdout'})
        indexes.push(await index())
        watch.kill('SIGINT')
        expect((await watch.exited).stdout).toBe(`deploy ${indexes[0]} [one]\ndeploy ${indexes[1]} [two]\n`)
      }
      await fire('while down')
      await using again = start()
      await again.waitForOutput(/\[while down\]/, {stream: 'stdout'})
      await fire('last')
      await again.waitForOutput(/\[last\]/, {stream: 'stdout'})
      again.kill('SIGINT')
      expect((await again.exited).stdout.match(/\[[^\]]*\]/g)).toEqual(['[while down]', '[last]'])
    })

    it('is refused without --state, because each run would treat every event as already seen', async () => {
      const refused = await runCli(['event', 'watch', '--from-stdin', '--', 'cat'], {agent, input: '[]\n'})
      expect([refused.exitCode, refused.stdout]).toEqual([64, ''])
      expect(refused.stderr).toMatch(/^baton: event watch: --from-stdin without --state .*\n$/)
    })
  },
)
