import {mkdirSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {describe, expect, it} from 'vitest'
import {twoDatacenters} from './replicate/two-datacenters.js'

const {at, file, put, replicate} = twoDatacenters()

/**
 * Command lines of consul-replicate as people write them in systemd units, containers and scripts, but without the
 * address. `$S` is a prefix with the keys `a` and `no/b`, and `$C` is a file with the configuration of the line.
 */
const lines: readonly (readonly [line: string, copied: string, config?: string])[] = [
  ['-prefix $S@dc1 -once', '$S'],
  ['-prefix "$S@dc1" -once', '$S'],
  ['-prefix=$S@dc1:$S-backup -once', '$S-backup'],
  ['--prefix=$S@dc1:$S-backup/ --once', '$S-backup/'],
  ['-prefix $S/@dc1 -exclude $S/no -once', '$S/'],
  ['-prefix $S@dc1 -exclude=$S/no/ -exclude=$S/none/ -once', '$S'],
  ['-prefix $S@dc1 -prefix $S/no@dc1:other-$S -once', 'other-$S'],
  ['-once -prefix $S@dc1 -log-level info', '$S'],
  ['-log-level=debug -prefix $S@dc1 -once', '$S'],
  ['-log-level warn -syslog -syslog-facility=LOCAL5 -prefix $S@dc1 -once', '$S'],
  ['-wait=10s -retry 10s -prefix $S@dc1 -once', '$S'],
  ['-wait 5s:20s -max-stale 10m -prefix $S@dc1 -once', '$S'],
  ['-consul-token= -consul-auth= -prefix $S@dc1 -once', '$S'],
  ['-token "" -auth "" -prefix $S@dc1 -once', '$S'],
  ['-consul-ssl=false -prefix $S@dc1 -once', '$S'],
  ['-ssl=false -ssl-verify=false -prefix $S@dc1 -once', '$S'],
  ['-consul-retry -consul-retry-attempts=2 -consul-retry-backoff 250ms -prefix $S@dc1 -once', '$S'],
  ['-consul-transport-max-idle-conns-per-host=5 -prefix $S@dc1 -once', '$S'],
  ['-status-dir=service/$S/statuses -prefix $S@dc1 -once', '$S'],
  ['-pid-file $C.pid -prefix $S@dc1 -once', '$S'],
  ['-kill-signal SIGTERM -reload-signal SIGHUP -prefix $S@dc1 -once', '$S'],
  ['-config $C -once', '$S', 'prefix {\n source = "$S"\n datacenter = "dc1"\n}'],
  ['-config=$C -once', '$S-to', 'prefix {\n source = "$S@dc1"\n destination = "$S-to"\n}'],
  ['-config "$C" -once', '$S', 'log_level = "warn"\nprefix { source = "$S@dc1" }\nexclude { source = "$S/no" }'],
  ['-config $C -prefix $S@dc1 -once', '$S', 'max_stale = "10m"\nwait {\n min = "5s"\n max = "10s"\n}'],
  ['-config $C -once', '$S', '{"prefix": [{"source": "$S", "datacenter": "dc1"}], "consul": {"token": ""}}'],
  ['-config $C -once', '$S', 'consul {\n retry { enabled = true attempts = 3 }\n}\nprefix { source = "$S@dc1" }'],
  [
    '-config $C -once',
    '$S',
    'consul {\n ssl { enabled = false ca_cert = "/no/such" }\n}\nprefix { source = "$S@dc1" }',
  ],
  ['-config $C.d -once', '$S', 'prefix { source = "$S@dc1" }'],
  ['$S@dc1 -once', '$S'],
]

/** Splits a line as a shell does, as far as single words and double quotes are concerned. */
const wordsOf = (line: string): string[] =>
  [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain = '']) => quoted ?? plain)

describe('the command lines of consul-replicate', () => {
  it.each(lines.map(([line, copied, config], number) => ({line, copied, config, number})))(
    'copy the expected keys if they are passed to baton replicate: $line',
    async ({line, copied, config = '', number}) => {
      const source = `corpus${number}`
      const path = file(`corpus${number}.hcl`, config.replaceAll('$S', source))
      mkdirSync(`${path}.d`)
      writeFileSync(join(`${path}.d`, 'a.hcl'), config.replaceAll('$S', source))
      const fill = (text: string): string => text.replaceAll('$S', source).replaceAll('$C', path)
      await put('dc1', {[`${source}/a`]: '1', [`${source}/no/b`]: '2'})
      const {exitCode, stdout, stderr} = await replicate(...wordsOf(line).map(fill))
      expect({exitCode, stdout, faults: stderr.split('\n').filter(text => text.includes('error'))}).toEqual({
        exitCode: 0,
        stdout: '',
        faults: [],
      })
      expect(await at('dc2').kvKeys(fill(copied))).not.toEqual([])
    },
  )
})
