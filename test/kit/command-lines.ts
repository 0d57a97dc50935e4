import {mkdirSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'

/** Files and variables that the command lines of {@link CommandLines} need. */
export class CommandLines implements Disposable {
  /** A directory with a template, and an empty directory of trusted keys. */
  readonly home = mkdtempSync(join(tmpdir(), 'baton-lines-'))
  readonly env = {HOME: this.home, XDG_STATE_HOME: this.home, EDITOR: 'true'}
  /** The arguments of each command that talks to Consul, by the name of the command. */
  readonly words: Readonly<Record<string, string>>
  /** Commands that do not talk to Consul. */
  readonly offline = ['completion', 'dev', 'keys add', 'keys init', 'keys ls', 'keys revoke', 'tour']

  constructor() {
    mkdirSync(join(this.home, 'trust'))
    writeFileSync(join(this.home, 't.ctmpl'), '{{ key "a" }}')
    this.words = shortestWords(this.home)
  }

  /** Returns the arguments of a command, with flags before its own arguments: after them they belong to a child. */
  argvOf(id: string, ...flags: readonly string[]): string[] {
    return [...id.split(' '), ...flags, ...(this.words[id] ?? '').split(' ').filter(word => word !== '')]
  }

  [Symbol.dispose](): void {
    rmSync(this.home, {recursive: true})
  }
}

/** Returns the shortest arguments with which each command sends a request to Consul. */
function shortestWords(home: string): Readonly<Record<string, string>> {
  return {
    discover: 'a --listen 127.0.0.1:0',
    doctor: '',
    event: '-name=a',
    'event fire': 'a',
    'event list': '',
    'event prune': 'a --keep 1',
    'event watch': '',
    exec: 'true',
    'exec attach': 'a',
    'exec cancel': 'a --unsigned',
    'exec ls': '',
    'exec show': 'a',
    'kv cas': 'a b --expect c',
    'kv delete': 'a',
    'kv diff': 'a/ b/',
    'kv edit': 'a',
    'kv export': '',
    'kv get': 'a',
    'kv import': '[{"key":"a","value":""}]',
    'kv incr': 'a',
    'kv ls': '',
    'kv put': 'a b',
    'kv update': 'a -- true',
    'kv wait-for': 'a',
    'kv watch': 'a',
    lock: 'a true',
    'lock assert': '--lock-prefix a --lock-session b',
    'lock break': 'a',
    'lock hold': 'held',
    'lock history': 'a',
    'lock ls': '',
    'lock overdue': 'a --every 1h',
    'lock put': '--lock-prefix a --lock-session b a b',
    'lock status': 'a',
    'lock watch': 'a',
    members: '',
    replicate: 'a/@dc1',
    'replicate approve': '00000000',
    'replicate held': '',
    'replicate status': '',
    'replicate undo': '--release all',
    responder: `--trust-dir ${home}/trust --state-dir ${home}/state --name n`,
    selftest: '',
    status: '',
    'service deregister': 'a',
    'service ls': '',
    'service maint': 'a --on',
    'service register': '--name a',
    'service run': '--name a -- sleep 1000',
    template: `${home}/t.ctmpl:${home}/t.out`,
    watch: '-type=key -key=a',
    'watch checks': '',
    'watch event': '',
    'watch key': 'a',
    'watch keyprefix': 'a',
    'watch nodes': '',
    'watch query': 'a',
    'watch service': 'a',
    'watch services': '',
  }
}
