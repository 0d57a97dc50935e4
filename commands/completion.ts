import * as Args from '@oclif/core/args'
import {BaseCommand} from '../src/cli/base-command.js'
import {completionScripts, type Shell, shells} from '../src/cli/completion/scripts.js'

export default class Completion extends BaseCommand<typeof Completion> {
  static override summary = 'print a script that completes the words of baton in a shell'
  static override exitMeanings = {
    0: 'the script is printed',
  }
  static override description =
    'Prints a script for the shell, which asks baton at each Tab what can stand at the cursor: commands, flags and choices. If an agent answers within 300 ms, the names of keys, nodes, services and datacenters are completed too.'
  static override examples = [
    'source <(<%= config.bin %> completion bash)',
    '<%= config.bin %> completion zsh > ~/.zfunc/_baton',
    '<%= config.bin %> completion fish | source',
  ]
  static override args = {
    shell: Args.string({required: true, ignoreStdin: true, options: [...shells], description: 'bash, zsh or fish'}),
  }

  async run(): Promise<number> {
    this.out.line(completionScripts[this.args.shell as Shell].trimEnd())
    return 0
  }
}
