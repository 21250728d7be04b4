/** The runtime with runc instead of the built-in executor: the same CRI, where runc is installed. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemClock } from '#base/clock.ts'
import { execOverSpdy } from '#streaming/remote-command-client.ts'
import { findRunc } from '#runtime/runc-executor.ts'
import { hostTraces, RuntimeNode } from './runtime-node.ts'

const missing = process.getuid?.() !== 0 ? 'needs root' : !findRunc() ? 'runc is not installed' : ''

describe.skipIf(missing)(`rostrum-cri with runc${missing && ` (skipped: ${missing})`}`, () => {
  const node = new RuntimeNode('runc')
  const { runtime } = node.client

  beforeAll(async () => {
    await node.start()
    await node.makeImage()
  })
  afterAll(async () => {
    await node.dispose()
    expect(hostTraces(node.dir)).toEqual({ mounts: [], processes: [], cgroups: [] })
  })

  it('runs containers and reports how they end', async () => {
    const security = { runAsUser: { value: 1000 }, supplementalGroups: [3000] }
    const { text, exitCode } = await node.output(['sh', '-c', 'id -u; id -G; hostname; echo $$; exit 6'], {
      linux: { securityContext: security },
    })
    expect(text).toMatch(/^1000\n0 3000\npod-\d+\n1\n$/)
    expect(exitCode).toBe(6)
  })

  it('says why a container could not start', async () => {
    const { id } = await node.sandbox()
    const containerId = await node.create(id, ['nope'])
    await expect(runtime.startContainer({ containerId })).rejects.toThrow(
      'exec: "nope": executable file not found in $PATH',
    )
    expect(await node.status(containerId)).toMatchObject({ exitCode: 128, reason: 'StartError' })
    await runtime.removePodSandbox({ podSandboxId: id })
  })

  it('runs commands, with and without a terminal, and stops what runs', async () => {
    const { id } = await node.sandbox()
    const containerId = await node.run(id, ['sleep', '1000'])
    expect(await node.exec(containerId, 'sh', '-c', 'echo out; echo err >&2; exit 2')).toEqual({
      stdout: 'out\n',
      stderr: 'err\n',
      exitCode: 2,
    })
    await expect(runtime.execSync({ containerId, cmd: ['nope'] })).rejects.toThrow('executable file not found in $PATH')
    const streams = { stdin: true, stdout: true, stderr: false, tty: true }
    const { url } = await runtime.exec({ containerId, cmd: ['sh', '-c', 'tty; read x; exit $x'], ...streams })
    const command = await execOverSpdy({ url: new URL(url), streams, clock: systemClock })
    command.stdout!.resume()
    command.stdin!.write('4\n')
    expect(await command.exit).toEqual({ exitCode: 4 })
    await runtime.stopContainer({ containerId, timeout: 0 })
    expect(await node.status(containerId)).toMatchObject({ exitCode: 137 })
    await runtime.removePodSandbox({ podSandboxId: id })
  })

  it('finds its containers again after a restart', async () => {
    const { id } = await node.sandbox()
    const containerId = await node.run(id, ['sleep', '1000'])
    await node.stop()
    await node.start()
    expect((await node.exec(containerId, 'true')).exitCode).toBe(0)
    await runtime.removePodSandbox({ podSandboxId: id })
  })
})
