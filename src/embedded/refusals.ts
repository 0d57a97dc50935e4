export type Headers = Readonly<Record<string, string>>

/** Refusal found by the agent that was asked. */
export class HttpError extends Error {
  readonly status: number
  readonly headers: Headers

  constructor(status: number, text: string, headers: Headers = {}) {
    super(text)
    this.status = status
    this.headers = headers
  }
}

/** Refusal by the servers of a datacenter, prefixed when it comes from another one. */
export class RpcError extends Error {
  /** As Consul does it: by the text. */
  get status(): number {
    return /Permission denied|ACL not found/.test(this.message) ? 403 : 500
  }
}

export const permissionDenied = (): RpcError => new RpcError('Permission denied')

export const badRequest = (text: string): HttpError => new HttpError(400, text)
