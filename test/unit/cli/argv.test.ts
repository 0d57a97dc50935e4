import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {type SplitArgv, splitArgv} from '../../../src/cli/argv.js'
import type {FlagShape} from '../../../src/cli/flag-words.js'

const flags: Record<string, FlagShape> = {
  'http-addr': {type: 'option'},
  name: {type: 'option'},
  n: {type: 'option', char: 'n'},
  shell: {type: 'boolean', allowNo: true},
  stale: {type: 'boolean'},
  try: {type: 'option', bare: '0s'},
  tag: {type: 'option', multiple: true},
}
const lock = {ownArgs: 1}

describe('splitArgv', () => {
  it('passes every argument after -- to the child unchanged', () => {
    fc.assert(
      fc.property(fc.array(fc.string()), words => {
        const {own, child} = splitArgv(['key', '--name', 'x', '--', ...words], flags, {childForm: lock})
        expect(own).toEqual(['key', '--name=x'])
        expect(child).toEqual({form: 'native', words})
      }),
    )
  })

  it("without --, passes everything after the lock's key to the child, as the consul command does", () => {
    const word = fc.string().filter(text => text !== '--')
    fc.assert(
      fc.property(word, fc.array(word), (first, rest) => {
        fc.pre(!first.startsWith('-') || first === '-')
        const {own, child} = splitArgv(['-n', '2', 'key', first, ...rest], flags, {childForm: lock})
        expect(own).toEqual(['--n=2', 'key'])
        expect(child).toEqual({form: 'go', words: [first, ...rest]})
      }),
    )
  })

  it.each([
    [
      ['-http-addr=1.2.3.4:5', 'key'],
      ['--http-addr=1.2.3.4:5', 'key'],
    ],
    [
      ['-http-addr', '1.2.3.4:5', 'key'],
      ['--http-addr=1.2.3.4:5', 'key'],
    ],
    [
      ['--name', '-odd', 'key'],
      ['--name=-odd', 'key'],
    ],
    [
      ['-shell=false', 'key'],
      ['--no-shell', 'key'],
    ],
    [
      ['-shell=true', 'key'],
      ['--shell', 'key'],
    ],
    [
      ['--no-shell', 'key'],
      ['--no-shell', 'key'],
    ],
    [['-stale=0', 'key'], ['key']],
    [
      ['--try', 'key'],
      ['--try=0s', 'key'],
    ],
    [
      ['--try=5s', 'key'],
      ['--try=5s', 'key'],
    ],
    [
      ['-bogus', 'key'],
      ['-bogus', 'key'],
    ],
  ])('normalises the flags of %j', (argv, own) => {
    expect(splitArgv(argv, flags, {childForm: lock})).toMatchObject({own, child: undefined, fault: undefined})
  })

  it("without --, treats a flag after the child's command as an argument of the child", () => {
    expect(splitArgv(['key', 'cmd', '-n', '5', '--help'], flags, {childForm: lock})).toMatchObject({
      own: ['key'],
      child: {form: 'go', words: ['cmd', '-n', '5', '--help']},
    })
  })

  it('passes a second -- on to the child', () => {
    expect(splitArgv(['key', '--', 'a', '--', 'b'], flags, {childForm: lock}).child?.words).toEqual(['a', '--', 'b'])
  })

  it('does not pass arguments before -- to the child', () => {
    expect(splitArgv(['key', 'extra', '--', 'a'], flags, {childForm: lock})).toMatchObject({
      own: ['key', 'extra'],
      child: {form: 'native', words: ['a']},
    })
  })

  it('returns no child arguments for a command that never starts a child', () => {
    expect(splitArgv(['a', 'b', '-stale'], flags).own).toEqual(['a', 'b', '--stale'])
  })

  it.each<[readonly string[], Partial<SplitArgv>]>([
    [['-name', 'a', '-name', 'b', 'key'], {own: ['--name=b', 'key'], repeated: ['name']}],
    [['--name=a', 'key', '-name=a'], {own: ['key', '--name=a'], repeated: []}],
    [['--shell', '--no-shell', '-shell=true', 'key'], {own: ['--shell', 'key'], repeated: ['shell']}],
    [['-stale', '-stale=false', 'key'], {own: ['key'], off: ['stale'], repeated: ['stale']}],
    [['-stale=false', '-stale', 'key'], {own: ['--stale', 'key'], off: [], repeated: ['stale']}],
    [['--tag=a', '-tag', 'b', '--tag', 'a'], {own: ['--tag=a', '--tag=b', '--tag=a'], repeated: []}],
    [['--try', '--try=5s', 'key'], {own: ['--try=5s', 'key'], repeated: ['try']}],
  ])('uses the last value of a repeated flag: %j', (argv, split) => {
    expect(splitArgv(argv, flags)).toMatchObject(split)
  })

  it('reports unknown flags, and does not read -nv as the two flags -n and -v', () => {
    const {own, unknown} = splitArgv(['-nv', '-n5', '-5', '--naem', 'x', '-stale'], flags)
    expect({own, unknown}).toEqual({
      own: ['-nv', '-n5', '-5', '--naem', 'x', '--stale'],
      unknown: ['-nv', '-n5', '-5', '--naem'],
    })
  })

  it.each([
    [['-stale=maybe'], "--stale: 'maybe' is neither true nor false"],
    [['key', '--name'], '--name: a value is missing'],
    [['--try', '"5m"', 'key'], `--try: '"5m"' is not a value of it`],
  ])('says why a flag cannot be used: %j', (argv, message) => {
    expect(splitArgv(argv, flags).fault?.message).toBe(message)
  })

  describe('for a command with free text', () => {
    const put = {dataForm: {after: 1, isLastWordData: true}}
    const cas = {dataForm: {after: 1}}

    it('treats the last argument after the key as data, even if it looks like a flag', () => {
      fc.assert(
        fc.property(fc.oneof(fc.string(), fc.constantFrom('--', '-stale', '--name', '--stale=0')), word => {
          const {own} = splitArgv(['-name', 'x', 'key', word], flags, put)
          expect(own.filter(one => one !== '--' || word === '--').at(-1)).toBe(word)
          if (word.startsWith('-') && word !== '-') expect(own).toEqual(['--name=x', 'key', '--', word])
        }),
      )
    })

    it('treats an argument that is not a known flag as data, and known flags around it as flags', () => {
      const word = fc.string().map(text => `-${text}`)
      fc.assert(
        fc.property(word, text => {
          fc.pre(text !== '-' && !/^--?(?:$|(?:name|http-addr|n|shell|no-shell|stale|try|help|h)(?:=|$))/s.test(text))
          const {own} = splitArgv(['key', '-stale', text, '--name', '--stale'], flags, cas)
          expect(own).toEqual(['key', '--stale', '--name=--stale', '--', text])
        }),
      )
    })

    it('treats a known flag in the last place as a flag, not as data, if the consul command has no such sub-command', () => {
      expect(splitArgv(['key', '--stale'], flags, cas).own).toEqual(['key', '--stale'])
    })

    it.each(['-h', '-help', '--help'])('treats %s as a request for help, not as data', word => {
      expect(splitArgv(['key', word], flags, put).own).toEqual(['key', word])
    })

    it('treats every argument after -- as data', () => {
      expect(splitArgv(['key', '--', '--stale'], flags, cas).own).toEqual(['key', '--', '--stale'])
    })
  })
})
