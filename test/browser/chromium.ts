import {type ChildProcess, spawn} from 'node:child_process'
import {mkdtempSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import type {Readable, Writable} from 'node:stream'

type Fields = Readonly<Record<string, unknown>>

interface Message {
  readonly id?: number
  readonly method?: string
  readonly params?: Fields
  readonly result?: Fields
  readonly error?: {readonly message: string}
}

/** A page of headless Chromium, driven by its debugging protocol over a pipe. */
export class Page implements AsyncDisposable {
  /** Errors on the console, exceptions, and violations of the content security policy. */
  readonly errors: string[] = []
  readonly #child: ChildProcess
  readonly #profile = mkdtempSync(join(tmpdir(), 'baton-chromium-'))
  readonly #waiting = new Map<number, (message: Message) => void>()
  #session = ''
  #id = 0
  #rest = ''

  private constructor() {
    const args = ['--headless=new', '--no-sandbox', '--disable-gpu', '--remote-debugging-pipe']
    this.#child = spawn('chromium', [...args, `--user-data-dir=${this.#profile}`, 'about:blank'], {
      stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
    })
    const output = this.#child.stdio[4] as Readable
    output.setEncoding('utf8').on('data', (chunk: string) => this.#take(chunk))
  }

  static async open(): Promise<Page> {
    const page = new Page()
    const {targetId} = await page.#send('Target.createTarget', {url: 'about:blank'})
    const {sessionId} = await page.#send('Target.attachToTarget', {targetId, flatten: true})
    page.#session = String(sessionId)
    for (const domain of ['Page', 'Runtime', 'Log']) await page.#send(`${domain}.enable`)
    return page
  }

  async goTo(url: string): Promise<void> {
    await this.#send('Page.navigate', {url})
  }

  /** Returns the value of an expression. If the value is a promise, waits until it is resolved. */
  async evaluate(expression: string): Promise<unknown> {
    const answer = await this.#send('Runtime.evaluate', {expression, awaitPromise: true, returnByValue: true})
    if (answer['exceptionDetails'] !== undefined) throw new Error(JSON.stringify(answer['exceptionDetails']))
    return (answer['result'] as {readonly value?: unknown}).value
  }

  /**
   * Resolves with the time in milliseconds until the visible text matches, which is checked in each animation
   * frame.
   */
  async untilText(pattern: RegExp, timeoutMs = 20_000): Promise<number> {
    const startMs = performance.now()
    const isSeen = await this.evaluate(`new Promise(resolve => {
      const end = performance.now() + ${timeoutMs}
      const check = () => {
        if (${String(pattern)}.test(document.body?.innerText ?? '')) resolve(true)
        else if (performance.now() > end) resolve(false)
        else setTimeout(check, 10)
      }
      check()
    })`)
    if (isSeen !== true) {
      throw new Error(`no text ${String(pattern)} in:\n${String(await this.evaluate('document.body.innerText'))}`)
    }
    return performance.now() - startMs
  }

  async press(key: string): Promise<void> {
    await this.#send('Input.dispatchKeyEvent', {type: 'keyDown', key, text: key.length === 1 ? key : ''})
    await this.#send('Input.dispatchKeyEvent', {type: 'keyUp', key})
  }

  async resize(width: number, height: number, scheme: 'light' | 'dark'): Promise<void> {
    await this.#send('Emulation.setDeviceMetricsOverride', {width, height, deviceScaleFactor: 1, mobile: width < 500})
    await this.#send('Emulation.setEmulatedMedia', {features: [{name: 'prefers-color-scheme', value: scheme}]})
  }

  async screenshot(file: string): Promise<void> {
    const {data} = await this.#send('Page.captureScreenshot', {format: 'png'})
    writeFileSync(file, Buffer.from(String(data), 'base64'))
  }

  #send(method: string, params: Fields = {}): Promise<Fields> {
    const id = (this.#id += 1)
    const session = this.#session === '' ? {} : {sessionId: this.#session}
    const input = this.#child.stdio[3] as Writable
    input.write(`${JSON.stringify({id, method, params, ...session})}\0`)
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, ({result = {}, error}) =>
        error ? reject(new Error(`${method}: ${error.message}`)) : resolve(result),
      )
    })
  }

  #take(chunk: string): void {
    const texts = (this.#rest + chunk).split('\0')
    this.#rest = texts.pop() ?? ''
    for (const text of texts) {
      const message = JSON.parse(text) as Message
      const {id, method = ''} = message
      if (id !== undefined) this.#waiting.get(id)?.(message)
      else if (method === 'Runtime.exceptionThrown' || method === 'Log.entryAdded') this.errors.push(text)
      else if (method === 'Runtime.consoleAPICalled') this.errors.push(text)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = new Promise(resolve => this.#child.once('exit', resolve))
    this.#child.kill('SIGKILL')
    await ended
    rmSync(this.#profile, {recursive: true, force: true, maxRetries: 5})
  }
}
