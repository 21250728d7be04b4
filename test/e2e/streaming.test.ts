/**
 * The real kubectl against the streaming path: a small API server (just enough for `exec`, `attach`, `port-forward` and
 * `cp`), a kubelet that passes through, and a runtime's streaming server whose "containers" are processes of this host.
 * Every command runs over WebSocket, which kubectl prefers, and over SPDY, which older ones speak.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import {
  createServer as createHttpServer,
  get,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http'
import { createSecureServer, type Http2SecureServer } from 'node:http2'
import { createServer as createHttpsServer } from 'node:https'
import { type AddressInfo, connect, createServer as createTcpServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemClock } from '#base/clock.ts'
import { exec } from '#base/exec.ts'
import { createLog } from '#base/log.ts'
import { systemRandom } from '#base/random.ts'
import type { ExitStatus } from '#streaming/exit-status.ts'
import { proxyStream } from '#streaming/proxy-stream.ts'
import type { RemoteCommandSession } from '#streaming/remote-command-session.ts'
import { splice } from '#streaming/splice.ts'
import { createStreamingServer, type StreamingServer } from '#streaming/streaming-server.ts'

const MODES = [
  { name: 'WebSocket', websockets: 'true' },
  { name: 'SPDY', websockets: 'false' },
]

const log = createLog(process.env.STREAMING_LOG === 'debug' ? 'debug' : 'silent')
const base = { clock: systemClock, log }
let dir: string
let container: string
let runtime: StreamingServer
let kubelet: Server
let kubeletUrl: string
let api: Http2SecureServer
const apiSockets = new Set<Duplex>()
const children = new Set<ChildProcess>()
/** Requests the API server saw, as `upgrade path`. */
const upgrades: string[] = []

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'streaming-e2e-'))
  container = join(dir, 'container')
  await mkdir(container)
  await exec([
    'openssl',
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:prime256v1',
    '-nodes',
    '-days',
    '1',
    '-subj',
    '/CN=127.0.0.1',
    '-addext',
    'subjectAltName=IP:127.0.0.1',
    '-keyout',
    join(dir, 'key.pem'),
    '-out',
    join(dir, 'cert.pem'),
  ])
  const tls = { key: await readFile(join(dir, 'key.pem')), cert: await readFile(join(dir, 'cert.pem')) }
  runtime = await createStreamingServer({
    ...base,
    random: systemRandom,
    exec: (request, session) => runProcess([...request.cmd], session),
    attach: (_request, session) =>
      runProcess(['sh', '-c', 'echo attached; read line; echo "got $line"; exit 5'], session),
    portForward: async (_request, port, data) => {
      const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
      await once(socket, 'connect')
      await splice(data, socket, { clock: systemClock })
    },
  })
  kubelet = createHttpsServer(tls)
  kubelet.on('upgrade', (req: IncomingMessage, socket: Duplex, head: Buffer) => {
    const url = new URL(req.url!, 'https://kubelet')
    const flag = (name: string) => url.searchParams.get(name) === '1'
    const streams = {
      stdin: flag('input'),
      stdout: flag('output'),
      stderr: flag('error') && !flag('tty'),
      tty: flag('tty'),
    }
    const containerId = url.pathname.split('/')[4] ?? ''
    const target = url.pathname.startsWith('/portForward')
      ? runtime.urlFor({ kind: 'portforward', request: { podSandboxId: 'p' } })
      : url.pathname.startsWith('/exec')
        ? runtime.urlFor({
            kind: 'exec',
            request: { containerId, cmd: url.searchParams.getAll('command'), ...streams },
          })
        : runtime.urlFor({ kind: 'attach', request: { containerId, ...streams } })
    void proxyStream(req, socket, head, { ...base, kind: 'raw', target: new URL(target) })
  })
  // As the real one: HTTP/2 for requests, HTTP/1.1 for upgrades, on one port.
  api = createSecureServer({ ...tls, allowHTTP1: true })
  api.on('request', (req, res) => serveApi(req as unknown as IncomingMessage, res as unknown as ServerResponse))
  api.on('secureConnection', (socket: Duplex) => {
    apiSockets.add(socket)
    socket.on('close', () => apiSockets.delete(socket))
  })
  api.on('upgrade', (req: IncomingMessage, socket: Duplex, head: Buffer) => {
    const url = new URL(req.url!, 'https://api')
    const subresource = url.pathname.split('/').at(-1)!
    upgrades.push(`${req.headers.upgrade} ${subresource}`)
    const kind = subresource === 'portforward' ? 'portforward' : subresource === 'exec' ? 'exec' : 'attach'
    const target = new URL(`${kubeletUrl}/${kind === 'portforward' ? 'portForward' : kind}/default/p/c`)
    for (const [name, query] of [
      ['stdin', 'input'],
      ['stdout', 'output'],
      ['stderr', 'error'],
      ['tty', 'tty'],
    ] as const) {
      if (url.searchParams.get(name) === 'true') target.searchParams.set(query, '1')
    }
    for (const word of url.searchParams.getAll('command')) target.searchParams.append('command', word)
    void proxyStream(req, socket, head, { ...base, kind, target, tls: { ca: tls.cert } })
  })
  await Promise.all([kubelet, api].map((server) => once(server.listen(0, '127.0.0.1'), 'listening')))
  kubeletUrl = `https://127.0.0.1:${portOf(kubelet)}`
  await writeFile(
    join(dir, 'kubeconfig'),
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [
        {
          name: 'x',
          cluster: { server: `https://127.0.0.1:${portOf(api)}`, 'certificate-authority': join(dir, 'cert.pem') },
        },
      ],
      users: [{ name: 'x', user: { token: 'secret' } }],
      contexts: [{ name: 'x', context: { cluster: 'x', user: 'x' } }],
      'current-context': 'x',
    }),
  )
})

