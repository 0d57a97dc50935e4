import type {Seen} from './corpus-lines.js'

export interface Script {
  /**
   * A script for `sh`, in which `consul` is the tool under test and `$K` a prefix that no other
   * script uses.
   */
  readonly text: string
  /** baton's exit code, if it differs from Consul's. */
  readonly exitCode?: Seen['exitCode']
}

const script = (text: string, exitCode?: number): Script => ({text, ...(exitCode !== undefined && {exitCode})})

/** Lines of scripts as people write them. Both tools must print the same on stdout. */
export const scripts: readonly Script[] = [
  script('consul lock "$K/a" echo hi'),
  script("consul lock $K/a 'echo one; echo two'"),
  script('consul lock -try 5s $K/a echo hi'),
  script('consul lock -try=5s -n 3 $K/n echo hi'),
  script('consul lock -timeout=5s $K/a echo hi'),
  script('consul lock --timeout 5s $K/a echo hi'),
  script('consul lock -name backup $K/a echo hi'),
  script('consul lock -shell=false $K/a echo "a   b"'),
  script('consul lock $K/a "echo \\"a   b\\""'),
  script('consul lock $K/a echo a "&&" echo b'),
  script('consul lock $K/a "cd / && pwd"'),
  script('X=1; export X; consul lock $K/a \'echo "$X"\''),
  script('consul lock $K/a sh -c "exit 3"'),
  script('consul lock $K/a "exit 3"', 3),
  script('consul lock -child-exit-code $K/a "exit 3" || echo failed', 0),
  script('consul lock -monitor-retry=5 $K/a echo hi'),
  script('echo data | consul lock -pass-stdin $K/a cat'),
  script('echo data | consul lock $K/a cat'),
  script('consul lock -token= $K/a echo hi'),
  script('TOKEN=; consul lock -token="$TOKEN" $K/a echo hi'),
  script('consul lock $K/a "echo first" & wait $!; consul lock $K/a "echo second"'),
  script('consul lock $K/bg "sleep 0.2; echo background" & consul lock -try 20s $K/other echo front >/dev/null; wait'),
  script('consul kv put $K/k "$(printf \'line 1\\nline 2\\n\')" && consul kv get $K/k'),
  script('consul kv put $K/pem "-----BEGIN CERTIFICATE-----\nAA\n-----END CERTIFICATE-----" && consul kv get $K/pem'),
  script('consul kv put $K/yaml "---\na: 1" && consul kv get $K/yaml'),
  script('consul kv put $K/here - <<EOF\na=1\nb="2"\nEOF\nconsul kv get $K/here'),
  script('echo "x y" | consul kv put $K/pipe - && consul kv get $K/pipe'),
  script('consul kv put $K/empty "" && consul kv get $K/empty'),
  script('A=; consul kv put -http-addr="$A" -token="$A" $K/empty-address 1; consul kv get $K/empty-address'),
  script('V=; consul kv put $K/unset "$V"; consul kv get $K/unset'),
  script('V=; consul kv put $K/unset $V; consul kv get $K/unset'),
  script('consul kv put $K/json \'{"a": [1, "two"]}\' && consul kv get $K/json'),
  script('consul kv get $K/none || echo none'),
  script('V=$(consul kv get $K/none 2>/dev/null) || V=default; echo "$V"'),
  script('for i in 1 2 3; do consul kv put $K/loop/$i v$i; done; consul kv get -recurse $K/loop/'),
  script('consul kv put $K/d/1 x >/dev/null; consul kv delete -recurse $K/d && consul kv get -keys $K/d'),
  script('consul kv put $K/e/1 x >/dev/null; consul kv export $K/e/ | consul kv import -'),
  script('printf secret > "$D/file"; consul kv put $K/file @"$D/file" && consul kv get $K/file'),
  script('consul kv get -http-addr "$CONSUL_HTTP_ADDR" -stale $K/none; echo $?'),
  script('consul kv put "$K/a b" 1 && consul kv get "$K/a b"'),
  script('consul event -name=script "payload with spaces" >/dev/null; echo $?'),
  script('consul event -name script -http-addr=$CONSUL_HTTP_ADDR >/dev/null; echo $?'),
  script('consul kv put $K/w 1 >/dev/null; consul watch -type=key -key=$K/w "cat >/dev/null; echo seen; exit 1"', 1),
  script(
    'consul kv put $K/w 1 >/dev/null; consul watch -type key -key $K/w -http-addr $CONSUL_HTTP_ADDR | grep -c Value',
  ),
  script('consul watch -type=keyprefix -prefix=$K/nothing/ | head -1'),
  script('consul watch -type=services | grep -c consul'),
  script('set -e; consul kv put $K/e 1 >/dev/null; consul kv get $K/e; consul kv get $K/none; echo never'),
  script('set -eu; V=$(consul kv get $K/none) || true; echo "[$V]"'),
  script('if ! consul kv get $K/flag >/dev/null 2>&1; then consul kv put $K/flag on; fi; consul kv get $K/flag'),
  script('if consul kv get $K/none >/dev/null 2>&1; then echo yes; else echo no; fi'),
  script('consul kv put $K/x/1 a >/dev/null; consul kv put $K/x/2 b >/dev/null; consul kv get -keys $K/x/ | wc -l'),
  script(
    'consul kv put $K/q/1 a >/dev/null; consul kv get -keys $K/q/ | xargs -n 1 echo | while read k; do consul kv get $k; done',
  ),
  script('printf "1\n2\n" | while read -r n; do consul kv put "$K/r/$n" "v $n"; done; consul kv get -recurse $K/r'),
  script('(consul kv put $K/s/1 x; consul kv put $K/s/2 y) >/dev/null & wait; consul kv get -recurse $K/s'),
  script('consul lock $K/bg1 "echo one" & consul lock $K/bg2 "sleep 0.1; echo two" >/dev/null & wait; echo done'),
  script('consul kv get -http-addr=127.0.0.1:1 -http-addr="$CONSUL_HTTP_ADDR" $K/none; echo $?'),
  script('T=; D=; consul kv get -token="$T" -datacenter="$D" $K/none; echo $?'),
  script('consul kv put $K/doc - <<\'EOF\'\n{"name": "$HOME", "n": [1]}\nEOF\nconsul kv get $K/doc'),
  script('consul lock $K/here sh <<EOF\necho never read\nEOF'),
  script('consul lock -pass-stdin $K/here sh <<EOF\necho from $((1 + 1))\nEOF'),
  script('consul lock $K/q "echo \'single\' \\"double\\" \\$((2 + 3))"'),
  script('consul kv put $K/base64 "$(printf \'a\\nb\' | base64)" && consul kv get -base64 $K/base64'),
  script('consul kv put $K/n 1 >/dev/null; N=$(consul kv get $K/n); consul kv put $K/n $((N + 1)); consul kv get $K/n'),
  script('consul kv delete $K/none && echo deleted; consul kv delete -recurse $K/none/ && echo deleted'),
  script('consul kv put $K/d/1 x >/dev/null; consul kv get -detailed $K/d/1 | grep -c Value; consul kv get -keys $K/'),
  script('trap "echo bye" EXIT; consul lock -try=2s $K/trap "true" && echo held'),
  script('consul kv get $K/none 2>&1 >/dev/null | grep -c "No key exists"'),
  script('consul exec -wait=500ms echo hi | grep ": hi"'),
  script('consul exec -node=. -wait 500ms "echo one; echo two" | grep -c ": [ot]"'),
  script('consul exec -service consul -wait=500ms -verbose true >/dev/null 2>&1; echo done'),
  script('consul exec -wait=500ms false >/dev/null; echo $?'),
  script('printf "echo from a script\n" | consul exec -wait=500ms - | grep -c "from a script"'),
  script('consul exec -wait=500ms - <<EOF | grep -c "1 2"\necho $((0 + 1)) 2\nEOF'),
  script('T=; consul exec -token="$T" -wait=500ms "echo \'a  b\'" | grep -c "a  b"'),
  script('consul exec -shell=false -wait=500ms echo "a  b" | grep -c "a  b"'),
  script('consul exec -prefix=_rexec -wait=500ms \'echo $((2 * 3))\' | grep ": 6"'),
  script('consul exec -wait=500ms echo bg >/dev/null & wait; echo done'),
]
