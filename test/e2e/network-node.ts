/**
 * Runs inside a namespace for the network tests, told what to do by JSON lines on standard input, answering each by one on
 * standard output. As `node` it is the network part of an agent: bridge, routes and service proxy over objects that the
 * test puts there. As `pod` it serves TCP and UDP, and dials out.
 */
import { createSocket } from 'node:dgram'
import { Resolver } from 'node:dns/promises'
import { connect, createServer } from 'node:net'
import { createInterface } from 'node:readline'
import { systemClock } from '#base/clock.ts'
import { createLog } from '#base/log.ts'
import { systemRandom } from '#base/random.ts'
import { endpointSlices, nodes, services } from '#api/resources.ts'
import type { Resource } from '#api/kind.ts'
import { Client } from '#client/client.ts'
import { createInformers } from '#client/informers.ts'
import { createBridgeNetwork } from '#network/bridge.ts'
import { createSystemHost } from '#network/host.ts'
import { startNodeRoutes } from '#network/node-routes.ts'
import { startServiceProxy } from '#network/proxy/service-proxy.ts'
import { ObjectSource, type Sketch } from '#testing/object-source.ts'

type Handlers = Record<string, (argument: any) => unknown>

function answerLines(handlers: Handlers, onEnd: () => void) {
  const lines = createInterface({ input: process.stdin })
  lines.on('line', async (line) => {
    const { id, op, argument } = JSON.parse(line)
    try {
      const result = await handlers[op]!(argument)
      process.stdout.write(`${JSON.stringify({ id, result: result ?? null })}\n`)
    } catch (err) {
      process.stdout.write(`${JSON.stringify({ id, error: err instanceof Error ? err.message : String(err) })}\n`)
    }
  })
  lines.on('close', onEnd)
}

const resources: Record<string, Resource> = { services, endpointSlices, nodes } as never

interface NodeConfig {
  name: string
  ip: string
  podCidr: string
  serviceCidr: string
  backend: 'nft' | 'userspace'
  mode: 'auto' | 'vxlan'
  stateDirectory: string
  path?: string
}

async function runNode(config: NodeConfig) {
  const source = new ObjectSource()
  const stop = new AbortController()
  const log = createLog('warn')
  const shared = { clock: systemClock, random: systemRandom, log, signal: stop.signal }
  const client = new Client(source)
  const informers = createInformers({ client, ...shared })
  const host = createSystemHost(config.path === undefined ? {} : { path: config.path })
  const { name: nodeName, stateDirectory, podCidr, serviceCidr: serviceCidrs, ip } = config
  const bridge = createBridgeNetwork({ host, stateDirectory, podCidr, ...shared })
  const routes = startNodeRoutes({ informers, host, nodeName, mode: config.mode, masquerade: true, ...shared })
  const { backend } = config
  const proxy = await startServiceProxy({ informers, host, nodeName, nodeIps: [ip], serviceCidrs, backend, ...shared })
  await Promise.all([routes.ready, proxy.ready])
  answerLines(
    {
      put: ({ plural, object }: { plural: string; object: Sketch<never> }) =>
        void source.put(resources[plural]!, object),
      remove: ({ plural, metadata }) => source.remove(resources[plural]!, metadata),
      settled: () => proxy.settled(),
      setup: (request) => bridge.setup(request),
      teardown: (request) => bridge.teardown(request),
      problems: () => ({ routes: routes.problems, proxy: proxy.lastError, backend: proxy.backend }),
      async stop() {
        bridge.stop()
        stop.abort()
        await Promise.all([proxy.stopped, routes.stopped])
      },
    },
    () => process.exit(0),
  )
  process.stdout.write('ready\n')
}

async function runPod(name: string) {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.write(`${name} ${socket.remoteAddress}\n`)
    socket.on('error', () => {})
    socket.pipe(socket)
  })
  server.listen(8080, '0.0.0.0')
  const udp = createSocket('udp4')
  udp.on('message', (message, from) => udp.send(`${name} ${from.address} ${message}`, from.port, from.address))
  udp.bind(8080, '0.0.0.0')
  const sockets = new Map<string, { socket: ReturnType<typeof createSocket> }>()
  answerLines(
    {
      /** Asks the name server at `server` (ip or ip:port), as a pod with that in its resolv.conf would. */
      async lookup({ server, name, rrtype = 'A' }) {
        const resolver = new Resolver({ timeout: 2_000, tries: 2 })
        resolver.setServers([server])
        return resolver.resolve(name, rrtype).catch((err: NodeJS.ErrnoException) => err.code)
      },
      /** Connects, sends, half-closes, and returns all that came back, or the code of the error. */
      tcp: ({ ip, port, text = '' }) =>
        new Promise((resolve) => {
          const socket = connect({ host: ip, port, timeout: 3_000 })
          let answer = ''
          socket.on('connect', () => socket.end(text))
          socket.on('data', (chunk) => (answer += chunk))
          socket.on('end', () => resolve(answer))
          socket.on('timeout', () => socket.destroy(Object.assign(new Error('no answer in time'), { code: 'TIMEOUT' })))
          socket.on('error', (err: NodeJS.ErrnoException) => resolve(err.code))
        }),
      /** Sends one datagram from a socket that is kept under `key`. */
      udp: ({ ip, port, text, key = 'one' }) =>
        new Promise((resolve) => {
          let entry = sockets.get(key)
          if (!entry) sockets.set(key, (entry = { socket: createSocket('udp4') }))
          const { socket } = entry
          const done = (answer: string) => {
            clearTimeout(timer)
            socket.removeAllListeners()
            resolve(answer)
          }
          const timer = setTimeout(() => done('TIMEOUT'), 1_500)
          socket.on('message', (message) => done(String(message)))
          socket.on('error', (err: NodeJS.ErrnoException) => done(err.code ?? 'ERROR'))
          const send = () => socket.send(text)
          try {
            socket.remoteAddress()
            send()
          } catch {
            socket.connect(port, ip, send)
          }
        }),
      /** Sends `bytes` through the echo of the other side and counts what comes back. */
      bulk: ({ ip, port, bytes }) =>
        new Promise((resolve) => {
          const started = performance.now()
          const socket = connect({ host: ip, port })
          let received = 0
          socket.on('data', (chunk) => (received += chunk.length))
          socket.on('end', () => resolve({ received, ms: performance.now() - started }))
          socket.on('error', (err: NodeJS.ErrnoException) => resolve({ received, error: err.code }))
          const chunk = Buffer.alloc(65_536, 'x')
          let left = bytes
          const more = () => {
            while (left > 0) {
              left -= chunk.length
              if (!socket.write(chunk)) return
            }
            socket.end()
          }
          socket.on('drain', more)
          socket.on('connect', more)
        }),
    },
    () => process.exit(0),
  )
  process.stdout.write('ready\n')
}

const [role, argument] = process.argv.slice(2)
if (role === 'node') await runNode(JSON.parse(argument!))
else await runPod(argument!)
