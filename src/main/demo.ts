/** `rostrum up --demo`: the guestbook of examples/, with images made of programs of this machine. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { CORE_SCHEMA, loadAll } from 'js-yaml'
import type { KubeObject, Resource } from '#api/kind.ts'
import { allResources, deployments, services } from '#api/resources.ts'
import { sleep, systemClock } from '#base/clock.ts'
import { CliError } from '#cli/cli-error.ts'
import type { Progress } from '#cli/progress.ts'
import type { Client } from '#client/client.ts'
import { isStatus } from '#machinery/status-error.ts'
import type { HostImage } from './host-image.ts'
import { buildOnAll, runtimesOf } from './images.ts'
import { findProgram, type RunningCluster } from './up.ts'

const NAMESPACE = 'guestbook'
const TIMEOUT_MS = 120_000
const POLL_MS = 50

const example = (file: string) => fileURLToPath(new URL(`../examples/guestbook/${file}`, import.meta.url))

/** The program that runs the example's scripts is the one that runs this. */
const guestbookImage = (): HostImage => ({
  name: 'rostrum.dev/guestbook:1',
  programs: [process.execPath],
  files: ['front.mjs', 'backend.mjs', 'store.mjs'].map((file) => ({ from: example(file), to: `/app/${file}` })),
  entrypoint: [process.execPath],
  user: '65532',
  exposedPorts: ['8080/tcp'],
})

const redisImage = (redisServer: string): HostImage => ({
  name: 'rostrum.dev/redis:1',
  programs: [redisServer],
  entrypoint: [redisServer],
  exposedPorts: ['6379/tcp'],
})

export interface Demo {
  /** Answers on this machine. */
  url: string
}

/** Deploys the guestbook and waits until it answers. Throws CliError. */
export async function deployDemo(
  { directory, description, client }: RunningCluster,
  progress: Progress,
): Promise<Demo> {
  const redisServer = findProgram('redis-server')
  const runtimes = runtimesOf(directory, description)
  await progress.step('demo: images', async () => {
    await buildOnAll(runtimes, guestbookImage())
    if (redisServer) await buildOnAll(runtimes, redisImage(redisServer))
  })
  return progress.step('demo: guestbook', async (detail) => {
    for (const file of ['guestbook.yaml', redisServer ? 'redis.yaml' : 'store.yaml']) {
      for (const object of loadAll(readFileSync(example(file), 'utf8'), undefined, { schema: CORE_SCHEMA }))
        await apply(client, object as KubeObject)
    }
    const deadline = systemClock.monotonic() + TIMEOUT_MS
    for (;;) {
      const { items } = await client.list(deployments, { namespace: NAMESPACE })
      const waiting = items
        .filter((d) => (d.status.availableReplicas ?? 0) < (d.spec.replicas ?? 1))
        .map((d) => d.metadata.name)
      detail(waiting.length > 0 ? `waiting for ${waiting.join(', ')}` : 'waiting for an answer')
      if (waiting.length === 0) {
        const service = await client.get(services, { namespace: NAMESPACE, name: 'front' })
        const url = `http://${description.nodes[0]!.address}:${service.spec.ports![0]!.nodePort}/`
        if (await answers(`${url}api/entries`)) return { url }
      }
      if (systemClock.monotonic() > deadline) {
        throw new CliError(
          'timeout',
          `the demo does not answer: still waiting for ${waiting.join(', ') || 'the front'}`,
          { hint: `kubectl -n ${NAMESPACE} describe pods` },
        )
      }
      await sleep(systemClock, POLL_MS)
    }
  })
}

async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(2000) })
    await response.arrayBuffer()
    return response.ok
  } catch {
    return false
  }
}

/** Creates the object, or brings what is there to it. */
async function apply(client: Client, object: KubeObject): Promise<void> {
  const resource = allResources.find((r) => r.apiVersion === object.apiVersion && r.kind === object.kind) as Resource
  try {
    await client.create(resource, object)
  } catch (err) {
    if (!isStatus(err, 'AlreadyExists')) throw err
    await client.patch(resource, object.metadata, object)
  }
}
