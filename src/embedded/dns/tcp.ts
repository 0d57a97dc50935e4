import {createServer, type Server, type Socket} from 'node:net'

/** Time in milliseconds after which an idle client is disconnected. */
const idleMs = 30_000
const lengthBytes = 2

/** Listens for DNS questions over TCP. If a question gets no reply, closes the connection on which it arrived. */
export async function listenTcp(
  address: {readonly host: string; readonly port: number},
  reply: (question: Buffer) => Buffer | undefined,
): Promise<AsyncDisposable> {
  const sockets = new Set<Socket>()
  const server = createServer(socket => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    serve(socket, reply)
  })
  await listen(server, address)
  return {
    [Symbol.asyncDispose]: async () => {
      const closed = new Promise(resolve => server.close(resolve))
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}

function serve(socket: Socket, reply: (question: Buffer) => Buffer | undefined): void {
  let received: Buffer = Buffer.alloc(0)
  socket.on('error', () => {})
  socket.setTimeout(idleMs, () => socket.destroy())
  socket.on('data', (chunk: Buffer) => {
    received = Buffer.concat([received, chunk])
    while (received.length >= lengthBytes) {
      const end = lengthBytes + received.readUInt16BE()
      if (received.length < end) return
      const answer = reply(received.subarray(lengthBytes, end))
      if (!answer) {
        socket.destroy()
        return
      }
      const length = Buffer.alloc(lengthBytes)
      length.writeUInt16BE(answer.length)
      socket.write(Buffer.concat([length, answer]))
      received = received.subarray(end)
    }
  })
}

async function listen(server: Server, address: {readonly host: string; readonly port: number}): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(address, () => {
      server.removeListener('error', reject)
      resolve()
    })
  })
}
