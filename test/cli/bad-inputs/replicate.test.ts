import {describe, expect, it} from 'vitest'
import {backends, sharedAgent} from '../../kit/backend.js'
import {runInProcess} from '../../kit/run-in-process.js'
import {type BadInput, expectRefused, row} from './expect-refused.js'

const [badFlags, badConfig] = [13, 15]
const grammar = '(write it as SOURCE@DATACENTER[:DESTINATION], for example app/@dc1:backup/app/)'
const listed = "(a prefix has no leading '/', no '//' and no '.' or '..' between slashes)"
const leaveOut = '(leave one of them out)'
const noDrift = '(leave --on-drift, --report and --protect out)'

/** Invalid flags, each of which is tried with a valid mapping. */
const flags: readonly (readonly [flags: string, line: string, exitCode?: number])[] = [
  ["--lock ''", '--lock: the value is empty (leave the flag out, or give it a value)'],
  ["--listen ''", '--listen: the value is empty (leave the flag out, or give it a value)'],
  ["--undo-dir ''", '--undo-dir: the value is empty (leave the flag out, or give it a value)'],
  ['--report --protect', '--on-drift: both report and protect (leave one of them out)'],
  ['--report --on-drift repair', '--on-drift: both repair and report (leave one of them out)'],
  ['--kill-signal HUP', '--kill-signal: SIGHUP reloads (--reload-signal)'],
  ['--onec', 'unknown flag: --onec (see baton replicate --help)'],
  ['--wait x', "--wait: 'x' is not a duration (write it like 1h30m, 15s or 250ms)"],
  ['--wait 5s:1s', "--wait: '5s:1s' is not MIN[:MAX] (write it like 5s or 5s:20s)"],
  [
    '--max-delete 200%',
    "--max-delete: '200%' is neither a percentage, a number nor 'off' (write it like 10%, 500 or off)",
  ],
  ["--max-delete ''", "--max-delete: '' is neither a percentage, a number nor 'off' (write it like 10%, 500 or off)"],
  ['--max-stale -1s', "--max-stale: '-1s' is below 0ms"],
  ['--grace 5', "--grace: '5' is not a duration (add a unit: 5s, 5m or 5h)"],
  ['--lock-keys keep', "--lock-keys: 'keep' is not one of skip, copy (see baton replicate --help)"],
  ['--status-dir /', "--status-dir: '/' is not a prefix for keys"],
  ["--status-dir ''", "--status-dir: '' is not a prefix for keys"],
  ['--consul-retry-attempts -1', "--consul-retry-attempts: '-1' is less than 0 (see baton replicate --help)"],
  ['--consul-retry-attempts x', "--consul-retry-attempts: 'x' is not a whole number (see baton replicate --help)"],
  ['--delete=maybe', "--delete: 'maybe' is neither true nor false"],
  ['--log-level loud', "--log-level: 'loud' is none of trace, debug, info, warn, err", badConfig],
  [
    '--syslog-facility LOCAL9',
    "--syslog-facility: 'LOCAL9' is not a facility of syslog (for example LOCAL0)",
    badConfig,
  ],
  ['--kill-signal KILL', "--kill-signal: 'KILL' is not a signal that can be caught"],
  ['--once --kill-signal X', "--kill-signal: 'X' is not a signal that can be caught"],
  ['--reload-signal hop', "--reload-signal: 'hop' is not a signal that can be caught"],
  ['--once --approve all', "--approve: 'all' is not the id of held deletes (take the id from the line that says …"],
  ['--approve 12345678', '--approve: only with --once: a restart would approve again …'],
  ['--approve-deletes', '--approve-deletes: only with --once: a restart would approve again …'],
  ['--once --delete=false --approve-deletes', `--delete=false contradicts an approval of deletes ${leaveOut}`],
  ['--once --no-delete --approve 12345678', `--delete=false contradicts an approval of deletes ${leaveOut}`],
  ["--exclude ''", '--exclude: an empty text leaves out every key (leave --exclude out)'],
  ["--exclude-match ''", '--exclude-match: an empty text leaves out every key (leave --exclude-match out)'],
  ['--source-token x', '--source-token: only with --source-http-addr'],
  ["--source-http-addr ''", '--source-http-addr: the address is empty'],
  ['--shadow --approve-deletes', `--shadow contradicts an approval of deletes: it writes nothing ${leaveOut}`],
  ['--shadow --on-drift report', `--shadow compares with a run that repairs every key ${noDrift}`],
  ['--shadow --protect', `--shadow compares with a run that repairs every key ${noDrift}`],
  ['--stale --max-stale 5s', '--stale: does not go with --max-stale'],
  ['--no-stale --max-stale 5s', '--stale: does not go with --max-stale'],
  ['--pid-file /no/dir/x', '--pid-file: cannot write /no/dir/x: ENOENT'],
  ['--client-cert /no/such', 'client-cert: cannot read /no/such: ENOENT', badConfig],
  ['--ca-file /no/such', 'ca-file: cannot read /no/such: ENOENT', badConfig],
  ['--config /no/such', 'config: cannot read /no/such: ENOENT', badConfig],
]

