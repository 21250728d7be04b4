/** A control plane, a container runtime and a node agent in this process, for the agent's end-to-end tests. */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { request } from 'node:https'
import type { IncomingMessage } from 'node:http'
import { systemClock } from '#base/clock.ts'
import { createLog, silentLog } from '#base/log.ts'
import { systemRandom } from '#base/random.ts'
import type { Event } from '#api/core/v1/event.ts'
import type { Pod } from '#api/core/v1/pod.ts'
import type { Draft } from '#api/kind.ts'
import { events, namespaces, pods, serviceAccounts } from '#api/resources.ts'
import { Client } from '#client/client.ts'
import { createEventRecorder } from '#client/event-recorder.ts'
import { createInformers } from '#client/informers.ts'
import { controllers } from '#controllers/all.ts'
import { type ApiServer, createApiServer, systemUser } from '#apiserver/server.ts'
import type { CriClient } from '#contracts/cri/client.ts'
import { isStatus } from '#machinery/status-error.ts'
import { type Kubelet, type KubeletOptions, startKubelet } from '#kubelet/kubelet.ts'
import { startScheduler } from '#scheduler/scheduler.ts'
import { createMemoryStore } from '#storage/memory-store.ts'
import { kubernetesVersion } from '#main/version.ts'
import { ensurePki, issueNodeCertificates, pkiInMemory, type Pki } from '#main/pki.ts'
import { IMAGE, RuntimeNode } from './runtime-node.ts'

const log = process.env.ROSTRUM_TEST_LOG ? createLog('debug') : silentLog

export class KubeletNode {
  readonly runtime = new RuntimeNode()
  readonly pki: Pki = ensurePki(pkiInMemory(), ['127.0.0.1', 'localhost'], systemClock, systemRandom)
  readonly cgroupRoot = this.runtime.options.cgroupRoot
  /** The runtime that the agent uses; default the built-in one. */
  cri: CriClient = this.runtime.client
  server!: ApiServer
  readonly #stop = new AbortController()
  kubelet!: Kubelet
  client!: Client

  async start(): Promise<void> {
    await this.#startControlPlane()
    await this.runtime.start()
    await this.runtime.makeImage()
    await this.startKubelet()
    await this.kubelet.ready
    await this.runtime.until(
      async () => this.client.find(serviceAccounts, { namespace: 'default', name: 'default' }),
      'the default service account',
    )
  }

