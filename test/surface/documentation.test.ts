import {join, relative} from 'node:path'
import ts from 'typescript'
import {describe, expect, it} from 'vitest'
import {root} from './command-files.js'

const program = ts.createProgram([join(root, 'src/index.ts')], {
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  target: ts.ScriptTarget.ES2023,
  types: ['node'],
})
const checker = program.getTypeChecker()

const isOurs = (node: ts.Node): boolean => node.getSourceFile().fileName.startsWith(join(root, 'src'))

/**
 * Returns the declarations of an export that has members of its own, such as interfaces, classes and object
 * types.
 */
function memberDeclarations(symbol: ts.Symbol): readonly ts.Declaration[] {
  const target = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol
  const declarations = (target.declarations ?? []).filter(isOurs)
  return declarations.flatMap(declaration => {
    if (ts.isInterfaceDeclaration(declaration) || ts.isClassDeclaration(declaration)) return [...declaration.members]
    if (ts.isTypeAliasDeclaration(declaration) && ts.isTypeLiteralNode(declaration.type)) {
      return [...declaration.type.members]
    }
    return []
  })
}

function isPublic(member: ts.Declaration): boolean {
  const name = ts.getNameOfDeclaration(member)
  if (ts.isConstructorDeclaration(member) || !name || ts.isPrivateIdentifier(name)) return false
  return !ts.isComputedPropertyName(name) && !(ts.getCombinedModifierFlags(member) & ts.ModifierFlags.Private)
}

function undocumented(): readonly string[] {
  const source = program.getSourceFile(join(root, 'src/index.ts'))
  const moduleSymbol = source && checker.getSymbolAtLocation(source)
  if (!moduleSymbol) throw new Error('src/index.ts cannot be read')
  const members = checker.getExportsOfModule(moduleSymbol).flatMap(memberDeclarations).filter(isPublic)
  const bare = members.filter(member => ts.getJSDocCommentsAndTags(member).length === 0)
  return [
    ...new Set(
      bare.map(member => {
        const file = member.getSourceFile()
        const {line} = file.getLineAndCharacterOfPosition(member.getStart())
        return `${relative(root, file.fileName)}:${line + 1} ${ts.getNameOfDeclaration(member)?.getText() ?? '?'}`
      }),
    ),
  ].sort()
}

describe('the library', () => {
  it('documents every public member with its meaning, unit, default and errors', () => {
    expect(undocumented()).toEqual([])
  }, 60_000)
})
