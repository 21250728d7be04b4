import { describe, expect, it } from 'vitest'
import { decodeMessage, encodeMessage } from './codec.ts'
import { ContainerState, Protocol } from './enums.ts'

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

describe('CRI codec', () => {
  it('writes the bytes the protocol prescribes', () => {
    expect(hex(encodeMessage('VersionRequest', { version: 'v1' }))).toBe('0a027631')
    expect(hex(encodeMessage('PortForwardRequest', { podSandboxId: 'a', port: [80, 443] }))).toBe('0a0161120350bb03')
    expect(hex(encodeMessage('PodSandboxConfig', { labels: { k: 'v' } }))).toBe('32060a016b120176')
    // A sub-message that is present but empty is not the same as an absent one (run_as_user 0 is root).
    expect(hex(encodeMessage('LinuxContainerSecurityContext', { runAsUser: { value: 0 } }))).toBe('2a00')
  })

  it('completes what is absent: zero scalars, empty lists and maps, undefined sub-messages', () => {
    expect(decodeMessage('PodSandbox', new Uint8Array())).toEqual({
      id: '',
      metadata: undefined,
      state: 0,
      createdAt: 0,
      labels: {},
      annotations: {},
      runtimeHandler: '',
    })
  })

  it('reads back what it wrote', () => {
    const config = {
      metadata: { name: 'c', attempt: 3 },
      envs: [{ key: 'A', value: Buffer.from('b') }],
      mounts: [
        {
          containerPath: '/x',
          hostPath: '/y',
          readonly: true,
          uidMappings: [{ hostId: 1, containerId: 2, length: 3 }],
        },
      ],
      annotations: { a: '', __proto__x: 'y' },
      linux: { resources: { cpuQuota: -1, memoryLimitInBytes: 2 ** 40, oomScoreAdj: -998 } },
    }
    const read = decodeMessage('ContainerConfig', encodeMessage('ContainerConfig', config))
    expect(read).toMatchObject({ ...config, envs: [{ key: 'A' }] })
    expect(Buffer.from(read.envs[0]!.value).toString()).toBe('b')
    expect(read.stdin).toBe(false)
  })

  it('accepts repeated numbers packed and unpacked, and skips fields it does not know', () => {
    const unpacked = Buffer.from('1050' + '10bb03' + 'fa01026869', 'hex')
    expect(decodeMessage('PortForwardRequest', unpacked).port).toEqual([80, 443])
  })

  it('cuts nothing off 64-bit values that fit into a number and rounds the others', () => {
    const at = 1_700_000_000_000_000_000
    const read = decodeMessage(
      'ContainerStatus',
      encodeMessage('ContainerStatus', { createdAt: at, state: ContainerState.CONTAINER_EXITED, exitCode: -1 }),
    )
    expect(read).toMatchObject({ createdAt: at, state: 2, exitCode: -1 })
    const mapping = decodeMessage('PortMapping', encodeMessage('PortMapping', { protocol: Protocol.SCTP }))
    expect(mapping.protocol).toBe(Protocol.SCTP)
  })

  it('refuses bytes that end too early', () => {
    expect(() => decodeMessage('VersionRequest', Buffer.from('0a05', 'hex'))).toThrow(RangeError)
  })

  it('keeps a map key named __proto__ an ordinary key', () => {
    const entry = Buffer.from('0a095f5f70726f746f5f5f120178', 'hex')
    const bytes = Buffer.concat([Buffer.from([0x32, entry.length]), entry])
    expect(Object.entries(decodeMessage('PodSandboxConfig', bytes).labels)).toEqual([['__proto__', 'x']])
  })
})
