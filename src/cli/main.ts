declare const BATON_VERSION: string

/** Entry of the bundle, called by bin/run.cjs. */
export function main(argv: readonly string[]): void {
  process.stdout.write(`${argv.join(' ')} ${BATON_VERSION}\n`)
}
