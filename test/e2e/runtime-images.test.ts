/** Images of the built-in container runtime: found, pulled, loaded, made and removed. Needs root. */
import { mkdtempSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemClock } from '#base/clock.ts'
import { ContainerState, MountPropagation } from '#contracts/cri/enums.ts'
import { CriClient } from '#contracts/cri/client.ts'
import { startCriServer } from '#runtime/cri-server.ts'
import { hostTraces, IMAGE, RuntimeNode } from './runtime-node.ts'

const isRoot = process.getuid?.() === 0

describe.skipIf(!isRoot)(isRoot ? 'rostrum-cri images' : 'rostrum-cri images (skipped: needs root)', () => {
  const node = new RuntimeNode()
  const { client } = node
  const { runtime, image } = client

  beforeAll(async () => {
    await node.start()
    await node.makeImage()
  })
  afterAll(async () => {
    await node.dispose()
    expect(hostTraces(node.dir)).toEqual({ mounts: [], processes: [], cgroups: [] })
  })

  describe('images', () => {
    it('are found by name, short name, id and digest', async () => {
      const found = (await image.imageStatus({ image: { image: IMAGE } })).image!
      expect(found.repoTags).toEqual([IMAGE])
      for (const name of ['host:test', found.id, found.id.slice(7, 25), found.repoDigests[0]!]) {
        expect((await image.imageStatus({ image: { image: name } })).image?.id).toBe(found.id)
      }
      expect((await image.imageStatus({ image: { image: 'no/such:image' } })).image).toBeUndefined()
      expect((await image.imageFsInfo({})).imageFilesystems[0]!.usedBytes!.value).toBeGreaterThan(1 << 20)
    })

    it('survive export, removal and load', async () => {
      const path = join(node.dir, 'image.tar')
      const before = (await image.imageStatus({ image: { image: IMAGE } })).image!
      for await (const _ of client.archive.export({ images: [IMAGE], path })) break
      await image.removeImage({ image: { image: IMAGE } })
      await image.removeImage({ image: { image: IMAGE } })
      expect((await image.listImages({})).images).toEqual([])
      const { images } = await client.archive.load([{ path }])
      expect(images.map(({ id }) => id)).toEqual([before.id])
      expect((await node.output(['sh', '-c', 'echo works'])).text).toBe('works\n')
    })

    it('are pulled from a registry, with its errors in known words', async () => {
      const blobs = new Map<string, Buffer>()
      const chunks: Buffer[] = []
      for await (const { chunk } of client.archive.export({ images: [IMAGE] })) chunks.push(Buffer.from(chunk))
      const { extract } = await import('tar-stream')
      const tar = extract()
      tar.end(Buffer.concat(chunks))
      for await (const entry of tar) {
        const parts: Buffer[] = []
        for await (const part of entry) parts.push(part as Buffer)
        blobs.set(entry.header.name, Buffer.concat(parts))
      }
      const manifestDigest = JSON.parse(blobs.get('index.json')!.toString()).manifests[0].digest as string
      let cut = true
      const server = createServer((req, res) => {
        const [, , , , kind, reference] = req.url!.split('/')
        if (req.url!.startsWith('/token')) return void res.end(JSON.stringify({ token: 'T' }))
        if (
          req.url!.startsWith('/v2/secret/') &&
          req.headers.authorization !== `Basic ${Buffer.from('u:p').toString('base64')}`
        ) {
          return void res.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end()
        }
        if (!req.url!.startsWith('/v2/secret/') && req.headers.authorization !== 'Bearer T') {
          return void res
            .writeHead(401, { 'www-authenticate': `Bearer realm="http://${req.headers.host}/token",service="s"` })
            .end()
        }
        const digest = kind === 'manifests' && reference === 'v1' ? manifestDigest : reference!
        const blob = blobs.get(`blobs/sha256/${digest.slice(7)}`)
        if (!blob) return void res.writeHead(404).end('{"errors":[{"code":"MANIFEST_UNKNOWN"}]}')
        if (kind === 'manifests')
          return void res.writeHead(200, { 'content-type': 'application/vnd.oci.image.manifest.v1+json' }).end(blob)
        const from = Number(/bytes=(\d+)-/.exec(req.headers.range ?? '')?.[1] ?? 0)
        if (blob.length > 1 << 20 && cut) {
          // The first download of the layer breaks off in the middle and must be resumed.
          cut = false
          res.writeHead(200, { 'content-length': blob.length })
          return void res.write(blob.subarray(0, 500_000), () => res.destroy())
        }
        res.writeHead(from ? 206 : 200, { 'content-length': blob.length - from }).end(blob.subarray(from))
      })
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      const registry = `127.0.0.1:${(server.address() as AddressInfo).port}`
      await image.removeImage({ image: { image: IMAGE } })
      const { imageRef } = await image.pullImage({ image: { image: `${registry}/team/app:v1` } })
      expect((await image.imageStatus({ image: { image: `${registry}/team/app@${manifestDigest}` } })).image?.id).toBe(
        imageRef,
      )
      expect(cut).toBe(false)
      await expect(image.pullImage({ image: { image: `${registry}/team/app:v2` } })).rejects.toMatchObject({
        code: 5,
        message: expect.stringContaining(`${registry}/team/app:v2: not found`),
      })
      await expect(image.pullImage({ image: { image: `${registry}/secret/app:v1` } })).rejects.toThrow(
        'pull access denied',
      )
      await image.pullImage({ image: { image: `${registry}/secret/app:v1` }, auth: { username: 'u', password: 'p' } })
      writeFileSync(node.options.registriesFile!, `mirrors:\n  example.com:\n    endpoint: ["http://${registry}"]\n`)
      await image.pullImage({ image: { image: 'example.com/team/app:v1' } })
      server.closeAllConnections()
      server.close()
      await expect(image.pullImage({ image: { image: `${registry}/team/app:v1` } })).rejects.toThrow(
        'connection refused',
      )
      await image.removeImage({ image: { image: imageRef } })
      await node.makeImage()
    })
  })

  it('takes over after a restart: running containers, and ends that nobody saw', async () => {
    const { id } = await node.sandbox()
    const lives = await node.run(id, ['sh', '-c', 'i=0; while :; do i=$((i+1)); echo $i; sleep 0.02; done'])
    const dies = await node.run(id, ['sh', '-c', 'sleep 0.3; echo last; exit 9'])
    await node.stop()
    await new Promise((resolve) => setTimeout(resolve, 600))
    await node.start()
    expect(await node.exited(dies)).toMatchObject({ exitCode: 9 })
    expect(await node.log(dies)).toBe('last\n')
    const before = (await node.log(lives)).length
    await node.until(async () => ((await node.log(lives)).length > before ? true : undefined), 'more output')
    const numbers = (await node.log(lives)).trim().split('\n').map(Number)
    expect(numbers).toEqual(numbers.map((_, i) => i + 1))
    expect((await node.exec(lives, 'true')).exitCode).toBe(0)
    await runtime.removePodSandbox({ podSandboxId: id })
  })

  it('loses nothing when the daemon is killed', async () => {
    await node.stop()
    await node.startProcess()
    const { id } = await node.sandbox()
    const lives = await node.run(id, ['sh', '-c', 'while :; do echo tick; sleep 0.05; done'])
    const dies = await node.run(id, ['sh', '-c', 'sleep 0.3; exit 4'])
    await node.killProcess()
    await new Promise((resolve) => setTimeout(resolve, 500))
    await node.startProcess()
    expect((await node.status(lives)).state).toBe(ContainerState.CONTAINER_RUNNING)
    expect(await node.exited(dies)).toMatchObject({ exitCode: 4 })
    await runtime.removePodSandbox({ podSandboxId: id })
    await node.killProcess()
    await node.start()
  })

  it('ends its containers when their supervisor is killed, and goes on with a new one', async () => {
    const { id } = await node.sandbox()
    const containerId = await node.run(id, ['sleep', '1000'])
    const [supervisor] = hostTraces(join(node.dir, 'run/supervisor')).processes
    process.kill(Number(supervisor), 'SIGKILL')
    expect(await node.exited(containerId)).toMatchObject({ exitCode: 255, reason: 'Unknown' })
    expect((await node.output(['sh', '-c', 'echo again'])).text).toBe('again\n')
    await runtime.removePodSandbox({ podSandboxId: id })
  })

  it('refuses a second daemon on the same socket', async () => {
    const other = new CriClient({ endpoint: `unix://${node.options.socketPath}`, clock: systemClock })
    await expect(startCriServer(node.options)).rejects.toThrow('already serves')
    expect((await other.runtime.version({})).runtimeName).toBe('rostrum-cri')
    other.close()
  })

  it('mounts with propagation from the host', async () => {
    const dir = mkdtempSync(join(node.dir, 'prop-'))
    const { id } = await node.sandbox()
    const containerId = await node.run(id, ['sleep', '1000'], {
      mounts: [{ hostPath: dir, containerPath: '/p', propagation: MountPropagation.PROPAGATION_HOST_TO_CONTAINER }],
    })
    expect((await node.exec(containerId, 'ls', '/p')).exitCode).toBe(0)
    await runtime.removePodSandbox({ podSandboxId: id })
  })
})