afterAll(async () => {
  for (const child of children) child.kill('SIGKILL')
  await runtime?.close()
  for (const socket of apiSockets) socket.destroy()
  kubelet?.closeAllConnections()
  kubelet?.close()
  api?.close()
  await rm(dir, { recursive: true, force: true })
})

function portOf(server: Server | Http2SecureServer): number {
  return (server.address() as AddressInfo).port
}

function serveApi(req: IncomingMessage, res: ServerResponse): void {
  const path = req.url!.split('?')[0]!
  const meta = { kind: 'APIResourceList', apiVersion: 'v1' }
  const answers: Record<string, object> = {
    '/api': { kind: 'APIVersions', versions: ['v1'] },
    '/apis': { kind: 'APIGroupList', apiVersion: 'v1', groups: [] },
    '/api/v1': {
      ...meta,
      groupVersion: 'v1',
      resources: [
        { name: 'pods', singularName: 'pod', namespaced: true, kind: 'Pod', verbs: ['get', 'list', 'create'] },
      ],
    },
    '/api/v1/namespaces/default/pods/p': {
      kind: 'Pod',
      apiVersion: 'v1',
      metadata: { name: 'p', namespace: 'default' },
      spec: { containers: [{ name: 'c', stdin: true, tty: false }] },
      status: { phase: 'Running' },
    },
  }
  const answer = answers[path]
  res.writeHead(answer ? 200 : 404, { 'content-type': 'application/json' })
  res.end(
    JSON.stringify(
      answer ?? {
        kind: 'Status',
        apiVersion: 'v1',
        status: 'Failure',
        reason: 'NotFound',
        message: `${path} not found`,
        code: 404,
      },
    ),
  )
}

async function runProcess(command: string[], session: RemoteCommandSession): Promise<ExitStatus> {
  const [file, ...args] = command
  const child = spawn(file!, args, { cwd: container, stdio: 'pipe' })
  children.add(child)
  session.signal.addEventListener('abort', () => child.kill('SIGKILL'))
  const closed = once(child, 'close') as Promise<[number | null, string | null]>
  closed.catch(() => {})
  child.stdin.on('error', () => {})
  if (session.stdin) session.stdin.pipe(child.stdin)
  else child.stdin.end()
  child.stdout.pipe(session.stdout!, { end: false })
  if (session.stderr) child.stderr.pipe(session.stderr)
  if (session.tty) {
    for await (const size of session.resizes) {
      session.stdout!.write(`size ${size.width}x${size.height}\r\n`)
      break
    }
  }
  const [code, signal] = await closed
  children.delete(child)
  return { exitCode: code ?? (signal === 'SIGKILL' ? 137 : 143) }
}

