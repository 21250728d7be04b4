/** Asks a DNS server one question, to see whether it answers. */
import { createSocket } from 'node:dgram'
import { decode, encode } from 'dns-packet'

const TIMEOUT_MS = 500

/** Whether `server` has an address for `name`. */
export function dnsAnswers(server: string, name: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createSocket('udp4')
    const done = (answered: boolean) => {
      clearTimeout(timer)
      socket.close()
      resolve(answered)
    }
    const timer = setTimeout(() => done(false), TIMEOUT_MS)
    socket.on('error', () => done(false))
    socket.on('message', (message) => done((decode(message).answers ?? []).length > 0))
    socket.send(encode({ type: 'query', id: 1, flags: 0x100, questions: [{ type: 'A', name }] }), 53, server)
  })
}
