// Reads `{target, requests}` in base64 from stdin and sends the requests one after the other.
let text = ''
process.stdin
  .on('data', part => {
    text += part
  })
  .on('end', async () => {
    const {target, requests} = JSON.parse(Buffer.from(text, 'base64').toString())
    const {request} = require(target.protocol === 'https:' ? 'node:https' : 'node:http')
    for (const {body, ...one} of requests) {
      await new Promise(resolve => {
        const outgoing = request({...target, ...one, timeout: 5000}, answer => answer.resume().on('close', resolve))
        outgoing.on('error', resolve)
        outgoing.on('timeout', () => outgoing.destroy())
        outgoing.end(Buffer.from(body, 'base64'))
      })
    }
  })
