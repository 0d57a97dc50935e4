import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import {ConsulCommand} from '../../src/cli/consul-command.js'
import {EditFile, runEditor} from '../../src/cli/kv/edit-file.js'
import {checkKey} from '../../src/cli/kv/key.js'
import {refusalText} from '../../src/cli/kv/refusal.js'
import type {ConsulClient} from '../../src/core/client.js'
import {CancelledError, UsageError} from '../../src/core/errors.js'
import type {KvEntry} from '../../src/core/types.js'

const isInterrupt = (reason: unknown): boolean => reason instanceof CancelledError && reason.signalName === 'SIGINT'

export default class KvEdit extends ConsulCommand<typeof KvEdit> {
  static override summary = 'edit the value of a key in an editor'
  static override exitMeanings = {
    0: 'written, or nothing was changed',
    1: 'not written: the key has changed meanwhile, or the text is empty',
    126: 'the editor cannot be run',
    127: 'the editor does not exist',
    '128+n': 'signal n ended the editor or baton',
    other: "the editor's own exit code; nothing was written",
  }
  static override description =
    'Opens the value in VISUAL or EDITOR (vi on a terminal if neither is set) and writes the result only if the key has not ' +
    'changed meanwhile. If nothing could be written, the edited text stays in a file that the message names.'
  static override examples = [
    '<%= config.bin %> kv edit app/config.json',
    'EDITOR=nano <%= config.bin %> kv edit app/motd',
  ]
  static override enableJsonFlag = true
  static override args = {key: Args.string({required: true, ignoreStdin: true, description: 'key to edit'})}
  static override flags = {json: Flags.boolean({description: 'print the result as JSON', helpGroup: 'COMMON'})}

  async run(): Promise<number> {
    const {key} = this.args
    checkKey('edit', key)
    const editor = this.#editor()
    const client = this.openClient()
    const {value: entry} = await client.kv.get(key, {consistency: 'consistent'})
    using file = new EditFile(key, entry?.value ?? Buffer.alloc(0))
    // Ctrl-C is left to the editor. Other stop signals take effect once the editor has ended.
    const {signal: stop} = this.stopSignals
    const exitCode = await runEditor(editor, file.path, {env: this.childEnvironment(), clock: client.clock})
    const edited = file.read()
    if (!edited)
      return this.#refuse(
        'the editor left no file that can be read, or a file of more than 64 MB',
        exitCode === 0 ? 1 : exitCode,
      )
    if (edited.equals(entry?.value ?? Buffer.alloc(0))) {
      if (exitCode !== 0) return this.#refuse(`the editor ended with ${exitCode}`, exitCode)
      return this.#report(false)
    }
    if (exitCode !== 0) return this.#refuse(`the editor ended with ${exitCode}`, exitCode, file)
    if (edited.length === 0) {
      return this.#refuse('the edited text is empty (kv put writes an empty value)', 1)
    }
    if (stop.aborted && !isInterrupt(stop.reason)) {
      this.out.error(`baton: the edited text is in ${file.keep()}`)
      throw stop.reason
    }
    // Awaited, because the file is removed at the end of this function.
    return await this.#write(edited, {client, entry, file})
  }

  async #write(
    edited: Buffer,
    {
      client,
      entry,
      file,
    }: {readonly client: ConsulClient; readonly entry: KvEntry | undefined; readonly file: EditFile},
  ): Promise<number> {
    const at = {index: entry?.modifyIndex ?? 0n, flags: entry?.flags ?? 0n}
    try {
      if (await client.kv.cas(this.args.key, edited, at)) return this.#report(true)
    } catch (error) {
      const refusal = refusalText(error)
      if (refusal !== undefined) return this.#refuse(refusal, 1, file)
      this.out.error(`baton: the edited text is in ${file.keep()}`)
      throw error
    }
    return this.#refuse('it has changed meanwhile', 1, file)
  }

  #editor(): string {
    const {VISUAL, EDITOR} = this.host.env
    const editor = [VISUAL, EDITOR].find(name => name !== undefined && name.trim() !== '')
    if (editor !== undefined) return editor
    if (this.host.isStdinTerminal) return 'vi'
    throw new UsageError('kv edit: there is no terminal and no editor', {hint: 'set VISUAL or EDITOR'})
  }

  #refuse(reason: string, exit: number, file?: EditFile): number {
    const kept = file === undefined ? '' : `; the edited text is in ${file.keep()}`
    return this.refuse(`Error! Did not write to ${this.args.key}: ${reason}${kept}`, {code: 'BATON_REFUSED', exit})
  }

  #report(isWritten: boolean): number {
    const {key} = this.args
    if (this.flags.json) this.out.json({key, written: isWritten})
    else this.out.line(isWritten ? `Success! Data written to: ${key}` : `Unchanged: ${key}`)
    return 0
  }
}
