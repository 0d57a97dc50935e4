import {chmod, mkdir, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {foreign, openFolder, ours} from '../../integration/exec/support.js'
import {type CommandHandle, startCli} from '../../kit/run-cli.js'

/**
 * Responders that run as separate commands, so that each can be stopped or killed. `sign.json` contains the key that
 * signs their jobs.
 */
export interface Fleet extends AsyncDisposable {
  readonly path: string
  lines(name: string): string[]
  /**
   * Starts a responder. Resolves when initiators can see it. With `isStranger`, the responder does not trust the key
   * that signs the jobs, but another key. `flags` are added to its command line.
   */
  start(
    name: string,
    options?: {readonly isStranger?: boolean; readonly flags?: readonly string[]},
  ): Promise<CommandHandle>
}

/** Creates the directories for a group of responders. Disposing the fleet ends all responders. */
export async function openFleet(address: string): Promise<Fleet> {
  const folder = await openFolder()
  const started: CommandHandle[] = []
  for (const [name, {publicFile}] of Object.entries({trust: ours, strange: foreign})) {
    await mkdir(join(folder.path, name), {mode: 0o755})
    await writeFile(join(folder.path, name, 'key.json'), publicFile)
    await chmod(join(folder.path, name, 'key.json'), 0o644)
  }
  await writeFile(join(folder.path, 'sign.json'), ours.privateFile, {mode: 0o600})
  return {
    path: folder.path,
    lines: name => folder.lines(name),
    async start(name, {isStranger = false, flags = []} = {}) {
      const trust = join(folder.path, isStranger ? 'strange' : 'trust')
      const directories = ['--trust-dir', trust, '--state-dir', join(folder.path, 'state')]
      const handle = startCli(['responder', '--name', name, '--ttl', '1s', ...directories, ...flags], {
        agent: {address},
      })
      started.push(handle)
      await handle.waitForOutput(new RegExp(`responder ${name}: ready`), {timeoutMs: 60_000})
      return handle
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(started.map(one => one[Symbol.asyncDispose]()))
      await folder[Symbol.asyncDispose]()
    },
  }
}
