/** A container as CRI describes it, from its specification and what was prepared for it. Pure. Upstream: `generateContainerConfig`. */
import { join } from 'node:path'
import type { Container } from '#api/core/v1/container.ts'
import type { Pod } from '#api/core/v1/pod.ts'
import { Signal } from '#contracts/cri/enums.ts'
import type { CriMessageInit } from '#contracts/cri/types.ts'
import { expand, lookupIn } from './expansion.ts'
import { memoryBytes, milliCpu, oomScoreAdjustment } from './resource-amounts.ts'
import { containerAnnotations, containerLabels } from './runtime-labels.ts'
import { linuxResources } from './sandbox-config.ts'
import { criSecurityContext, type ImageUser } from './security-context.ts'

export interface ContainerOptions {
  restartCount: number
  imageRef: string
  image: ImageUser
  environment: ReadonlyMap<string, Buffer>
  mounts: readonly CriMessageInit<'Mount'>[]
  memoryCapacityBytes: number
  seccompRoot: string
  targetId?: string
}

/** `<container>/<restart count>.log`, below the pod's log directory. */
export const containerLogPath = (name: string, restartCount: number) => join(name, `${restartCount}.log`)

export function containerConfig(
  pod: Pod,
  container: Container,
  options: ContainerOptions,
): CriMessageInit<'ContainerConfig'> {
  const texts = new Map([...options.environment].map(([name, value]) => [name, value.toString()]))
  const lookup = lookupIn(texts)
  const expanded = (words: readonly string[] | undefined) => (words ?? []).map((word) => expand(word, lookup))
  const stopSignal = Signal[(container.lifecycle?.stopSignal ?? '') as keyof typeof Signal]
  return {
    metadata: { name: container.name, attempt: options.restartCount },
    image: { image: options.imageRef, userSpecifiedImage: container.image ?? '' },
    command: expanded(container.command),
    args: expanded(container.args),
    workingDir: container.workingDir ?? '',
    envs: [...options.environment].map(([key, value]) => ({ key, value })),
    mounts: options.mounts,
    labels: containerLabels(pod, container),
    annotations: containerAnnotations(pod, container, options.restartCount),
    logPath: containerLogPath(container.name, options.restartCount),
    stdin: container.stdin ?? false,
    stdinOnce: container.stdinOnce ?? false,
    tty: container.tty ?? false,
    ...(stopSignal !== undefined && { stopSignal }),
    linux: {
      resources: containerResources(pod, container, options.memoryCapacityBytes),
      securityContext: criSecurityContext(pod, container, {
        image: options.image,
        seccompRoot: options.seccompRoot,
        ...(options.targetId && { targetId: options.targetId }),
      }),
    },
  }
}

export function containerResources(
  pod: Pod,
  container: Container,
  memoryCapacityBytes: number,
): CriMessageInit<'LinuxContainerResources'> {
  const { requests, limits } = container.resources ?? {}
  const podLimits = pod.spec.resources?.limits
  const limitMilli = milliCpu(limits) || milliCpu(podLimits)
  const limitBytes = memoryBytes(limits) || memoryBytes(podLimits)
  return {
    ...linuxResources(requests?.cpu === undefined ? limitMilli : milliCpu(requests), limitMilli, limitBytes),
    oomScoreAdj: oomScoreAdjustment(pod, container, memoryCapacityBytes),
  }
}
