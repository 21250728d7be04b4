/** The sandbox of a pod as CRI describes it. Pure. Upstream: `kuberuntime_sandbox.go`. */
import { join } from 'node:path'
import type { Pod } from '#api/core/v1/pod.ts'
import { ProfileType, Protocol } from '#contracts/cri/enums.ts'
import type { CriMessageInit } from '#contracts/cri/types.ts'
import type { DnsConfig } from './dns-config.ts'
import { kernelHostname, podHostname } from './hostname.ts'
import { allContainers, isHostNetwork } from './pod-spec.ts'
import {
  cpuQuotaUs,
  cpuShares,
  memoryBytes,
  milliCpu,
  podLimits,
  podRequests,
  QUOTA_PERIOD_US,
} from './resource-amounts.ts'
import { podLabels } from './runtime-labels.ts'
import { namespaceOptions, supplementalGroups, supplementalGroupsPolicy } from './security-context.ts'

export interface SandboxOptions {
  attempt: number
  dns: DnsConfig
  clusterDomain: string
  cgroupParent: string
  podLogsDir: string
}

const protocols: Readonly<Record<string, Protocol>> = { TCP: Protocol.TCP, UDP: Protocol.UDP, SCTP: Protocol.SCTP }

/** `<podLogsDir>/<namespace>_<name>_<uid>`; log collectors read names from it. */
export function podLogDirectory(podLogsDir: string, pod: { name: string; namespace: string; uid: string }): string {
  return join(podLogsDir, `${pod.namespace}_${pod.name}_${pod.uid}`)
}

export function identityOf(pod: Pod): { uid: string; name: string; namespace: string } {
  return { uid: pod.metadata.uid, name: pod.metadata.name, namespace: pod.metadata.namespace ?? '' }
}

/** Throws Error where the host name is not usable. */
export function sandboxConfig(pod: Pod, options: SandboxOptions): CriMessageInit<'PodSandboxConfig'> {
  const { runAsUser, runAsGroup, seLinuxOptions, sysctls = [] } = pod.spec.securityContext ?? {}
  const identity = identityOf(pod)
  const ports = isHostNetwork(pod) ? [] : pod.spec.containers.flatMap((c) => c.ports ?? [])
  return {
    metadata: { ...identity, attempt: options.attempt },
    ...(!isHostNetwork(pod) && { hostname: kernelHostname(pod, podHostname(pod, options.clusterDomain)) }),
    logDirectory: podLogDirectory(options.podLogsDir, identity),
    dnsConfig: options.dns,
    portMappings: ports
      .filter((p) => p.hostPort)
      .map((p) => ({
        protocol: protocols[p.protocol ?? 'TCP'] ?? Protocol.TCP,
        containerPort: p.containerPort,
        hostPort: p.hostPort!,
        hostIp: p.hostIP ?? '',
      })),
    labels: podLabels(pod),
    annotations: pod.metadata.annotations ?? {},
    linux: {
      cgroupParent: options.cgroupParent,
      securityContext: {
        namespaceOptions: namespaceOptions(pod),
        ...(runAsUser !== undefined && { runAsUser: { value: runAsUser } }),
        ...(runAsGroup !== undefined && { runAsGroup: { value: runAsGroup } }),
        ...(seLinuxOptions && { selinuxOptions: seLinuxOptions }),
        supplementalGroups: supplementalGroups(pod),
        supplementalGroupsPolicy: supplementalGroupsPolicy(pod),
        privileged: allContainers(pod).some((c) => c.securityContext?.privileged === true),
        seccomp: { profileType: ProfileType.RuntimeDefault },
      },
      // The runtime names them with dots, as the kernel's files are named with slashes.
      sysctls: Object.fromEntries(sysctls.map((s) => [s.name.replaceAll('/', '.'), s.value])),
      overhead: linuxResources(
        milliCpu(pod.spec.overhead),
        milliCpu(pod.spec.overhead),
        memoryBytes(pod.spec.overhead),
      ),
      resources: sandboxResources(pod),
    },
  }
}

function sandboxResources(pod: Pod) {
  const requests = podRequests(pod)
  const limits = podLimits(pod)
  return linuxResources(requests.cpu?.milliValue() ?? 0, limits.cpu?.milliValue() ?? 0, limits.memory?.value() ?? 0)
}

/** CPU in thousandths of a core, memory in bytes; 0 is no limit. */
export function linuxResources(requestMilli: number, limitMilli: number, limitBytes: number) {
  return {
    cpuShares: cpuShares(requestMilli),
    cpuQuota: cpuQuotaUs(limitMilli),
    cpuPeriod: QUOTA_PERIOD_US,
    memoryLimitInBytes: limitBytes,
  }
}
