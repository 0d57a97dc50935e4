import fc from 'fast-check'
import {seedOf} from './seed.js'

// Fixes the seed of all property tests, as a setup file of every suite. If a property fails, it
// prints its seed and path itself.
fc.configureGlobal({seed: seedOf('properties')})
