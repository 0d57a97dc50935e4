import {describe, expect, it} from 'vitest'
import {TemplateError} from '../../../src/gotemplate/parse/errors.js'
import {parseTemplate} from '../../../src/gotemplate/template.js'
import {decodeText, encodeText} from '../../../src/gotemplate/value/text.js'
import type {Argument} from '../../../src/gotemplate/value/types.js'
import {fromJson, makeInt, makeString} from '../../../src/gotemplate/value/values.js'

function run(text: string, data?: Argument): string {
  return parseTemplate(text, {name: 't'}).execute(data)
}

// The recorded results come from Go 1.19. These tests cover features that later versions of Go added.
describe('templates with features of Go after 1.19', () => {
  it('can range over a number', () => {
    expect(run('{{range 3}}{{.}},{{end}}{{range $i := 2}}{{$i}};{{end}}{{range 0}}x{{else}}none{{end}}')).toBe(
      '0,1,2,0;1;none',
    )
    expect(run('{{range .}}x{{else}}none{{end}}', makeInt(-1))).toBe('none')
    expect(() => run('{{range $i, $x := 3}}{{end}}')).toThrow("can't use 3 to iterate over more than one variable")
  })

  it('can contain {{else with}} after {{with}}', () => {
    expect(run('{{with ""}}a{{else with "b"}}{{.}}{{else}}c{{end}}')).toBe('b')
  })

  it('can assign to an outer variable in the head of a range', () => {
    expect(run('{{$x := "0"}}{{range $x = .}}{{end}}{{$x}}', fromJson(['a', 'b']))).toBe('b')
  })
})

describe('templates with bytes that are not valid UTF-8', () => {
  const broken = Uint8Array.from([0x61, 0xff, 0xe4, 0xb8, 0x62])

  it('keep every byte from input to output', () => {
    const text = decodeText(broken)
    expect(encodeText(run('{{.}}', makeString(text)))).toEqual(broken)
    expect(encodeText(run(text))).toEqual(broken)
    expect(encodeText(run('{{slice . 0 1}}{{slice . 1 3}}', makeString('é€')))).toEqual(
      Uint8Array.from([0xc3, 0xa9, 0xe2]),
    )
  })

  it('keep the bytes of an encoded surrogate without its partner', () => {
    const bytes = Uint8Array.from([0xed, 0xb2, 0x80])
    expect(encodeText(decodeText(bytes))).toEqual(bytes)
  })

  it('count and compare text by bytes', () => {
    expect(run('{{len .}}', makeString(decodeText(broken)))).toBe('5')
    expect(run('{{eq . "é"}}', makeString('é'))).toBe('true')
    expect(run('{{eq (print (slice . 0 1) (slice . 1 2)) .}}', makeString('é'))).toBe('true')
  })
})

describe('errors of templates', () => {
  it('name the line, and the column if the error occurs during execution', () => {
    const error = thrown(() => run('a\n{{.x.y}}', fromJson({x: 1})))
    expect(error).toBeInstanceOf(TemplateError)
    expect((error as TemplateError).place).toEqual({template: 't', line: 2, column: 4})
    expect((thrown(() => run('a\n{{nosuch}}')) as TemplateError).place).toEqual({template: 't', line: 2})
  })

  it('are thrown if a template is executed that is not defined', () => {
    const template = parseTemplate('{{define "d"}}x{{end}}', {name: 't'})
    expect(template.defined).toEqual(['d', 't'])
    expect(template.execute(undefined, {template: 'd'})).toBe('x')
    expect(() => template.execute(undefined, {template: 'e'})).toThrow(
      'template: no template "e" associated with template "t"',
    )
  })
})

function thrown(call: () => unknown): unknown {
  try {
    return call()
  } catch (error) {
    return error
  }
}
