import {mkdirSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'

/** Names of the commands that do not talk to Consul. */
export const offlineCommands: readonly string[] = [
  'completion',
  'dev',
  'keys add',
  'keys init',
  'keys ls',
  'keys revoke',
  'keys sign',
  'keys verify',
  'lock why',
  'responder status',
  'tour',
  'tour services',
]

/** Files and variables that the command lines of {@link CommandLines} need. */
export class CommandLines implements Disposable {
  /** A directory with a template, a prepared job, and an empty directory of trusted keys. */
  readonly home = mkdtempSync(join(tmpdir(), 'baton-lines-'))
  readonly env = {HOME: this.home, XDG_STATE_HOME: this.home, EDITOR: 'true'}
  /** The arguments of each command that talks to Consul, by the name of the command. */
  readonly words: Readonly<Record<string, string>>
  constructor() {
    mkdirSync(join(this.home, 'trust'))
    writeFileSync(join(this.home, 't.ctmpl'), '{{ key "a" }}')
    writeFileSync(join(this.home, 'a.job'), preparedJob())
    this.words = shortestWords(this.home)
  }

  /**
   * Returns the arguments of a command, with `flags` before the other arguments, because a flag after those would be
   * passed to a child.
   */
  argvOf(id: string, ...flags: readonly string[]): string[] {
    return [...id.split(' '), ...flags, ...(this.words[id] ?? '').split(' ').filter(word => word !== '')]
  }

  [Symbol.dispose](): void {
    rmSync(this.home, {recursive: true})
  }
}

/** Returns the file of an unsigned job that may begin within the next hour. */
function preparedJob(): string {
  const now = Date.now()
  const manifest = {
    v: 2,
    id: '019b2c3d-5c1e-7d10-9a51-0c4a5c1f2b77',
    cluster: {dc: 'dc1', name: ''},
    iat: now,
    nbf: now,
    exp: now + 3_600_000,
    target: {nodes: ['a']},
    cmd: {shell: 'true'},
    timeout: 1000,
    kill_after: 1000,
    out_max: 1000,
    hb: 1000,
    session: '8b1f9c6e-0000-4000-8000-000000000000',
    requester: {name: 'a', host: 'b'},
  }
  const payload = Buffer.from(JSON.stringify(manifest)).toString('base64url')
  return JSON.stringify({t: 'baton-exec/1', p: payload, s: []})
}

/** Returns the shortest arguments with which each command sends a request to Consul. */
function shortestWords(home: string): Readonly<Record<string, string>> {
  return {
    discover: 'a --listen 127.0.0.1:0',
    doctor: '',
    env: 'a -- sleep 1000',
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
    'exec submit': `${home}/a.job`,
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
    'responder check': `${home}/a.job --trust-dir ${home}/trust`,
    responder: `--trust-dir ${home}/trust --state-dir ${home}/state --name n`,
    selftest: '',
    status: '',
    'service deregister': 'a',
    'service ls': '',
    'service maint': 'a --on',
    'service register': '--name a',
    'service run': '--name a -- sleep 1000',
    template: `${home}/t.ctmpl:${home}/t.out`,
    ui: '--listen 127.0.0.1:0',
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
