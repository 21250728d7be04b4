// A small store that speaks enough of the Redis protocol for the guestbook, for machines without redis-server.
import { createServer } from 'node:net'

const PORT = Number(process.env.PORT ?? 6379)
const lists = new Map()

const commands = {
  PING: () => '+PONG\r\n',
  LPUSH(key, ...values) {
    const list = lists.get(key) ?? []
    list.unshift(...values.toReversed())
    if (list.length > 10_000) list.length = 10_000
    lists.set(key, list)
    return `:${list.length}\r\n`
  },
  LRANGE(key, from, to) {
    const list = lists.get(key) ?? []
    const end = Number(to) < 0 ? list.length + Number(to) + 1 : Number(to) + 1
    const part = list.slice(Number(from), end)
    return `*${part.length}\r\n${part.map((value) => `$${Buffer.byteLength(value)}\r\n${value}\r\n`).join('')}`
  },
}

createServer((socket) => {
  let text = ''
  socket.on('error', () => socket.destroy())
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1')
    for (let words = take(); words; words = take()) {
      const [name, ...args] = words
      const run = commands[name.toUpperCase()]
      socket.write(run ? run(...args) : `-ERR unknown command '${name}'\r\n`)
    }
  })
  /** The next whole command, as its words; undefined while there is none. */
  function take() {
    const count = /^\*(\d+)\r\n/.exec(text)
    if (!count) return undefined
    let at = count[0].length
    const words = []
    for (let i = 0; i < Number(count[1]); i++) {
      const size = /^\$(\d+)\r\n/.exec(text.slice(at))
      if (!size) return undefined
      at += size[0].length
      const end = at + Number(size[1])
      if (text.length < end + 2) return undefined
      words.push(Buffer.from(text.slice(at, end), 'latin1').toString())
      at = end + 2
    }
    text = text.slice(at)
    return words
  }
}).listen(PORT, () => console.log(`store listens on ${PORT}`))

process.on('SIGTERM', () => process.exit(0))
