import type {Decoded} from '../go/decode.js'

export interface Operation {
  readonly kind: 'KV' | 'Node' | 'Service' | 'Check'
  readonly verb: string
  readonly body: Decoded
}