const lines: readonly BadInput[] = [
  row(
    'replicate',
    'baton: replicate: nothing to replicate (name a prefix: baton replicate app/@dc1:backup/app/)',
    badFlags,
  ),
  row(
    'replicate verify',
    'baton: replicate: nothing to replicate (name a prefix: baton replicate app/@dc1:backup/app/)',
    badFlags,
  ),
  row("replicate ''", `baton: prefix '': missing source ${grammar}`, badFlags),
  row('replicate app/', `baton: prefix 'app/': missing datacenter ${grammar}`, badFlags),
  row('replicate app/@', `baton: prefix 'app/@': '' is not a datacenter ${grammar}`, badFlags),
  row('replicate //a@dc1', `baton: prefix '//a@dc1': '/a' cannot be listed ${listed}`, badFlags),
  row('replicate a//b@dc1', `baton: prefix 'a//b@dc1': 'a//b' cannot be listed ${listed}`, badFlags),
  row('replicate a/@dc1:b/../c', `baton: prefix 'a/@dc1:b/../c': 'b/../c' cannot be listed ${listed}`, badFlags),
  row(
    'replicate a/@dc1 a/@dc2',
    "baton: replicate: the destinations of 'a/@dc1 -> a/' and 'a/@dc2 -> a/' overlap …",
    badFlags,
  ),
  row('replicate verify --once app/@dc1', `baton: --once: verify writes nothing ${leaveOut}`, badFlags),
]

/** Invalid files, each with the reason and the name of the setting in the message. */
const files: readonly (readonly [file: string, line: string])[] = [
  ['prefixx = "a@dc1"', "unknown setting 'prefixx' (did you mean 'prefix'?)"],
  ['prefix { source = "a@dc1" destinaton = "b" }', "unknown setting 'prefix.destinaton' (did you mean 'destination'?)"],
  ['consul { retry { atempts = 3 } }', "unknown setting 'consul.retry.atempts' (did you mean 'attempts'?)"],
  ['consul { ssl { cacert = "a" } }', "unknown setting 'consul.ssl.cacert' (did you mean 'ca_cert'?)"],
  ['wait { minn = "1s" }', "unknown setting 'wait.minn' (did you mean 'min'?)"],
  [
    'prefix { source = "a@dc2" datacenter = "dc1" }',
    "prefix: the datacenter is both 'dc2' and 'dc1' (give the datacenter once)",
  ],
  ['prefix "app" { source = "a@dc1" }', 'prefix \'app\': this block has no label (write prefix { source = "…" })'],
  ['prefix { source = "" }', 'prefix.source must be given'],
  ['prefix { source = 5 }', 'prefix.source must be a string'],
  ['prefix = "a"', `prefix 'a': missing datacenter`],
  ['exclude { source = "" }', 'exclude is empty: it would leave out every key'],
  ['excludematch { source = "" }', 'excludematch is empty: it would leave out every key'],
  ['token = "a"\nconsul { token = "b" }', "'consul.token' and 'token' contradict each other (give one of them)"],
  ['status_dir = "a"\nstatus_dir = "b"', '\'status_dir\' is given twice (write several values as a list: ["a", "b"])'],
  ['consul { token = "a" }\nconsul { token = "b" }', "'token' is given twice, with different values"],
  ['consul { retry { attempts = "3" } }', 'consul.retry.attempts must be a number'],
  ['delete_key = "no"', 'delete_key must be a boolean'],
  ['wait { max = "5s" }', 'wait.min must be given beside wait.max'],
  ['syslog = true', 'syslog must be a block'],
  ['syslog { facility = 5 }', 'syslog.facility must be a string'],
  ['syslog { facility = "LOCAL9" }', "syslog-facility: 'LOCAL9' is not a facility of syslog (for example LOCAL0)"],
  ['max_stale = "soon"', "max-stale: 'soon' is not a duration (write it like 1h30m, 15s or 250ms)"],
  ['kill_signal = "SIGFOO"', "kill-signal: 'SIGFOO' is not a signal that can be caught"],
  ['on_drift = "explode"', "on-drift: 'explode' is not one of repair, report, protect (see baton replicate --help)"],
  ['consul { retry { attempts = -3 } }', "consul-retry-attempts: '-3' is less than 0 (see baton replicate --help)"],
]

