/**
 * `consul-baton/exec`: remote execution, its keys and its policies.
 *
 * @module consul-baton/exec
 */

export {createInitiator} from '../exec/initiator/initiator.js'
export type {InitiatorOptions} from '../exec/initiator/options.js'
export type * from '../exec/initiator-types.js'
export type {AgentSigningKey, PrivateSigningKey, SigningKey} from '../exec/native/envelope.js'
export {type GeneratedKey, generateKey, parsePrivateKey} from '../exec/native/keys.js'
export type {Policy} from '../exec/native/policy.js'
export {type TrustSource, trustFromDirectory, trustKeys} from '../exec/native/trust.js'
export {createResponder, type ResponderEvent, type ResponderOptions} from '../exec/responder/responder.js'
export type * from '../exec/types.js'
