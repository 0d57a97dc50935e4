/** For tests and sibling tools. Nothing here is stable. */
export {linkSignal, whenAborted} from './core/cancel/link-signal.js'
export {ReleaseStack} from './core/cancel/release-stack.js'
export {badAnswer, createCaller, toSnapshot} from './core/http/caller.js'
export {parseConsulJson, stringifyConsulJson} from './core/http/json-bigint.js'
export {Backoff} from './core/time/backoff.js'
export * from './index.js'
