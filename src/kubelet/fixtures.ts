/** Pods and observations for the tests of this folder: complete where the code under test looks, and nothing more. */
import type { Container } from '#api/core/v1/container.ts'
import type { Pod, PodSpec } from '#api/core/v1/pod.ts'
import { emptyPod, type ObservedContainer, type ObservedPod, type ObservedSandbox } from './observed-pod.ts'
import { containerHash } from './runtime-labels.ts'

export function makePod(spec: Partial<PodSpec> = {}, metadata: Partial<Pod['metadata']> = {}): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: 'web',
      namespace: 'default',
      uid: '0000-1111',
      resourceVersion: '1',
      creationTimestamp: '2026-01-01T00:00:00Z',
      ...metadata,
    },
    spec: { containers: [makeContainer('main')], restartPolicy: 'Always', enableServiceLinks: true, ...spec },
    status: {},
  }
}

export function makeContainer(name: string, extra: Partial<Container> = {}): Container {
  return { name, image: 'example.org/app:1', resources: {}, ...extra }
}

export function makeSandbox(extra: Partial<ObservedSandbox> = {}): ObservedSandbox {
  return {
    id: 'sandbox-0',
    attempt: 0,
    isReady: true,
    createdAtMs: Date.UTC(2026, 0, 1),
    usesHostNetwork: false,
    hasNetworkStatus: true,
    ips: ['10.0.0.5'],
    ...extra,
  }
}

export function makeObserved(container: Container, extra: Partial<ObservedContainer> = {}): ObservedContainer {
  const createdAtMs = Date.UTC(2026, 0, 1, 0, 0, 1)
  return {
    id: `${container.name}-0`,
    sandboxId: 'sandbox-0',
    name: container.name,
    state: 'running',
    createdAtMs,
    startedAtMs: createdAtMs,
    finishedAtMs: 0,
    exitCode: 0,
    reason: '',
    message: '',
    image: container.image ?? '',
    imageRef: 'sha256:aa',
    annotations: {
      hash: containerHash(container),
      restartCount: 0,
      terminationMessagePath: '',
      terminationMessagePolicy: '',
    },
    logPath: '',
    mounts: [],
    ...extra,
  }
}

export function observedOf(pod: Pod, extra: Partial<ObservedPod> = {}): ObservedPod {
  return {
    ...emptyPod(pod.metadata.uid, pod.metadata.name, pod.metadata.namespace!),
    sandboxes: [makeSandbox()],
    ips: ['10.0.0.5'],
    ...extra,
  }
}
