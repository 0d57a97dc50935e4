import {spawnSync} from 'node:child_process'
import {describe, expect, it} from 'vitest'
import {toChildExit} from '../../../src/process/exit-code.js'
import {toGoExit} from '../../../src/process/go-exit.js'

const endOf = (script: string) => {
  const {status, signal} = spawnSync('sh', ['-c', script])
  return toGoExit(toChildExit(status, signal))
}

describe("Go's text for the end of a child", () => {
  it.each([0, 1, 3, 127, 255])('contains the exit code %i', code => {
    expect(endOf(`exit ${code}`)).toBe(`exit status ${code}`)
  })

  it.each([
    ['HUP', 'hangup'],
    ['INT', 'interrupt'],
    ['QUIT', 'quit'],
    ['ILL', 'illegal instruction'],
    ['TRAP', 'trace/breakpoint trap'],
    ['ABRT', 'aborted'],
    ['BUS', 'bus error'],
    ['FPE', 'floating point exception'],
    ['KILL', 'killed'],
    ['USR1', 'user defined signal 1'],
    ['SEGV', 'segmentation fault'],
    ['USR2', 'user defined signal 2'],
    ['PIPE', 'broken pipe'],
    ['ALRM', 'alarm clock'],
    ['TERM', 'terminated'],
  ])('describes the signal %s as %s', (name, text) => {
    expect(endOf(`ulimit -c 0; kill -${name} $$`)).toBe(`signal: ${text}`)
  })

  it.runIf(process.platform === 'linux').each([
    ['16', 'stack fault'],
    ['XCPU', 'CPU time limit exceeded'],
    ['XFSZ', 'file size limit exceeded'],
    ['VTALRM', 'virtual timer expired'],
    ['PROF', 'profiling timer expired'],
    ['IO', 'I/O possible'],
    ['PWR', 'power failure'],
    ['SYS', 'bad system call'],
  ])('describes the signal %s, which only Linux has, as %s', (name, text) => {
    expect(endOf(`ulimit -c 0; kill -${name} $$`)).toBe(`signal: ${text}`)
  })
})
