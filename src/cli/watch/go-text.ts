import {toGoExit} from '../../process/go-exit.js'
import type {HandlerError} from '../../process/handler.js'

/** Returns the text that `consul watch` prints about a handler that failed. */
export function goHandlerText({exitCode, failure}: HandlerError): string {
  switch (failure.how) {
    case 'exit':
      return `Error executing handler: exit status ${exitCode}`
    case 'signal':
      return `Error executing handler: ${toGoExit({code: exitCode, signal: failure.signal})}`
    case 'timeout':
      return 'Error executing handler: signal: terminated'
    case 'answer':
      return `Error executing handler: ${failure.why}`
    case 'start': {
      const why = exitCode === 127 ? 'no such file or directory' : 'permission denied'
      return failure.file.includes('/')
        ? `Error starting handler: fork/exec ${failure.file}: ${why}`
        : `Error starting handler: exec: "${failure.file}": executable file not found in $PATH`
    }
  }
}
