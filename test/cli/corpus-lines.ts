import type {CommandResult} from '../kit/run-cli.js'

/** The parts of a command's result that users and scripts can see. */
export type Seen = Pick<CommandResult, 'stdout' | 'stderr' | 'exitCode'>

/** Allowed differences from the Go tool, each with the reason and with what baton must print instead. */
export const differences = {
  'wrong words exit 64': (go: Seen): Partial<Seen> => ({...go, exitCode: 64}),
  'wrong words exit 64, and the flag list is left to --help': (go: Seen): Partial<Seen> => ({
    exitCode: 64,
    stdout: '',
    stderr: `${go.stderr.split('\n')[0] ?? ''}\n`,
  }),
  'wrong words exit 64 with a sentence of our own': (): Partial<Seen> => ({exitCode: 64, stdout: ''}),
  'data that is not base64 writes nothing (the Go tool writes an empty value)': (go: Seen): Partial<Seen> => ({
    exitCode: 64,
    stdout: '',
    stderr: go.stderr,
  }),
  'index 0 creates if absent (the Go tool refuses it)': (): Partial<Seen> => ({exitCode: 0, stderr: ''}),
  'what the Go tool does not say is on stderr': ({exitCode, stdout}: Seen): Partial<Seen> => ({exitCode, stdout}),
  'an agent that cannot be reached is exit 69': (): Partial<Seen> => ({exitCode: 69, stdout: ''}),
  'a key that a path cannot carry is refused (the Go tool reads another key)': (): Partial<Seen> => ({
    exitCode: 64,
    stdout: '',
  }),
  'an event that cannot fit is refused before it is sent, with the bytes it is over': (): Partial<Seen> => ({
    exitCode: 64,
    stdout: '',
  }),
} as const
export type Difference = keyof typeof differences

export interface Line {
  readonly words: readonly string[]
  readonly input?: string
  readonly differs?: Difference
  /** True if the command starts a child, and therefore needs a process with streams of its own. */
  readonly hasChild?: boolean
}

const usage: Difference = 'wrong words exit 64'
const usageShort: Difference = 'wrong words exit 64, and the flag list is left to --help'
const ownWords: Difference = 'wrong words exit 64 with a sentence of our own'

const line = (text: string, differs?: Difference): Line => ({
  words: text.split(' ').map(word => (word === "''" ? '' : word)),
  ...(differs && {differs}),
})
const child = (text: string, command: string): Line => ({words: [...text.split(' '), command], hasChild: true})

/** Commands that consul and baton run on the same keys and services. The outputs must be the same. */
export const reads: readonly Line[] = [
  line('kv get d/a'),
  line('kv get /d/a'),
  line('kv get d/empty'),
  line('kv get d/binary'),
  line('kv get nope'),
  line('kv get /nope'),
  line('kv get d/'),
  line('kv get -base64 d/binary'),
  line('kv get -detailed d/flags'),
  line('kv get -detailed -base64 d/binary'),
  line('kv get -detailed d/empty'),
  line('kv get -recurse d/'),
  line('kv get -recurse -detailed d/'),
  line('kv get -recurse -base64 d/'),
  line('kv get -recurse nope'),
  line('kv get -recurse=false d/a'),
  line('kv get -keys d'),
  line('kv get -keys -separator= d'),
  line('kv get -keys -separator=/b d'),
  line('kv get -keys'),
  line('kv get -stale d/a'),
  line('kv export'),
  line('kv export d/'),
  line('kv export nope'),
  line('kv get', usage),
  line('kv get a b', ownWords),
  line('kv get -bogus a', ownWords),
  line('kv get d//a', 'a key that a path cannot carry is refused (the Go tool reads another key)'),
  line('kv get -http-addr=127.0.0.1:1 a', 'an agent that cannot be reached is exit 69'),
  line('watch -type=key -key=d/a'),
  line('watch -type=key -key=/d/a'),
  line('watch -type key -key nope'),
  line('watch -type=keyprefix -prefix=d/'),
  line('watch -type=keyprefix -prefix=nope'),
  line('watch -type=services'),
  line('watch -type=nodes'),
  line('watch -type=service -service=web'),
  line('watch -type=service -service=web -tag=blue -tag=v1'),
  line('watch -type=service -service=web -tag=none'),
  line('watch -type=service -service=nope'),
  line('watch -type=checks'),
  line('watch -type=checks -state=critical'),
  line('watch -type=checks -service=web'),
  line('watch -type=event'),
  line('watch -type=event -name=deploy'),
  line('watch -type=event -name=nope'),
  child('watch -type=key -key=d/a', 'cat; exit 3'),
  child('watch -type=key -key=nope', 'env | grep ^CONSUL_INDEX; cat; exit 5'),
  child('watch -type=keyprefix -prefix=d/', 'cat; exit 1'),
  child('watch -type=services', 'cat; exit 1'),
  child('watch -type=service -service=web', 'cat; exit 1'),
  child('watch -type=checks -service=web', 'cat; exit 1'),
  child('watch -type=event', 'env | grep ^CONSUL_INDEX; cat; exit 1'),
  child('watch -type=key -key=d/a', 'kill -9 $$'),
  child('watch -type=key -key=d/a', '/nonexist'),
  child('watch -type=key -key=d/a -shell=false', '/nonexist'),
  child('watch -type=key -key=d/a -shell=false', 'nosuchcommand'),
  {
    words: ['watch', '-type=key', '-key=d/a', '-shell=false', 'sh', '-c', 'echo $0 $@; exit 4', 'a', 'b  c'],
    hasChild: true,
  },
  {words: ['watch', '-type=key', '-key=d/a', 'echo', '"a   b"', ';', 'exit', '2'], hasChild: true},
  line('watch', usageShort),
  line('watch -type=bogus', usage),
  line('watch -type=connect_roots', usage),
  line('watch -type=key', usage),
  line('watch -type=service', usage),
  line('watch -type=checks -service=web -state=passing', usage),
  line('watch -type=service -service=web -passingonly=maybe', usage),
  line('watch -type=services -key=x', usage),
  line('watch -type=event -service=x', usage),
  line('watch -type=key -key=a -http-addr=127.0.0.1:1', 'an agent that cannot be reached is exit 69'),
  line('members'),
  line('members -detailed'),
  line('members -wan'),
  line('members -status=alive|failed'),
  line('members -status=failed', 'what the Go tool does not say is on stderr'),
  line('members -status=(', ownWords),
  line('event', usageShort),
  line('event -name=x -tag=y', usage),
  line('event -name=x -node=(', usage),
  line('event -name=x -service=y -tag=(', usage),
  line('event -name=x a b', ownWords),
]

