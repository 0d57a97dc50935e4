import fc from 'fast-check'
import {seedOf} from './seed.js'

// A setup file of every suite. A property that fails prints its seed and path itself.
fc.configureGlobal({seed: seedOf('properties')})