interface Run {
  code: number | null
  stdout: Buffer
  stderr: string
}

function start(args: string[], websockets: string, stdio: 'pipe' | 'ignore' = 'pipe'): ChildProcess {
  const child = spawn('kubectl', args, {
    stdio: [stdio, 'pipe', 'pipe'],
    env: {
      PATH: process.env.PATH,
      HOME: dir,
      TMPDIR: dir,
      KUBECONFIG: join(dir, 'kubeconfig'),
      KUBECTL_REMOTE_COMMAND_WEBSOCKETS: websockets,
      KUBECTL_PORT_FORWARD_WEBSOCKETS: websockets,
    },
  })
  children.add(child)
  child.on('close', () => children.delete(child))
  return child
}

async function kubectl(args: string[], websockets: string, input?: Buffer | string): Promise<Run> {
  const child = start(args, websockets, input === undefined ? 'ignore' : 'pipe')
  child.stdin?.on('error', () => {})
  child.stdin?.end(input)
  const [stdout, stderr, [code]] = await Promise.all([
    buffer(child.stdout!),
    buffer(child.stderr!),
    once(child, 'close'),
  ])
  return { code: code as number | null, stdout, stderr: stderr.toString() }
}

const sha = (data: Buffer) => createHash('sha256').update(data).digest('hex')

