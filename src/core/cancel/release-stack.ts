/** Releases resources in reverse order of acquisition. All are released; the first error is thrown. */
export class ReleaseStack implements AsyncDisposable {
  readonly #releases: (() => Promise<void> | void)[] = []
  #closing: Promise<void> | undefined

  /** Adds a function that releases a resource. If the stack was already released, the function runs at once. */
  defer(release: () => Promise<void> | void): void {
    if (this.#closing) void Promise.resolve().then(release)
    else this.#releases.push(release)
  }

  use<T extends AsyncDisposable>(resource: T): T {
    this.defer(() => Promise.resolve(resource[Symbol.asyncDispose]()))
    return resource
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#run()
    return this.#closing
  }

  async #run(): Promise<void> {
    const errors: unknown[] = []
    for (let release = this.#releases.pop(); release; release = this.#releases.pop()) {
      try {
        await release()
      } catch (error) {
        errors.push(error)
      }
    }
    if (errors.length > 0) throw errors[0]
  }
}