const syslogLine = (facility: string): string =>
  `syslog: no effect: the log goes to stderr, which systemd's journal records (SyslogFacility=${facility} in the unit); without systemd: 2>&1 | logger -t consul-replicate -p ${facility}.notice`

const inVain: readonly (readonly [flags: string, line: string])[] = [
  ['--consul-retry-backoff 1s', '--consul-retry-backoff: no effect: accepted for consul-replicate only'],
  ['--syslog', syslogLine('local0')],
  ['--syslog-facility LOCAL5', syslogLine('local5')],
  ['--syslog --syslog-facility daemon', syslogLine('daemon')],
  [
    '--consul-transport-dial-timeout 1s',
    '--consul-transport-dial-timeout: no effect: accepted for consul-replicate only',
  ],
  ['--wait 5s', '--wait: no effect: it is for runs without --once'],
  ['--kill-signal USR1', '--kill-signal: no effect: it is for runs without --once'],
  ['--shard-above 5', '--shard-above: no effect: it is for runs without --once'],
  ['--audit-every 5m', '--audit-every: no effect: it is for runs without --once'],
  ['--undo-keep 0 --undo-dir /u', '--undo-dir: no effect: --undo-keep 0 keeps nothing'],
  [
    '--no-consul-retry --consul-retry-attempts 3',
    '--consul-retry-attempts: no effect: --no-consul-retry makes one attempt',
  ],
  ['--no-delete --max-delete 5', '--max-delete: no effect: nothing is deleted'],
  ['--consul-ssl=false --tls-server-name x', '--tls-server-name: no effect: --consul-ssl is false'],
  ['--approve 12345678', 'replicate: the approval of 12345678 is not valid: nothing is held with this id'],
  ['--exclude nothing/', '--exclude nothing/: no source has such keys, so it has no effect'],
  ['--include nothing/', '--include nothing/: no source has such keys, so it selects none'],
  ['--exclude empty', '--exclude empty: leaves out every key of empty/@dc1 -> copy/'],
]

const nowhere = {agent: {address: '127.0.0.1:1'}}

describe('invalid input of replicate', () => {
  it.concurrent.each(lines)('is refused with one line (command: $words)', async input => {
    await expectRefused(input, nowhere)
  })

  const rows = flags.map(([words, line, exitCode = badFlags]) => ({words, line, exitCode}))
  it.concurrent.each(rows)('is refused with one line (flags: $words)', async ({words, line, exitCode}) => {
    await expectRefused(row(`replicate app/@dc1 ${words}`, `baton: ${line}`, exitCode), nowhere)
  })

  it.concurrent.each(files)('is refused with one line if a configuration file contains it (%s)', async (file, line) => {
    const words = ['replicate', '-config', 'FILE', '-once']
    await expectRefused({words, file, line: `baton: config: FILE: ${line}`, exitCode: badConfig}, nowhere)
  })
})

describe.each(backends.filter(({name}) => name === 'embedded'))(
  'settings of replicate that have no effect',
  backend => {
    const agent = sharedAgent(backend, {datacenters: ['dc1', 'dc2']})

    it.each(inVain)('are named on stderr (flags: %s)', async (words, line) => {
      await expectRefused(row(`replicate empty/@dc1:copy/ --once ${words}`, `baton: ${line}`, 0), {agent})
    })

    it('are refused beside --shadow if they would print one object at the end', async () => {
      const {exitCode, stdout} = await runInProcess(['replicate', 'empty/@dc1:copy/', '--shadow', '--json'], {agent})
      expect({exitCode, ...JSON.parse(stdout)}).toMatchObject({
        exitCode: badFlags,
        error: {message: '--json: --shadow prints one line after another (use --ndjson)'},
      })
    })

    it('are named on stderr by a command that only compares', async () => {
      const line = 'baton: --grace: no effect: it is for runs that write'
      const stdout = 'empty/@dc1 -> copy/: 0 to create, 0 to update, 0 to delete, 0 equal\n'
      await expectRefused({...row('replicate verify empty/@dc1:copy/ --grace 1s', line, 0), stdout}, {agent})
    })

    it('are named on stderr if a configuration file contains them', async () => {
      const file = 'prefix = "empty/@dc1:copy/"\nconsul { transport { dial_timeout = "1s" } }'
      const line = 'baton: FILE: consul.transport.dial_timeout: no effect: accepted for consul-replicate only'
      await expectRefused({words: ['replicate', '-config', 'FILE', '-once'], file, line, exitCode: 0}, {agent})
    })
  },
)
