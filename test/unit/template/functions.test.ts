import {describe, expect, it} from 'vitest'
import {parseTemplate} from '../../../src/gotemplate/template.js'
import {makeString} from '../../../src/gotemplate/value/values.js'
import {pureFunctions, surroundingFunctions} from '../../../src/template/functions/pure.js'
import {refusedFunctions} from '../../../src/template/functions/refused.js'
import {scratchFunction} from '../../../src/template/functions/scratch.js'

const surroundings = surroundingFunctions({
  now: () => Date.UTC(2024, 1, 3, 16, 5, 9, 120),
  env: {HOME: '/root', EMPTY: '', 'a.b': 'dotted'},
})

function run(text: string): string {
  const functions = new Map([
    ...pureFunctions,
    ...surroundings,
    ...refusedFunctions,
    ['scratch', scratchFunction()] as const,
  ])
  const template = parseTemplate(text, {name: 't', functions: functions.keys()})
  return template.execute(makeString('<&>'), {functions})
}

const failure = (text: string): string => {
  try {
    return `no error: ${run(text)}`
  } catch (error) {
    return (error as Error).message.replace(/^.*?>: /, '')
  }
}

// Results of consul-template, according to its source and documentation.
const results: readonly (readonly [string, string])[] = [
  ['{{base64Encode "aé"}} {{base64Decode "YcOp"}}', 'YcOp aé'],
  ['{{base64URLEncode "<<??>>"}} {{base64URLDecode "PDw_Pz4-"}}', 'PDw_Pz4- <<??>>'],
  ['{{"a,b , c" | split ","}}', '[a b   c]'],
  ['{{"" | split "," | len}}', '0'],
  ['{{"a b" | split "" | len}}', '3'],
  ['{{"a,b" | split "," | join "-"}}', 'a-b'],
  ['{{$m := "a=1,b=2,c" | splitToMap "," "="}}{{$m.a}}{{$m.b}}', '12'],
  ['{{toLower "AbÉ"}} {{toUpper "abé"}} {{toTitle "hello big-world it\'s"}}', "abé ABÉ Hello Big-World It's"],
  ['[{{trim "xy" "xyaxy"}}] [{{trimSpace " a \\n"}}]', '[a] [a]'],
  ['{{trimPrefix "ab" "abc"}} {{trimSuffix "bc" "abc"}} {{trimSuffix "" "abc"}}', 'c a abc'],
  ['{{"a.b.c" | replaceAll "." "$&"}}', 'a$&b$&c'],
  ['{{indent 2 "a\\nb\\n"}}|', '  a\n  b\n|'],
  ['{{regexMatch "(?i)^A" "abc"}} {{"abc" | regexMatch "x"}}', 'true false'],
  ['{{"foo.bar" | regexReplaceAll "(\\\\w+)\\\\.(\\\\w+)" "$2-${1}z$1z$$"}}', 'bar-fooz$'],
  ['{{"aaa" | regexReplaceAll "" "-"}}', '-a-a-a-'],
  ['{{parseBool "T"}} {{parseBool ""}} {{parseBool "0"}}', 'true false false'],
  ['{{parseInt "-42"}} {{parseInt ""}} {{parseUint "7"}} {{parseFloat "1e3"}} {{parseFloat ""}}', '-42 0 7 1000 0'],
  ['{{printf "%T %T %T" (parseInt "1") (parseUint "1") (parseFloat "1")}}', 'int64 uint64 float64'],
  [
    '{{$j := parseJSON `{"b":[1,"x",null],"a":{"c":1000000}}`}}{{$j}} {{$j.a.c}}',
    'map[a:map[c:1e+06] b:[1 x <nil>]] 1e+06',
  ],
  ['{{parseJSON ""}}', 'map[]'],
  ['{{. | toJSON}} {{. | toUnescapedJSON}}', '"\\u003c\\u0026\\u003e" "<&>"'],
  [
    '{{parseJSON `{"b":[1,true],"a":1e21,"c":{},"d":1234567}` | toJSON}}',
    '{"a":1e+21,"b":[1,true],"c":{},"d":1234567}',
  ],
  ['{{parseJSON `{"b":[1],"a":{}}` | toJSONPretty}}', '{\n  "a": {},\n  "b": [\n    1\n  ]\n}'],
  [
    '{{parseJSON `{"b":[1,{"x":"y","z":[]}],"a":"yes","c":"a: b","d":null}` | toYAML}}',
    'a: "yes"\nb:\n- 1\n- x: "y"\n  z: []\nc: \'a: b\'\nd: null',
  ],
  ['{{parseJSON `{"m":{"p":{"o":"line\\nnext\\n"}}}` | toYAML}}', 'm:\n  p:\n    o: |\n      line\n      next'],
  [
    '{{parseJSON `["a","1","true","","- x","#c","a#c"]` | toYAML}}',
    '- a\n- "1"\n- "true"\n- ""\n- \'- x\'\n- \'#c\'\n- a#c',
  ],
  ['{{5 | add 2}} {{5 | subtract 2}} {{5 | multiply 2}} {{5 | divide 2}} {{5 | modulo 2}}', '7 3 10 2 1'],
  ['{{add 1.5 2}} {{divide 2 5.0}} {{minimum 3 5}} {{maximum 3 5}} {{maximum 2.5 2}}', '3.5 2.5 3 5 2.5'],
  ['{{printf "%T" (add 1 2)}} {{printf "%T" (add 1 2.0)}}', 'int64 float64'],
  [
    '{{in ("a,b" | split ",") "a"}} {{contains "a" ("a,b" | split ",")}} {{"hello" | contains "ell"}} {{in "hello" "x"}}',
    'true true true false',
  ],
  [
    '{{$l := "a,b" | split ","}}{{containsAll $l $l}}{{containsAny ("b,c" | split ",") $l}}{{containsNone ("c" | split ",") $l}}{{containsNotAll ("a,c" | split ",") $l}}',
    'truetruetruetrue',
  ],
  ['{{range loop 3}}{{.}}{{end}} {{range $i := loop 2 5}}{{$i}}{{end}}', '012 234'],
  ['{{$e := explodeMap (parseJSON `{"a/b":1,"a/c":2,"d":3}`)}}{{$e}}', 'map[a:map[b:1 c:2] d:3]'],
  [
    '{{$a := parseJSON `{"x":{"y":1},"z":1}`}}{{$b := parseJSON `{"x":{"w":2},"z":2}`}}{{mergeMap $a $b}} {{mergeMapWithOverride $a $b}}',
    'map[x:map[w:2 y:1] z:1] map[x:map[w:2 y:1] z:2]',
  ],
  ['{{env "HOME"}}{{env "nosuch"}}{{env "a.b"}} {{envOrDefault "EMPTY" "d"}}', '/rootdotted '],
  ['{{timestamp}} {{timestamp "unix"}}', '2024-02-03T16:05:09Z 1706976309'],
  [
    '{{timestamp "Mon Jan _2 15:04:05 MST 2006"}} {{timestamp "2006-01-02 03:04 PM .000"}}',
    'Sat Feb  3 16:05:09 UTC 2024 2024-02-03 04:05 PM .120',
  ],
  ['{{sha256Hex "bladibla"}}', '54cf4c66bcabb5c20e25331c01dd600b73369e97a947861bd8d3a0e0b8b3d70b'],
  [
    '{{scratch.Set "a" 1}}{{scratch.Get "a"}} {{scratch.Key "a"}} {{scratch.Key "b"}}{{scratch.SetX "a" 2}}{{scratch.Get "a"}}',
    '1 true false1',
  ],
  [
    '{{scratch.MapSet "m" "b" 2}}{{scratch.MapSet "m" "a" 1}}{{scratch.MapSetX "m" "a" 9}}{{range scratch.MapValues "m"}}{{.}}{{end}}',
    '12',
  ],
  ['{{range scratch.MapValues "none"}}x{{else}}empty{{end}}', 'empty'],
] // prettier-ignore

