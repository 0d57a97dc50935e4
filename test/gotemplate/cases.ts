import {readFileSync} from 'node:fs'
import type {Case} from './ours.js'

const verbs = [
  'v',
  '+v',
  '#v',
  'T',
  'q',
  '+q',
  '#q',
  'x',
  'X',
  '#x',
  '# x',
  '% x',
  'd',
  '+d',
  '5d',
  '05d',
  '-5d',
  ' d',
  's',
  '10s',
  '-10s',
  '.2s',
  '08s',
  't',
  '6t',
  'c',
  'U',
  '#U',
  'b',
  'o',
  '#o',
  'O',
  'e',
  'E',
  '.3e',
  'f',
  'F',
  '.0f',
  '.2f',
  '08.3f',
  '+.2f',
  '-8.2f',
  '#.0f',
  'g',
  'G',
  '.3g',
  '#g',
  '.10g',
  '10.4v',
  'z',
  '!',
  'w',
  '%',
  '-010d',
  '+08.2f',
  '#b',
  '20q',
  '#+v',
] // prettier-ignore
const values = [
  '.I .Neg .U8 .U64',
  '.S .E .Uni .Ctl',
  '.F .F1 .FBig .FSmall',
  '.B .Nil .Err .Col',
  '.SL .AL .Bytes .NS',
  '.MS .MA .MII .NM',
  '.T .W .Tags .Arr',
] // prettier-ignore

/** A template for each formatting verb and each group of values. */
const verbCases = verbs.flatMap(verb =>
  values.map(
    group => `{{printf ${JSON.stringify(Array(group.split(' ').length).fill(`%${verb}`).join('|'))} ${group}}}`,
  ),
)

/** Templates that test the language, in the order of the recorded results. */
const written = JSON.parse(
  readFileSync(new URL('../unit/gotemplate/fixtures/templates.json', import.meta.url), 'utf8'),
) as readonly string[]

const withOptions: readonly Case[] = [
  {template: '{{.missing}}', missingKey: 'error'},
  {template: '{{.missing.deep}}', missingKey: 'error'},
  {template: '{{.MS.zz}}', missingKey: 'error'},
  {template: '{{.MA.m.z.deep}}', missingKey: 'error'},
  {template: '{{.Nil.x}}', missingKey: 'error'},
  {template: '{{index .MS "zz"}}|', missingKey: 'error'},
  {template: '{{if .missing}}x{{end}}', missingKey: 'error'},
  {template: '{{.missing}}', missingKey: 'zero'},
  {template: '{{.MS.zz}}|{{.MI.zz}}', missingKey: 'zero'},
  {template: '{{.MA.none}}', missingKey: 'zero'},
  {template: '{{.MA.none.deep}}', missingKey: 'zero'},
  {template: '[[.S]] {{.S}}', left: '[[', right: ']]'},
  {template: '<<.S>> {{.S}} << .I | printf "%d" >>', left: '<<', right: '>>'},
  {template: '[[- .S -]] x', left: '[[', right: ']]'},
  {template: 'a [[- /* c */ -]] b', left: '[[', right: ']]'},
  {template: '<%= .S %> <%=.I%>', left: '<%=', right: '%>'},
  {template: '[[.S}}', left: '[[', right: ''},
  {template: '{{.S]]', left: '', right: ']]'},
  {template: '$(.S)$ $(print (len .S))$', left: '$(', right: ')$'},
  {template: '|.S|', left: '|', right: '|'},
  {template: '((.S))', left: '((', right: '))'},
  {template: '((print (len .S) ))', left: '((', right: '))'},
  {template: '[[if .B]]x[[end', left: '[[', right: ']]'},
  {template: '«.S»', left: '«', right: '»'},
]

/** All cases. record.ts records their results from real Go. */
export const cases: readonly Case[] = [...[...verbCases, ...written].map(template => ({template})), ...withOptions]
