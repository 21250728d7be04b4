/** Every check with what passes and what fails, in the versions in which that changes. */
import { describe, expect, it } from 'vitest'
import type { Checkable, Spec } from './pod-check.ts'
import type { Level, PolicyVersion } from './policy.ts'
import { detailsOf, reasonsOf, violationsOf } from './profiles.ts'

const of = (spec: object, annotations: Record<string, string> = {}): Checkable => ({
  metadata: { annotations },
  spec: spec as Spec,
})
const container = (name: string, extra: object = {}) => ({ name, image: 'i', ...extra })
const secured = (name: string, securityContext: object) => container(name, { securityContext })
/** Nothing that any profile minds. */
const modest = {
  allowPrivilegeEscalation: false,
  capabilities: { drop: ['ALL'] },
  runAsNonRoot: true,
  seccompProfile: { type: 'RuntimeDefault' },
}
const pod = (securityContext: object, containers: object[] = [container('c')]) => of({ securityContext, containers })

const found = (level: Level, version: PolicyVersion, checked: Checkable) =>
  detailsOf(violationsOf({ level, version }, checked))

describe('the baseline', () => {
  const isFine: [string, Checkable][] = [
    ['an ordinary pod', of({ containers: [container('a')] })],
    ['usual capabilities', of({ containers: [secured('a', { capabilities: { add: ['CHOWN', 'KILL'] } })] })],
    ['harmless sysctls', pod({ sysctls: [{ name: 'net.ipv4.tcp_syncookies', value: '1' }] })],
    ['profiles of its own', pod({ seccompProfile: { type: 'Localhost' }, appArmorProfile: { type: 'Localhost' } })],
    ['types of SELinux for containers', pod({ seLinuxOptions: { type: 'container_kvm_t', level: 's0' } })],
  ]
  it.each(isFine)('allows %s', (_what, checked) => {
    expect(found('baseline', 'latest', checked)).toBe('')
  })

  const isRefused: [Checkable, string][] = [
    [
      of({ containers: [container('a')] }, { 'container.apparmor.security.beta.kubernetes.io/a': 'unconfined' }),
      'forbidden AppArmor profile (annotation must not set AppArmor profile type to "container.apparmor.security.beta.kubernetes.io/a="unconfined"")',
    ],
    [
      pod({ appArmorProfile: { type: 'Unconfined' } }, [secured('a', { appArmorProfile: { type: 'Unconfined' } })]),
      'forbidden AppArmor profile (pod and container "a" must not set AppArmor profile type to "Unconfined")',
    ],
    [
      of({
        initContainers: [secured('b', { capabilities: { add: ['NET_RAW', 'CHOWN'] } })],
        containers: [secured('a', { capabilities: { add: ['BPF'] } })],
      }),
      'non-default capabilities (containers "b", "a" must not include "BPF", "NET_RAW" in securityContext.capabilities.add)',
    ],
    [
      of({ hostPID: true, hostNetwork: true, containers: [container('a')] }),
      'host namespaces (hostNetwork=true, hostPID=true)',
    ],
    [
      of({ volumes: [{ name: 'v', hostPath: { path: '/' } }], containers: [container('a')] }),
      'hostPath volumes (volume "v")',
    ],
    [
      of({ containers: [container('a', { ports: [{ hostPort: 90 }, { hostPort: 100 }, { containerPort: 1 }] })] }),
      'hostPort (container "a" uses hostPorts 100, 90)',
    ],
    [
      of({ containers: [container('a', { livenessProbe: { httpGet: { host: '10.0.0.1', port: 1 } } })] }),
      'probe or lifecycle host (container "a" uses probe or lifecycle host "10.0.0.1")',
    ],
    [
      of({ containers: [secured('a', { privileged: true }), secured('b', { privileged: true })] }),
      'privileged (containers "a", "b" must not set securityContext.privileged=true)',
    ],
    [
      of({ containers: [container('a')], ephemeralContainers: [secured('e', { procMount: 'Unmasked' })] }),
      'procMount (container "e" must not set securityContext.procMount to "Unmasked")',
    ],
    [
      pod({ seLinuxOptions: { type: 'spc_t', user: 'u', role: 'r' } }),
      'seLinuxOptions (pod set forbidden securityContext.seLinuxOptions: type "spc_t"; user may not be set; role may not be set)',
    ],
    [
      pod({ seccompProfile: { type: 'Unconfined' } }),
      'seccompProfile (pod must not set securityContext.seccompProfile.type to "Unconfined")',
    ],
    [
      pod({
        sysctls: [
          { name: 'kernel.msgmax', value: '1' },
          { name: 'fs.x', value: '1' },
        ],
      }),
      'forbidden sysctls (kernel.msgmax, fs.x)',
    ],
    [
      pod({ windowsOptions: { hostProcess: true } }, [secured('a', { windowsOptions: { hostProcess: true } })]),
      'hostProcess (pod and container "a" must not set securityContext.windowsOptions.hostProcess=true)',
    ],
  ]
  it.each(isRefused.map(([checked, why]) => [why, checked] as const))('forbids %s', (why, checked) => {
    expect(found('baseline', 'latest', checked)).toBe(why)
    expect(found('privileged', 'latest', checked)).toBe('')
  })

  it('tells all that is wrong, in one order', () => {
    const checked = of({ hostIPC: true, containers: [secured('a', { privileged: true, procMount: 'Unmasked' })] })
    expect(reasonsOf(violationsOf({ level: 'baseline', version: 'latest' }, checked))).toBe(
      'host namespaces, privileged, procMount',
    )
  })
})