  /** The API server, the scheduler, and the controllers that every pod needs. */
  async #startControlPlane() {
    const common = { clock: systemClock, random: systemRandom, log }
    const { signal } = this.#stop
    this.server = await createApiServer({
      ...common,
      store: createMemoryStore(),
      serviceCidr: '10.96.0.0/16',
      tokens: [],
      signingKey: this.pki.signingKey,
      tls: { ...this.pki.serving, clientCa: this.pki.authority.cert },
      kubeletTls: { ca: this.pki.authority.cert, ...this.pki.kubeletClient },
      version: kubernetesVersion,
    })
    const port = await this.server.listen('127.0.0.1', 0)
    await this.server.bootstrap({ address: '127.0.0.1', port })
    this.client = new Client(this.server.transport(systemUser('system:test')))
    const client = this.client
    const context = {
      ...common,
      client,
      informers: createInformers({ ...common, client, signal }),
      recorder: createEventRecorder({ ...common, client, component: 'test', signal }),
      signal,
    }
    const needed = ['serviceaccount', 'root-ca-certificate-publisher', 'nodelifecycle', 'namespace']
    for (const { name, create } of controllers) {
      if (needed.includes(name)) await create({ caBundle: this.pki.authority.cert })?.start(context)
    }
    startScheduler(context)
  }

  async startKubelet(extra: Partial<KubeletOptions> = {}): Promise<void> {
    const certificates = issueNodeCertificates(this.pki.authority, 'n1', ['127.0.0.1'], systemClock, systemRandom)
    this.kubelet = await startKubelet({
      nodeName: 'n1',
      client: new Client(this.server.transport(systemUser('system:node:n1'))),
      cri: this.cri,
      rootDir: join(this.runtime.dir, 'kubelet'),
      podLogsDir: join(this.runtime.dir, 'pod-logs'),
      cgroupRoot: this.cgroupRoot,
      nodeIps: ['127.0.0.1'],
      clusterDns: ['10.96.0.10'],
      clusterDomain: 'cluster.local',
      serverTls: { ...certificates.serving, clientCa: this.pki.authority.cert },
      listen: { address: '127.0.0.1', port: 0 },
      version: 'v1.36.2-test',
      evictionThresholds: {},
      clock: systemClock,
      random: systemRandom,
      log,
      ...extra,
    })
  }

  async dispose(): Promise<void> {
    await this.kubelet?.close()
    this.#stop.abort(new Error('the test is over'))
    await this.server?.close()
    const { MountTable } = await import('#kubelet/volumes/mount-table.ts')
    const mounts = new MountTable()
    for (const point of await mounts.below(join(this.runtime.dir, 'kubelet'))) await mounts.unmount(point)
    await this.runtime.dispose()
    rmSync(this.runtime.dir, { recursive: true, force: true })
  }

  async namespace(name: string): Promise<void> {
    await this.client.create(namespaces, { metadata: { name } }).catch((thrown: unknown) => {
      if (!isStatus(thrown, 'AlreadyExists')) throw thrown
    })
    await this.runtime.until(
      async () => this.client.find(serviceAccounts, { namespace: name, name: 'default' }),
      'a service account',
    )
  }

  /** A pod of one container that runs `command`; the test's image, with a short grace period. */
  async create(name: string, spec: Partial<Pod['spec']> & { command?: string[] } = {}, metadata = {}): Promise<Pod> {
    const { command = ['sleep', '1000'], ...rest } = spec
    const draft: Draft<Pod> = {
      metadata: { name, namespace: 'default', ...metadata },
      spec: {
        containers: [{ name: 'main', image: IMAGE, imagePullPolicy: 'Never', command, resources: {} }],
        terminationGracePeriodSeconds: 1,
        ...rest,
      },
    }
    return this.client.create(pods, draft)
  }

  get(name: string): Promise<Pod | undefined> {
    return this.client.find(pods, { namespace: 'default', name })
  }

  /** Waits until the pod is as `check` wants it; shows its status when it does not get there. */
  async until(name: string, check: (pod: Pod) => unknown, timeoutMs = 20_000): Promise<Pod> {
    let last: Pod | undefined
    try {
      return await this.runtime.until(
        async () => {
          last = await this.get(name)
          return last && check(last) ? last : undefined
        },
        `pod ${name}`,
        timeoutMs,
      )
    } catch (thrown) {
      const seen = (await this.eventsOf(name)).map((e) => `${e.reason}: ${e.message}`)
      throw new Error(`${String(thrown)}\n${JSON.stringify(last?.status, null, 1)}\n${seen.join('\n')}`, {
        cause: thrown,
      })
    }
  }

  running = (name: string) => this.until(name, (pod) => pod.status.phase === 'Running')
  ready = (name: string) =>
    this.until(name, (pod) => pod.status.conditions?.some((c) => c.type === 'Ready' && c.status === 'True'))

  async remove(name: string, gracePeriodSeconds?: number): Promise<void> {
    await this.client.delete(
      pods,
      { namespace: 'default', name },
      gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds },
    )
    await this.gone(name)
  }

  async gone(name: string): Promise<void> {
    await this.runtime.until(async () => ((await this.get(name)) ? undefined : true), `pod ${name} to go`)
  }

  async eventsOf(name: string): Promise<Event[]> {
    const { items } = await this.client.list(events, { namespace: 'default' })
    return items.filter((e) => e.involvedObject.name === name)
  }

  /** Waits until something was told of the pod that is as `check` wants it. */
  untilEvent(name: string, check: (event: Event) => boolean): Promise<Event> {
    return this.runtime.until(async () => (await this.eventsOf(name)).find(check), `an event of pod ${name}`, 20_000)
  }

  async exec(pod: Pod, ...cmd: string[]) {
    const id = pod.status.containerStatuses![0]!.containerID!.split('://')[1]!
    const { stdout, stderr, exitCode } = await this.cri.runtime.execSync({ containerId: id, cmd, timeout: 10 })
    return { stdout: Buffer.from(stdout).toString(), stderr: Buffer.from(stderr).toString(), exitCode }
  }

  /** Asks the agent's server as the API server would. */
  fetch(
    path: string,
    as: { cert: string; key: string } = this.pki.kubeletClient,
  ): Promise<{ status: number; text: string }> {
    return new Promise((resolve, reject) => {
      const req = request(
        { host: '127.0.0.1', port: this.kubelet.port, path, ca: this.pki.authority.cert, ...as, agent: false },
        (res: IncomingMessage) => {
          let text = ''
          res.on('data', (chunk: Buffer) => (text += chunk.toString()))
          res.on('end', () => resolve({ status: res.statusCode ?? 0, text }))
        },
      )
      req.on('error', reject)
      req.end()
    })
  }
}
