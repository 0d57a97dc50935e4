/**
 * Tries the page of `baton ui` in headless Chromium, on a real agent: `npm run test:browser [-- FOLDER]`. Needs
 * `chromium` and `consul` on the PATH. Prints how long changes take to be visible, and fails if a change does not
 * appear, if the console shows an error, or if something is wider than the window. Screenshots go to FOLDER, by default
 * a temporary one.
 */
import {strict as assert} from 'node:assert'
import {mkdirSync, mkdtempSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import buildOnce from '../kit/build-once.js'
import {startDevAgent} from '../kit/consul-server.js'
import {HttpProxy} from '../kit/http-proxy.js'
import {raw} from '../kit/raw-consul.js'
import {startCli} from '../kit/run-cli.js'
import {Page} from './chromium.js'

const folder = process.argv[2] ?? mkdtempSync(join(tmpdir(), 'baton-ui-'))
mkdirSync(folder, {recursive: true})
const limitMs = 1000
const lockFlags = '3304740253564472344'

buildOnce()
await using agent = await startDevAgent()
await using proxy = await HttpProxy.start(agent.address)
await using ui = startCli(['ui', '--listen', '127.0.0.1:0'], {env: {CONSUL_HTTP_ADDR: proxy.address}})
const [url] = await ui.waitForOutput(/^http.*$/m)
await using page = await Page.open()
await page.resize(1280, 800, 'light')
await page.goTo(url)
await page.untilText(/Consul 1\.8\.7[\s\S]*live[\s\S]*No locks\./)

const consul = raw(agent.address)
const record = (command: string): string =>
  JSON.stringify({v: 1, host: 'web-1', pid: 7, command, since: new Date().toISOString()})
const acquire = (session: string, command: string, prefix = 'jobs/backup'): Promise<boolean> =>
  consul.kvPut(`${prefix}/.lock`, record(command), {acquire: session, flags: lockFlags})

async function visible(what: string, pattern: RegExp, act: () => Promise<unknown>): Promise<void> {
  const seen = page.untilText(pattern)
  await act()
  const ms = await seen
  console.log(`${what}: visible after ${Math.round(ms)} ms`)
  assert(ms < limitMs, `${what} took ${ms} ms`)
}

const first = await consul.sessionCreate({LockDelay: '0s', TTL: '10s', Name: 'first'})
const second = await consul.sessionCreate({LockDelay: '0s', TTL: '10s', Name: 'second'})
await visible('taken', /jobs\/backup\s+held\s+tar on web-1/, () => acquire(first, 'tar'))
await visible('handed over', /jobs\/backup: from tar on web-1, pid 7 to rsync on web-1/, async () => {
  await consul.kvPut('jobs/backup/.lock', '', {release: first, flags: lockFlags})
  await acquire(second, 'rsync')
})
await visible('lost', /jobs\/backup\s+free/, () => consul.sessionDestroy(second))

for (const name of ['jobs/nightly', 'reports/weekly', 'deploy/web']) {
  await acquire(await consul.sessionCreate({Name: name}), 'sh', name)
}
await page.untilText(/deploy\/web\s+held/)
await page.press('/')
for (const key of 'weekly') await page.press(key)
await page.untilText(/reports\/weekly\s+held/)
const rows = await page.evaluate(`document.querySelectorAll('#locks tbody tr:not([hidden])').length`)
assert.equal(rows, 1, 'the filter shows one lock')
await page.press('Escape')

for (const [width, scheme] of [
  [1280, 'light'],
  [1280, 'dark'],
  [360, 'light'],
  [360, 'dark'],
] as const) {
  await page.resize(width, 800, scheme)
  const overflow = await page.evaluate('document.documentElement.scrollWidth - innerWidth')
  assert(Number(overflow) <= 0, `${width} px: ${String(overflow)} px too wide`)
  await page.screenshot(join(folder, `ui-${width}-${scheme}.png`))
}
await page.resize(1280, 800, 'light')
assert.deepEqual(page.errors, [], 'the console is empty')

await agent.restart('kill')
await page.untilText(/live/)
const session = await consul.sessionCreate({Name: 'after', LockDelay: '0s'})
await acquire(session, 'later', 'jobs/after')
await page.untilText(/jobs\/after\s+held\s+later/, 60_000)
console.log('shows a lock after a restart of the agent')
assert.deepEqual(page.errors, [], 'the console is empty after the restart')

await using open = startCli(['ui', '--listen', '0.0.0.0:0'], {agent})
const [guarded] = await open.waitForOutput(/^http.*#token=.*$/m)
await page.goTo(guarded.replace('0.0.0.0', '127.0.0.1'))
await page.untilText(/live/)
assert.equal(await page.evaluate('location.hash'), '', 'the token leaves the address')
assert.deepEqual(page.errors, [], 'the console is empty with a token')
console.log(`screenshots: ${folder}`)
