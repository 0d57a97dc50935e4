import {describe, it} from 'vitest'
import {backends, sharedAgent} from '../../kit/backend.js'
import {raw} from '../../kit/raw-consul.js'
import {type BadInput, expectRefused, row} from './expect-refused.js'

const pathFault =
  "baton: key a//b: a path cannot carry empty, '.' or '..' segments (only a transaction can reach such a key)"
const wide = '99999999999999999999'

const refused: readonly BadInput[] = [
  row("kv edit ''", 'baton: kv edit: the key is empty', 64),
  row("kv incr ''", 'baton: kv incr: the key is empty', 64),
  row("kv cas '' 1 --create", 'baton: kv cas: the key is empty', 64),
  row("kv update '' -- true", 'baton: kv update: the key is empty', 64),
  row('kv get', 'Error! Missing KEY argument', 64),
  row("kv get ''", 'Error! Missing KEY argument', 64),
  row('kv get a b', 'baton: unexpected argument: b (see baton kv get --help)', 64),
  row('kv get --bogus a', 'baton: unknown flag: --bogus (see baton kv get --help)', 64),
  row('kv get a//b', pathFault, 64),
  row('kv ls --recurse --separator x a', 'baton: --separator: contradicts --recurse (leave one of them out)', 64),
  row('kv put', 'Error! Missing KEY argument', 64),
  row('kv put --flags=x a 1', "baton: --flags: 'x' is not a whole number below 2^64", 64),
  row(`kv put --flags=${wide} a 1`, `baton: --flags: '${wide}' is not a whole number below 2^64`, 64),
  row('kv put --cas a 1', 'Must specify -modify-index with -cas!', 64),
  row('kv put --cas --modify-index=-1 a 1', "baton: --modify-index: '-1' is not a whole number below 2^64", 64),
  row('kv put --acquire a 1', 'Error! Missing -session (required with -acquire and -release)', 64),
  row('kv put --acquire --release --session s a 1', 'Error! --acquire and --release contradict each other', 64),
  row(
    'kv put --cas --modify-index 1 --acquire --session s a 1',
    'Error! --cas and --acquire contradict each other',
    64,
  ),
  row('kv put --cas --modify-index 1 --create a 1', 'Error! --cas and --create contradict each other', 64),
  row('kv put --base64 a !!', 'Error! Cannot base 64 decode data: illegal base64 data at input byte 0', 64),
  row('kv put a @/no/such', 'Error! Failed to read file: open /no/such: no such file or directory', 64),
  row('kv put a 1 2', 'baton: unexpected argument: 2 (see baton kv put --help)', 64),
  row('kv put /a 1', "Error! Failed writing data: Invalid key. Key must not begin with a '/': /a", 64),
  row('kv cas a', 'baton: missing argument: DATA (see baton kv cas --help)', 64),
  row('kv cas a b', 'baton: kv cas: give exactly one of --expect, --create and --modify-index', 64),
  row('kv cas a b --create --expect x', 'baton: kv cas: give exactly one of --expect, --create and --modify-index', 64),
  row('kv cas a b --modify-index x', "baton: --modify-index: 'x' is not a whole number below 2^64", 64),
  row('kv cas a b --expect @/no/such', 'baton: Failed to read file: open /no/such: no such file or directory', 64),
  row('kv delete', 'Error! Missing KEY argument', 64),
  row("kv delete --recurse ''", 'Error! An empty prefix would delete every key: write / to do so', 64),
  row('kv delete --recurse', 'Error! An empty prefix would delete every key: write / to do so', 64),
  row('kv delete --cas a', 'Must specify -modify-index with -cas!', 64),
  row('kv delete --modify-index 1 a', 'Cannot specify -modify-index without -cas!', 64),
  row('kv delete --cas --recurse --modify-index 1 a', 'Cannot specify both -cas and -recurse!', 64),
  row('kv import', 'Error! Missing DATA argument', 64),
  row("kv import ''", 'Error! Empty DATA argument', 64),
  row('kv import nope', 'Cannot unmarshal data: …', 64),
  row('kv import {}', 'Cannot unmarshal data: expected an array of {key, flags, value}', 64),
  row('kv import [1]', 'Cannot unmarshal data: entry 0 is not an object', 64),
  row('kv import @/no/such', 'Error! Failed to read file: open /no/such: no such file or directory', 64),
  row('kv import [{"key":"x","flags":-1}]', 'Cannot unmarshal data: flags of key x are not a whole number …', 64),
  row('kv import [{"key":"x","value":"!"}]', 'Error base 64 decoding value for key x: illegal base64 data at …', 64),
  row('kv import [{"value":""}]', 'Error! Failed writing data for key : Missing key name', 64),
  row('kv import --prefix /p [{"key":"x"}]', 'Error! Failed writing data for key /p/x: Invalid key. Key must …', 64),
  row('kv import --dry-run [{"key":"/x"}]', 'Error! Failed writing data for key /x: Invalid key. Key must not …', 64),
  row('kv export a b', 'baton: unexpected argument: b (see baton kv export --help)', 64),
  row('kv incr', 'baton: missing argument: KEY (see baton kv incr --help)', 64),
  row('kv incr a --by x', "baton: --by: 'x' is not a whole number of 64 bits", 64),
  row('kv incr a --by 1.5', "baton: --by: '1.5' is not a whole number of 64 bits", 64),
  row(`kv incr a --by ${wide}`, `baton: --by: '${wide}' is not a whole number of 64 bits`, 64),
  row('kv incr a//b', pathFault, 64),
  row('kv update', 'baton: missing argument: KEY (see baton kv update --help)', 64),
  row('kv update a', 'baton: kv update: no command was given (baton kv update a -- COMMAND)', 64),
  row('kv update a --', 'baton: kv update: no command was given (baton kv update a -- COMMAND)', 64),
  row('kv update a cat', 'baton: unexpected argument: cat (see baton kv update --help)', 64),
  row('kv edit', 'baton: missing argument: KEY (see baton kv edit --help)', 64),
  row('kv wait-for', 'baton: missing argument: KEY (see baton kv wait-for --help)', 64),
  row('kv wait-for =x', 'Error! Missing KEY argument', 64),
  row('kv wait-for a --timeout x', "baton: --timeout: 'x' is not a duration (write it like 1h30m, 15s or 250ms)", 64),
  row('kv wait-for a --timeout -1s', "baton: --timeout: '-1s' is below 0ms", 64),
  row('kv wait-for a --index x', "baton: --index: 'x' is not a whole number below 2^64", 64),
  row('kv diff a', 'baton: missing argument: B (see baton kv diff --help)', 64),
  row('kv diff a b c', 'baton: unexpected argument: c (see baton kv diff --help)', 64),
  row('kv watch', 'baton: missing argument: KEY (see baton kv watch --help)', 64),
  row('members x', 'baton: unexpected argument: x (see baton members --help)', 64),
  row('members --status (', 'baton: --status: not a regular expression: …', 64),
]

