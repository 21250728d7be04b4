// The back end: keeps entries in a store that speaks the Redis protocol, writing to the leader and reading from a replica.
import { createServer } from 'node:http'
import { hostname } from 'node:os'
import { connect } from 'node:net'

const WRITE_TO = process.env.STORE_WRITE ?? 'store-leader:6379'
const READ_FROM = process.env.STORE_READ ?? WRITE_TO
const PORT = Number(process.env.PORT ?? 8080)
const KEPT = 100

/** One command on a connection of its own. The answer is a string, a number or a list of strings. */
function command(target, ...words) {
  const [host, port] = target.split(':')
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port: Number(port) })
    let received = Buffer.alloc(0)
    socket.setTimeout(5000, () => socket.destroy(new Error('the store does not answer')))
    socket.on('error', reject)
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk])
      const parsed = parse(received, 0)
      if (!parsed) return
      socket.end()
      if (parsed.error) reject(new Error(parsed.error))
      else resolve(parsed.value)
    })
    socket.write(`*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('')}`)
  })
}

/** A value of the protocol at `at`, and where it ends; undefined while it is incomplete. */
function parse(bytes, at) {
  const end = bytes.indexOf('\r\n', at)
  if (end < 0) return undefined
  const kind = String.fromCharCode(bytes[at])
  const line = bytes.subarray(at + 1, end).toString()
  if (kind === '+') return { value: line, end: end + 2 }
  if (kind === '-') return { error: line, end: end + 2 }
  if (kind === ':') return { value: Number(line), end: end + 2 }
  const size = Number(line)
  if (kind === '$') {
    if (size < 0) return { value: undefined, end: end + 2 }
    const start = end + 2
    return bytes.length < start + size + 2
      ? undefined
      : { value: bytes.subarray(start, start + size).toString(), end: start + size + 2 }
  }
  const value = []
  let next = end + 2
  for (let i = 0; i < size; i++) {
    const element = parse(bytes, next)
    if (!element) return undefined
    value.push(element.value)
    next = element.end
  }
  return { value, end: next }
}

async function readBody(req) {
  let text = ''
  for await (const chunk of req) {
    text += chunk
    if (text.length > 1000) throw new Error('too long')
  }
  return text.trim()
}

createServer(async (req, res) => {
  try {
    if (req.url === '/healthz') return void res.end((await command(READ_FROM, 'PING')) === 'PONG' ? 'ok' : 'no')
    if (req.url !== '/api/entries') return void res.writeHead(404).end('not found\n')
    if (req.method === 'POST') {
      const text = await readBody(req)
      if (text === '') return void res.writeHead(400).end('say something\n')
      await command(WRITE_TO, 'LPUSH', 'entries', text)
      return void res.writeHead(201).end('thank you\n')
    }
    const entries = await command(READ_FROM, 'LRANGE', 'entries', '0', String(KEPT - 1))
    res.setHeader('content-type', 'application/json').end(JSON.stringify({ entries, servedBy: hostname() }))
  } catch (err) {
    res.writeHead(503).end(`${err.message}\n`)
  }
}).listen(PORT, () => console.log(`back end listens on ${PORT}, store ${WRITE_TO}`))

process.on('SIGTERM', () => process.exit(0))
