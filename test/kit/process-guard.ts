import {rmSync} from 'node:fs'

/** Process groups to kill and folders to remove when the test process ends. */
const groups = new Set<number>()
const folders = new Set<string>()
let installed = false

function sweep(): void {
  for (const pid of groups) killQuietly(-pid)
  for (const folder of folders) rmSync(folder, {recursive: true, force: true})
}

export function killQuietly(pid: number, signal: NodeJS.Signals = 'SIGKILL'): void {
  try {
    process.kill(pid, signal)
  } catch {
    // The process group has already exited.
  }
}

function install(): void {
  if (installed) return
  installed = true
  process.once('exit', sweep)
}

/** Kills the process group of `pid` when this process exits. Disposing cancels that. */
export function guardGroup(pid: number): Disposable {
  install()
  groups.add(pid)
  return {[Symbol.dispose]: () => void groups.delete(pid)}
}

/** Removes the folder when this process exits, or at once when disposed. */
export function guardFolder(path: string): Disposable {
  install()
  folders.add(path)
  return {
    [Symbol.dispose]: () => {
      folders.delete(path)
      rmSync(path, {recursive: true, force: true, maxRetries: 3})
    },
  }
}
