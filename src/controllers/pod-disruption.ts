/** Ends pods from outside, leaving the condition DisruptionTarget that tells Jobs and users why. */
import type { Pod } from '#api/core/v1/pod.ts'
import { pods } from '#api/resources.ts'
import { conditionOf, withCondition } from '#machinery/conditions.ts'
import { formatTime } from '#machinery/time.ts'
import type { ControllerContext } from './controller.ts'
import { isFinished } from './pod-state.ts'

export interface DisruptionReason {
  reason: string
  message: string
}

/** Marks the pod as failed, unless it has ended, and removes it without grace. Throws StatusError. */
export async function failAndDelete(
  context: Pick<ControllerContext, 'client' | 'clock'>,
  pod: Pod,
  why: DisruptionReason | undefined,
  signal: AbortSignal,
): Promise<void> {
  const { namespace, name, uid } = pod.metadata
  if (!isFinished(pod)) {
    const conditions = why && { conditions: disrupted(pod, why, context.clock.now()) }
    await patchStatus(context, pod, { phase: 'Failed', ...conditions }, signal)
  }
  const options = { gracePeriodSeconds: 0, preconditions: { uid } }
  await context.client.delete(pods, { namespace, name }, options, { signal })
}

/** Marks the pod and deletes it with its own grace period. Throws StatusError. */
export async function disruptAndDelete(
  context: Pick<ControllerContext, 'client' | 'clock'>,
  pod: Pod,
  why: DisruptionReason,
  signal: AbortSignal,
): Promise<void> {
  const { namespace, name, uid } = pod.metadata
  if (conditionOf(pod.status.conditions, 'DisruptionTarget')?.reason !== why.reason) {
    await patchStatus(context, pod, { conditions: disrupted(pod, why, context.clock.now()) }, signal)
  }
  await context.client.delete(pods, { namespace, name }, { preconditions: { uid } }, { signal })
}

/** Only the condition itself: the patch merges lists of conditions by type. */
function disrupted({ status }: Pod, { reason, message }: DisruptionReason, nowMs: number) {
  const condition = { type: 'DisruptionTarget', status: 'True', reason, message }
  return withCondition(status.conditions, condition, formatTime(nowMs)).filter((c) => c.type === condition.type)
}

async function patchStatus(
  { client }: Pick<ControllerContext, 'client'>,
  { metadata }: Pod,
  status: object,
  signal: AbortSignal,
): Promise<void> {
  // With the uid in it the patch fails if another pod has taken the name.
  await client.patch(pods, metadata, { metadata: { uid: metadata.uid }, status }, { subresource: 'status', signal })
}