describe('restricted', () => {
  it('allows what has given up all privileges', () => {
    const volumes = [
      { name: 'a', emptyDir: {} },
      { name: 'b', image: { reference: 'r' } },
    ]
    const checked = of({ volumes, containers: [secured('a', { ...modest, runAsUser: 1000 })] })
    expect(found('restricted', 'latest', checked)).toBe('')
  })

  it('asks an ordinary pod for all of that', () => {
    expect(found('restricted', 'latest', of({ containers: [container('a'), secured('b', modest)] }))).toBe(
      [
        'allowPrivilegeEscalation != false (container "a" must set securityContext.allowPrivilegeEscalation=false)',
        'unrestricted capabilities (container "a" must set securityContext.capabilities.drop=["ALL"])',
        'runAsNonRoot != true (pod or container "a" must set securityContext.runAsNonRoot=true)',
        'seccompProfile (pod or container "a" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")',
      ].join(', '),
    )
  })

  const isRefused: [Checkable, string][] = [
    [
      of({
        containers: [secured('a', { ...modest, capabilities: { drop: ['ALL'], add: ['NET_BIND_SERVICE', 'CHOWN'] } })],
      }),
      'unrestricted capabilities (container "a" must not include "CHOWN" in securityContext.capabilities.add)',
    ],
    [
      of({
        volumes: [
          { name: 'v', nfs: {} },
          { name: 'w', hostPath: { path: '/' } },
        ],
        containers: [secured('a', modest)],
      }),
      'restricted volume types (volumes "v", "w" use restricted volume types "hostPath", "nfs")',
    ],
    [
      pod({ runAsNonRoot: false }, [secured('a', { ...modest, runAsNonRoot: false })]),
      'runAsNonRoot != true (pod and container "a" must not set securityContext.runAsNonRoot=false)',
    ],
    [
      of({ containers: [secured('a', { ...modest, runAsUser: 0 })] }),
      'runAsUser=0 (container "a" must not set runAsUser=0)',
    ],
  ]
  it.each(isRefused.map(([checked, why]) => [why, checked] as const))('forbids %s', (why, checked) => {
    expect(found('restricted', 'latest', checked)).toBe(why)
  })
})

describe('older versions', () => {
  type Change = [what: string, level: Level, since: number, checked: Checkable, isStricter: boolean]
  const withSysctl = (name: string) => pod({ sysctls: [{ name, value: '1' }] })
  const ofWindows = (securityContext: object) =>
    of({ os: { name: 'windows' }, containers: [secured('a', securityContext)] })
  const { allowPrivilegeEscalation: _a, ...escalating } = modest
  const { capabilities: _c, ...capable } = modest
  const { seccompProfile: _s, ...unprofiled } = modest
  const changes: Change[] = [
    ['escalation', 'restricted', 8, of({ containers: [secured('a', escalating)] }), true],
    ['escalation on Windows', 'restricted', 25, ofWindows(escalating), false],
    ['dropping capabilities', 'restricted', 22, of({ containers: [secured('a', capable)] }), true],
    ['user 0', 'restricted', 23, of({ containers: [secured('a', { ...modest, runAsUser: 0 })] }), true],
    [
      'user 0 of a namespace',
      'restricted',
      35,
      of({ hostUsers: false, containers: [secured('a', { ...modest, runAsUser: 0 })] }),
      false,
    ],
    [
      'root of a namespace',
      'restricted',
      35,
      of({ hostUsers: false, containers: [secured('a', { ...modest, runAsNonRoot: false })] }),
      false,
    ],
    ['a missing profile', 'restricted', 19, of({ containers: [secured('a', unprofiled)] }), true],
    ['an unconfined profile', 'baseline', 19, pod({ seccompProfile: { type: 'Unconfined' } }), true],
    [
      'hosts of probes',
      'baseline',
      34,
      of({ containers: [container('a', { startupProbe: { tcpSocket: { host: 'h' } } })] }),
      true,
    ],
    ['an engine in a container', 'baseline', 31, pod({ seLinuxOptions: { type: 'container_engine_t' } }), false],
    [
      'an unmasked /proc in a user namespace',
      'baseline',
      35,
      of({ hostUsers: false, containers: [secured('a', { procMount: 'Unmasked' })] }),
      false,
    ],
    ['reserved ports', 'baseline', 27, withSysctl('net.ipv4.ip_local_reserved_ports'), false],
    ['keep-alive', 'baseline', 29, withSysctl('net.ipv4.tcp_fin_timeout'), false],
    ['buffers', 'baseline', 32, withSysctl('net.ipv4.tcp_rmem'), false],
  ]
  it.each(changes)('of %s (%s) change with 1.%i', (_what, level, since, checked, isStricter) => {
    const [before, after] = [found(level, since - 1, checked), found(level, since, checked)]
    if (isStricter) expect([before, after]).toEqual(['', expect.stringMatching(/./)])
    else expect([before, after]).toEqual([expect.stringMatching(/./), ''])
    // The latest stays as it was since then, unless something else changed.
    expect(found(level, 99, checked)).toBe(found(level, 'latest', checked))
  })

  it('read profiles of seccomp from annotations', () => {
    const checked = of(
      { containers: [container('a')] },
      { 'container.seccomp.security.alpha.kubernetes.io/a': 'unconfined' },
    )
    expect(found('baseline', 18, checked)).toBe(
      'seccompProfile (forbidden annotation container.seccomp.security.alpha.kubernetes.io/a="unconfined")',
    )
    expect(found('baseline', 19, checked)).toBe('')
  })

  it('keep what restricted always forbade when the baseline gives way', () => {
    const checked = of({ hostUsers: false, containers: [secured('a', { ...modest, procMount: 'Unmasked' })] })
    expect(found('baseline', 35, checked)).toBe('')
    expect(found('restricted', 35, checked)).toMatch(/^procMount/)
  })
})
