import fc from 'fast-check'
import {seedOf} from './seed.js'

// Fixes the seed of all property tests, as a setup file of every suite. fast-check itself prints the seed and path of a
// property that fails.
fc.configureGlobal({seed: seedOf('properties')})