/**
 * Commands that each tool runs in order on its own keys. `@` stands for the tool's name; indexes and IDs may differ.
 */
export const writes: readonly Line[] = [
  line('kv put @/a 1'),
  line('kv put @/empty'),
  line('kv put -flags=18446744073709551615 @/flags x'),
  line('kv put @/negative -5'),
  line('kv put @/dashes --spring.profiles=prod'),
  line('kv put @/dashes --cas'),
  line('kv put @/dashes --'),
  {words: ['kv', 'put', '@/pem', '-----BEGIN CERTIFICATE-----\nAA\n-----END CERTIFICATE-----']},
  {words: ['kv', 'put', '@/yaml', '---\na: 1']},
  {words: ['kv', 'put', '-flags=7', '@/yaml', '---\na: 1']},
  line('kv get @/negative'),
  line('kv get -detailed @/flags'),
  {words: ['kv', 'put', '@/stdin', '-'], input: 'from\nstdin\n'},
  line('kv get @/stdin'),
  line('kv put -base64 @/b64 AP8K'),
  line('kv get -base64 @/b64'),
  line('kv put -base64 @/bad !!!', 'data that is not base64 writes nothing (the Go tool writes an empty value)'),
  line('kv put -cas -modify-index=1 @/a 2'),
  line('kv put -cas -modify-index=0 @/new 2', 'index 0 creates if absent (the Go tool refuses it)'),
  line('kv put -cas @/a 2', usage),
  line('kv put -modify-index=1 @/a 3', 'what the Go tool does not say is on stderr'),
  line('kv put -acquire @/lock', usage),
  line('kv put -acquire -session=nonsense @/lock x'),
  line('kv put -release @/lock', usage),
  line('kv put', usage),
  line('kv put a b c', ownWords),
  line('kv put /slash 1', usage),
  line("kv put '' 1"),
  line('kv put @/file @no/such/file', usage),
  {
    words: [
      'kv',
      'import',
      '[{"key":"@/i/1","flags":18446744073709551615,"value":"eA=="},{"key":"@/i/2","value":""},{"KEY":"@/i/3"}]',
    ],
  },
  line('kv export @/i'),
  {words: ['kv', 'import', '-'], input: '[]'},
  line('kv import', usage),
  line('kv import nonsense', ownWords),
  {words: ['kv', 'import', '[{"key":"x","value":"!!"}]'], differs: usage},
  {words: ['kv', 'import', '[{"key":"/x","value":"eA=="}]'], differs: usage},
  line('kv delete -cas -modify-index=1 @/a'),
  line('kv delete -modify-index=1 @/a', usage),
  line('kv delete -cas -recurse -modify-index=1 @/a', usage),
  line('kv delete -cas -modify-index=1 @/absent'),
  line('kv delete /@/a'),
  line('kv delete @/a'),
  line('kv delete', usage),
  line('kv delete -recurse @/i'),
  line('kv get -recurse @/i'),
  line('event -name=corpus hello'),
  line('event -name corpus'),
  line("event -name=corpus ''"),
  line('event -name=corpus @literally'),
  line('event -name=corpus -node=nobody -service=web -tag=blue x'),
  {
    words: ['event', '-name=corpus', 'x'.repeat(500)],
    differs: 'an event that cannot fit is refused before it is sent, with the bytes it is over',
  },
  line('kv delete -recurse @/'),
]