describe.each(MODES)('kubectl over $name', ({ name, websockets }) => {
  it('exec: both outputs and success', async () => {
    upgrades.length = 0
    const run = await kubectl(['exec', 'p', '--', 'sh', '-c', 'echo out; echo err >&2'], websockets)
    expect(run).toMatchObject({ code: 0, stderr: 'err\n' })
    expect(run.stdout.toString()).toBe('out\n')
    expect(upgrades).toEqual([name === 'WebSocket' ? 'websocket exec' : 'SPDY/3.1 exec'])
  })

  it('exec: exit code', async () => {
    const run = await kubectl(['exec', 'p', '--', 'sh', '-c', 'exit 42'], websockets)
    expect(run.code).toBe(42)
    expect(run.stderr).toContain('command terminated with exit code 42')
  })

  it('exec: a command that cannot run', async () => {
    const run = await kubectl(['exec', 'p', '--', '/no/such/program'], websockets)
    expect(run.code).toBe(1)
    expect(run.stderr).toContain(
      'error: Internal error occurred: error executing command in container: spawn /no/such/program ENOENT',
    )
  })

  it('exec -i: 32 MB through cat, and the end of input', async () => {
    const data = randomBytes(32 << 20)
    const run = await kubectl(['exec', '-i', 'p', '--', 'cat'], websockets, data)
    expect(run.code).toBe(0)
    expect(sha(run.stdout)).toBe(sha(data))
  })

  it('exec -i: the command ends although input stays open', async () => {
    const child = start(['exec', '-i', 'p', '--', 'sh', '-c', 'echo done; exit 3'], websockets)
    const [stdout, [code]] = await Promise.all([buffer(child.stdout!), once(child, 'close')])
    expect(stdout.toString()).toBe('done\n')
    expect(code).toBe(3)
  })

  it('exec -i: the command ends while much input is under way', async () => {
    const run = await kubectl(
      ['exec', '-i', 'p', '--', 'sh', '-c', 'head -c 10; exit 4'],
      websockets,
      Buffer.alloc(16 << 20, 'x'),
    )
    expect(run.stdout.toString()).toBe('x'.repeat(10))
    expect(run.code).toBe(4)
  })

  it('exec -it: the size of the terminal', async () => {
    const inner = `stty cols 101 rows 31; KUBECTL_REMOTE_COMMAND_WEBSOCKETS=${websockets} KUBECONFIG=${join(dir, 'kubeconfig')} HOME=${dir} kubectl exec -it p -- echo hello`
    const child = spawn('script', ['-qec', inner, '/dev/null'], { stdio: ['pipe', 'pipe', 'pipe'] })
    children.add(child)
    const [stdout] = await Promise.all([buffer(child.stdout), once(child, 'close')])
    children.delete(child)
    expect(stdout.toString()).toContain('size 101x31')
    expect(stdout.toString()).toContain('hello')
  })

  it('exec: a client that is killed takes its process along', async () => {
    const child = start(['exec', 'p', '--', 'sh', '-c', 'echo started; exec sleep 300'], websockets)
    await once(child.stdout!, 'data')
    const process = [...children].at(-1)!
    child.kill('SIGKILL')
    const [, signal] = await once(process, 'close')
    expect(signal).toBe('SIGKILL')
  })

  it('attach', async () => {
    const run = await kubectl(['attach', '-i', 'p'], websockets, 'line one\n')
    expect(run.stdout.toString()).toBe('attached\ngot line one\n')
    expect(run.code).toBe(5)
  })

  it('cp in both directions', async () => {
    const data = randomBytes(5 << 20)
    await writeFile(join(dir, 'local'), data)
    const to = await kubectl(['cp', join(dir, 'local'), `p:${join(container, `copied-${name}`)}`], websockets)
    expect(to).toMatchObject({ code: 0, stderr: '' })
    expect(sha(await readFile(join(container, `copied-${name}`)))).toBe(sha(data))
    const from = await kubectl(['cp', `p:${join(container, `copied-${name}`)}`, join(dir, `back-${name}`)], websockets)
    expect(from.code).toBe(0)
    expect(sha(await readFile(join(dir, `back-${name}`)))).toBe(sha(data))
  })

  it('port-forward: many connections, large answers, a port nobody listens on', async () => {
    const body = randomBytes(3 << 20)
    const web = createHttpServer((_req, res) => res.end(body)).listen(0, '127.0.0.1')
    await once(web, 'listening')
    const closedPort = createTcpServer().listen(0, '127.0.0.1')
    await once(closedPort, 'listening')
    const unused = (closedPort.address() as AddressInfo).port
    closedPort.close()
    const child = start(['port-forward', 'p', `:${portOf(web)}`, `:${unused}`], websockets)
    try {
      const ports = new Map<number, number>()
      let printed = ''
      while (ports.size < 2) {
        const [chunk] = await once(child.stdout!, 'data')
        printed += String(chunk)
        for (const match of printed.matchAll(/127\.0\.0\.1:(\d+) -> (\d+)/g))
          ports.set(Number(match[2]), Number(match[1]))
      }
      const fetchOnce = async () => {
        const [res] = (await once(
          get({ port: ports.get(portOf(web)), host: '127.0.0.1', agent: false }),
          'response',
        )) as [IncomingMessage]
        return sha(await buffer(res))
      }
      const wanted = sha(body)
      for (let round = 0; round < 3; round++) {
        expect(await Promise.all(Array.from({ length: 8 }, fetchOnce))).toEqual(Array(8).fill(wanted))
      }
      const refused = connect(ports.get(unused)!, '127.0.0.1')
      refused.on('error', () => {})
      const [stderr] = await Promise.all([once(child.stderr!, 'data'), once(refused, 'close')])
      expect(String(stderr)).toContain(
        `an error occurred forwarding ${ports.get(unused)} -> ${unused}: error forwarding port ${unused} to pod p`,
      )
    } finally {
      child.kill('SIGKILL')
      web.closeAllConnections()
      web.close()
    }
  })
})

describe('errors on the way', () => {
  it.each(MODES)('a kubelet that cannot be reached ($name)', async ({ websockets }) => {
    const live = kubeletUrl
    kubeletUrl = 'https://127.0.0.1:1'
    const run = await kubectl(['exec', 'p', '--', 'true'], websockets)
    kubeletUrl = live
    expect(run.code).toBe(1)
    expect(run.stderr).toContain('ECONNREFUSED')
  })
})
