/** Events about pods and their containers, with the reference that upstream's kubelet gives them. */
import type { Pod } from '#api/core/v1/pod.ts'
import type { EventRecorder, EventType } from '#client/event-recorder.ts'
import { containerFieldPath } from './pod-spec.ts'

export class PodEvents {
  readonly #recorder: EventRecorder

  constructor(recorder: EventRecorder) {
    this.#recorder = recorder
  }

  pod(pod: Pod, type: EventType, reason: string, message: string): void {
    this.#recorder.event(pod, type, reason, message)
  }

  container(pod: Pod, name: string, type: EventType, reason: string, message: string): void {
    const { namespace, name: podName, uid, resourceVersion } = pod.metadata
    const fieldPath = containerFieldPath(pod, name)
    this.#recorder.event(
      {
        kind: 'Pod',
        apiVersion: 'v1',
        ...(namespace && { namespace }),
        name: podName,
        uid,
        resourceVersion,
        ...(fieldPath && { fieldPath }),
      },
      type,
      reason,
      message,
    )
  }
}
