import {messageOf} from './errors.js'

const texts: Readonly<Record<string, string>> = {
  EADDRINUSE: 'the port is in use',
  EACCES: 'this user may not use the port',
  EADDRNOTAVAIL: 'this machine does not have the address',
  ENOTFOUND: 'no such host',
}

/** Returns the reason for which a server cannot listen on an address. */
export const whyNotListening = (error: unknown): string =>
  texts[(error as NodeJS.ErrnoException).code ?? ''] ?? messageOf(error)