const inVain: readonly BadInput[] = [
  {...row('kv incr --by 0 sum', 'baton: --by: no effect: 0 adds nothing', 0), stdout: '0\n'},
  {...row('kv get --separator=/ k', 'baton: --separator: no effect: it is for --keys', 0), stdout: 'v\n'},
  {...row('kv get --keys --recurse k', 'baton: --recurse: no effect: --keys prints names only', 0), stdout: 'k\n'},
  {...row('kv get --recurse --raw k', 'baton: --raw: no effect: --recurse prints lines', 0), stdout: 'k:v\n'},
  {
    ...row('kv put --modify-index=1 k v', 'baton: --modify-index: no effect: it is for --cas', 0),
    stdout: 'Success! Data written to: k\n',
  },
  {
    ...row('kv put --session=s k v', 'baton: --session: no effect: it is for --acquire and --release', 0),
    stdout: 'Success! Data written to: k\n',
  },
  {
    ...row('kv import --atomic --dry-run [{"key":"x"}]', 'baton: --atomic: no effect: --dry-run writes nothing', 0),
    stdout: 'create    x\n',
  },
]

describe('invalid input of kv and members', () => {
  it.concurrent.each(refused)('is refused with one line (command: $words)', async input => {
    // No agent listens at this address, because input is checked before any request.
    await expectRefused(input, {agent: {address: '127.0.0.1:1'}})
  })
})

describe.each(backends.filter(({name}) => name === 'embedded'))('flags of kv that have no effect', backend => {
  const agent = sharedAgent(backend)

  it('are named on stderr, while the command still runs', {timeout: 60_000}, async () => {
    await raw(agent.address).kvPut('k', 'v')
    for (const input of inVain) await expectRefused(input, {agent})
  })
})
