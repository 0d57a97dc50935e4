import type {TemplateFunction} from '../../gotemplate/builtin/functions.js'
import {anyType} from '../../gotemplate/value/types.js'
import {GoError} from '../../gotemplate/value/values.js'
import {refusedSprig} from './sprig/index.js'

const vault = 'Vault is not supported'
const mesh = "Consul's service mesh is not supported"
const enterprise = 'it exists only in newer or commercial versions of Consul'
const debug = 'it is for debugging: printf "%#v" shows a value'

/** Functions of consul-template that are not supported, each with the reason. */
const reasons: Readonly<Record<string, string>> = {
  secret: vault,
  vault,
  secrets: vault,
  pkiCert: vault,
  caRoots: mesh,
  caLeaf: mesh,
  connect: mesh,
  partitions: enterprise,
  peerings: enterprise,
  exportedServices: enterprise,
  importedServices: enterprise,
  nomadServices: 'Nomad is not supported',
  nomadService: 'Nomad is not supported',
  nomadVarList: 'Nomad is not supported',
  nomadVarListSafe: 'Nomad is not supported',
  nomadVar: 'Nomad is not supported',
  nomadVarExists: 'Nomad is not supported',
  writeToFile: 'a template may not write other files',
  sockaddr: 'its result depends on the network interfaces of this machine: use env',
  spew_dump: debug,
  spew_printf: debug,
  spew_sdump: debug,
  spew_sprintf: debug,
}

/**
 * Functions that fail with the reason why they are not supported, instead of with "not defined".
 */
export const refusedFunctions: readonly (readonly [string, TemplateFunction])[] = Object.entries({
  ...reasons,
  ...refusedSprig,
}).map(([name, reason]) => [
  name,
  {
    in: [anyType],
    variadic: true,
    out: anyType,
    call: () => {
      throw new GoError(reason)
    },
  },
])