const failures: readonly (readonly [string, string])[] = [
  ['{{base64Decode "!!"}}', 'error calling base64Decode: base64Decode: illegal base64 data at input byte 0'],
  ['{{parseBool "yes"}}', 'error calling parseBool: parseBool: strconv.ParseBool: parsing "yes": invalid syntax'],
  ['{{parseInt "1.5"}}', 'error calling parseInt: parseInt: strconv.ParseInt: parsing "1.5": invalid syntax'],
  [
    '{{parseInt "9223372036854775808"}}',
    'error calling parseInt: parseInt: strconv.ParseInt: parsing "9223372036854775808": value out of range',
  ],
  ['{{parseUint "-1"}}', 'error calling parseUint: parseUint: strconv.ParseUint: parsing "-1": invalid syntax'],
  ['{{5 | divide 0}}', 'error calling divide: runtime error: integer divide by zero'],
  ['{{add "a" 1}}', 'error calling add: add: unknown type for "a" (string)'],
  ['{{indent -1 "a"}}', 'error calling indent: indent value must be a positive integer'],
  ['{{loop 1 2 3}}', 'error calling loop: loop: wrong number of arguments, expected 1 or 2, but got 3'],
  ['{{loop 100000000}}', 'error calling loop: loop: more than a million passes'],
  [
    '{{timestamp "a" "b"}}',
    'error calling timestamp: timestamp: wrong number of arguments, expected 0 or 1, but got 2',
  ],
  ['{{mustEnv "nosuch"}}', 'error calling mustEnv: required environment variable nosuch is empty'],
  ['{{secret "a/b"}}', 'error calling secret: Vault is not supported'],
  [
    '{{sockaddr "GetPrivateIP"}}',
    'error calling sockaddr: its result depends on the network interfaces of this machine: use env',
  ],
] // prettier-ignore

describe("a template with consul-template's functions", () => {
  it.each(results)('renders %s', (template, expected) => {
    expect(run(template)).toBe(expected)
  })

  it.each(failures)('ends with an error in the case of %s', (template, expected) => {
    expect(failure(template)).toBe(expected)
  })

  it('can quickly remove duplicates of any type from a long list', () => {
    expect(
      run('{{sprig_uniq (sprig_until 200000) | len}} {{sprig_uniq (sprig_list 1 "1" 1 "1" 1.5 1.5 nil nil)}}'),
    ).toBe('200000 [1 1 1.5 <nil>]')
  })

  it('ends with an error that says what is wrong with an invalid regular expression or invalid JSON', () => {
    expect(failure('{{regexMatch "(" "a"}}')).toMatch(/^error calling regexMatch: regexMatch: error parsing regexp/)
    expect(failure('{{parseJSON "{"}}')).toMatch(/^error calling parseJSON: parseJSON: /)
  })
})
