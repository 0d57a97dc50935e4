import {readFileSync} from 'node:fs'
import {join} from 'node:path'
import {afterAll, describe, expect, it} from 'vitest'
import {backends, sharedAgent} from '../../kit/backend.js'
import {root} from '../../kit/bundle-example.js'
import {raw} from '../../kit/raw-consul.js'
import {runCli} from '../../kit/run-cli.js'

/** The commands of the crontab lines in a page, without their schedules and with `true` instead of programs. */
function cronLines(page: string): readonly (readonly string[])[] {
  const text = readFileSync(join(root, page), 'utf8')
  const found = [...text.matchAll(/^\| .* \| `[\d*/]+ [\d*/]+ \* \* \* baton (.*)` \|$/gm)]
  return found.map(([, line = '']) => line.replaceAll(/\/usr\/local\/bin\/\S+/g, 'true').split(' '))
}

describe.each(backends)('the lines for crontabs in docs/packages.md on $name', backend => {
  const agent = sharedAgent(backend)
  afterAll(() => raw(agent.address).kvDelete('jobs/', {recurse: true}))

  it('run, print nothing, and end with 0, also where another host has run the job', async () => {
    const lines = cronLines('docs/packages.md')
    expect(lines.length).toBeGreaterThan(4)
    for (const host of ['first', 'second']) {
      for (const words of lines) {
        const result = await runCli(words, {agent})
        expect(result, `${host}: ${words.join(' ')}`).toMatchObject({exitCode: 0, stdout: '', stderr: ''})
      }
    }
  })
})
