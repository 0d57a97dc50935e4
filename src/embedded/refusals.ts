export type Headers = Readonly<Record<string, string>>

/** A refusal by the agent that received the request. */
export class HttpError extends Error {
  readonly status: number
  readonly headers: Headers

  constructor(status: number, text: string, headers: Headers = {}) {
    super(text)
    this.status = status
    this.headers = headers
  }
}

/** A refusal by the servers of a datacenter. Its message gets a prefix if the datacenter is not the agent's own. */
export class RpcError extends Error {
  /** The HTTP status. As in Consul, it depends on the text of the message. */
  get status(): number {
    return /Permission denied|ACL not found/.test(this.message) ? 403 : 500
  }
}

export const permissionDenied = (): RpcError => new RpcError('Permission denied')

export const badRequest = (text: string): HttpError => new HttpError(400, text)
