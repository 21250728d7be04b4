import { describe, expect, it } from 'vitest'
import { decodeMessage, encodeMessage } from '#contracts/cri/codec.ts'
import type { CriMessageInit } from '#contracts/cri/types.ts'
import type { OciImageRunConfig } from '#contracts/oci/image.ts'
import { DEFAULT_CAPABILITIES, planCapabilities } from './capabilities.ts'
import { InvalidConfigError, planContainerSpec } from './container-spec.ts'
import { planLaunch } from './launch-steps.ts'
import { resolveIdentity } from './resolve-identity.ts'

const sandbox = {
  net: '/n/net',
  ipc: '/n/ipc',
  uts: '/n/uts',
  hostPid: false,
  hostNetwork: false,
  shm: '/s/shm',
  hostname: 'h',
  hostnameFile: '/s/hostname',
  hostsFile: '/s/hosts',
  resolvFile: '/s/resolv',
}
const facts = { capabilities: [...DEFAULT_CAPABILITIES, 'CAP_SYS_ADMIN'], hostDevices: () => [], devicesAt: () => [] }

function plan(config: CriMessageInit<'ContainerConfig'>, image: OciImageRunConfig = { Cmd: ['sh'] }) {
  const full = decodeMessage('ContainerConfig', encodeMessage('ContainerConfig', config))
  return planContainerSpec({
    config: full,
    image,
    sandbox,
    cgroupPath: '/c',
    rootPath: 'rootfs',
    imageLayers: () => [],
    facts,
  })
}

describe('container specification', () => {
  it.each([
    [{}, ['e', 'c']],
    [{ args: ['a'] }, ['e', 'a']],
    [{ command: ['x'] }, ['x']],
    [{ command: ['x'], args: ['a'] }, ['x', 'a']],
  ])('combines %j with entrypoint and cmd', (config, args) => {
    expect(plan(config, { Entrypoint: ['e'], Cmd: ['c'] }).spec.process.args).toEqual(args)
  })

  it('refuses a container without any command', () => {
    expect(() => plan({}, {})).toThrow(new InvalidConfigError('no command specified'))
  })

  it('lets the pod override the image, and gives every program a PATH and a host name', () => {
    const { env } = plan({ envs: [{ key: 'A', value: Buffer.from('pod=1') }] }, { Cmd: ['x'], Env: ['A=image', 'B=2'] })
      .spec.process
    expect(env).toEqual([
      'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      'HOSTNAME=h',
      'A=pod=1',
      'B=2',
    ])
  })

  it('mounts parents before children and lets the pod replace /etc/hosts', () => {
    const mounts = [
      { containerPath: '/a/b', hostPath: '/1' },
      { containerPath: '/a', hostPath: '/2', readonly: true },
      { containerPath: '/etc/hosts', hostPath: '/3' },
    ]
    const binds = plan({ mounts })
      .spec.mounts.filter((m) => m.type === 'bind')
      .map((m) => `${m.source} ${m.destination} ${m.options!.at(-1)}`)
    expect(binds).toEqual([
      '/s/shm /dev/shm rw',
      '/s/hostname /etc/hostname rw',
      '/s/resolv /etc/resolv.conf rw',
      '/2 /a ro',
      '/1 /a/b rw',
      '/3 /etc/hosts rw',
    ])
  })

  it('opens bind sources while the host is visible and places them after leaving it', () => {
    const { spec, identity } = plan({ mounts: [{ containerPath: '/a', hostPath: '/1' }] })
    const names = planLaunch(spec, identity, {
      layout: { version: 2, mounts: new Map(), others: [] },
      cgroupProcs: ['/cg'],
      scratchDir: '/x',
      lastCapability: 40,
      root: { layersDir: '/l', layers: ['1', '2'], upperDir: '/u', workDir: '/w' },
    }).steps.map(([name]) => name)
    const at = (name: string) => names.indexOf(name)
    expect(names.lastIndexOf('tree')).toBeLessThan(at('unshare'))
    expect(at('overlay')).toBeLessThan(at('pivot'))
    expect(at('pivot')).toBeLessThan(at('place'))
    expect(names.slice(-5)).toEqual(['user', 'env', 'cwd', 'caps', 'exec'])
  })

  it('gives capabilities as asked, and never one the daemon lacks', () => {
    const sets = (add: string[], drop: string[]) =>
      planCapabilities({ privileged: false, add, drop, addAmbient: [] }, facts.capabilities).effective
    expect(sets(['ALL'], ['SYS_ADMIN'])).not.toContain('CAP_SYS_ADMIN')
    expect(sets(['NET_BIND_SERVICE'], ['ALL'])).toEqual(['CAP_NET_BIND_SERVICE'])
    expect(sets(['SYS_TIME'], [])).not.toContain('CAP_SYS_TIME')
    expect(() => sets(['NONSENSE'], [])).toThrow(TypeError)
  })

  it('resolves users and groups by the files of the image', () => {
    const files: Record<string, string> = {
      '/etc/passwd': 'root:x:0:0::/root:\nweb:x:33:34::/var/www:',
      '/etc/group': 'extra:x:50:web,x\nstaff:x:60:',
    }
    const resolve = (user: string, group = '', mergeGroups = true) =>
      resolveIdentity({ user, group, mergeGroups, extraGroups: [7] }, (path) => files[path] ?? '')
    expect(resolve('web')).toEqual({ uid: 33, gid: 34, groups: [34, 7, 50], home: '/var/www' })
    expect(resolve('web:staff', '', false)).toMatchObject({ gid: 60, groups: [60, 7] })
    expect(resolve('1234', '99')).toEqual({ uid: 1234, gid: 99, groups: [99, 7], home: '' })
    expect(() => resolve('ghost')).toThrow('unable to find user ghost: no matching entries in passwd file')
  })
})
