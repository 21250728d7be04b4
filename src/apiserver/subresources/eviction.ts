/**
 * `pods/eviction`: a deletion that respects disruption budgets. Upstream: `EvictionREST` of
 * `pkg/registry/core/pod/storage`.
 */
import type { Pod } from '#api/core/v1/pod.ts'
import { decode } from '#api/decode.ts'
import { Eviction, type PodDisruptionBudget } from '#api/policy/v1.ts'
import { podDisruptionBudgets, pods } from '#api/resources.ts'
import { selectorFromObject } from '#machinery/labels.ts'
import { badRequest, StatusError } from '#machinery/status-error.ts'
import type { Api } from '../api.ts'
import type { DeleteRequest } from '../registry/deletion.ts'
import { timestamp } from '../registry/object-meta.ts'
import type { Draft } from '../registry/strategy.ts'
import type { SubresourceHandler } from './subresource.ts'

export const eviction: SubresourceHandler = {
  async perform(api, caller, request) {
    if (request.verb !== 'create')
      throw new StatusError('MethodNotAllowed', 'the server does not allow this method on the requested resource')
    const body = decode(Eviction, request.body).object as unknown as Eviction
    if (body.metadata?.name && body.metadata.name !== request.name)
      throw badRequest('name in URL does not match name in Eviction object')
    const { namespace, name } = request
    const registry = api.registry(pods)
    const pod = registry.get(namespace, name!).object as Pod
    const options = (body.deleteOptions ?? {}) as DeleteRequest & { dryRun?: string[] }
    const dryRun = request.options?.dryRun === 'All' || options.dryRun?.includes('All') === true
    // What does not run, or is going already, disturbs nobody.
    const isHarmless =
      pod.status.phase === 'Succeeded' ||
      pod.status.phase === 'Failed' ||
      pod.status.phase === 'Pending' ||
      pod.metadata.deletionTimestamp !== undefined
    if (!isHarmless) await takeFromBudget(api, pod, dryRun)
    await registry.delete(
      name!,
      { ...options, preconditions: { ...options.preconditions, uid: pod.metadata.uid } },
      { namespace, dryRun },
    )
    return { type: 'status', status: { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 } }
  },
}

/** Counts the disruption against the pod's budget. Throws TooManyRequests where it allows none. */
async function takeFromBudget(api: Api, pod: Pod, dryRun: boolean): Promise<void> {
  const registry = api.registry(podDisruptionBudgets)
  const { namespace, name } = pod.metadata
  const budgets = registry.cache
    .list(registry.prefix(namespace))
    .map((entry) => entry.object as PodDisruptionBudget)
    .filter(
      (budget) =>
        budget.spec.selector !== undefined &&
        selectorFromObject(budget.spec.selector as Parameters<typeof selectorFromObject>[0]).matches(
          pod.metadata.labels,
        ),
    )
  if (budgets.length === 0) return
  if (budgets.length > 1)
    throw new StatusError(
      'InternalError',
      'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.',
    )
  await registry.update(
    budgets[0]!.metadata.name,
    (old) => {
      const { status, metadata, ...rest } = old as unknown as PodDisruptionBudget
      const refuse = (why: string) =>
        new StatusError('TooManyRequests', "Cannot evict pod as it would violate the pod's disruption budget.", {
          details: { causes: [{ reason: 'DisruptionBudget', message: why }] },
        })
      if ((metadata.generation ?? 0) > (status.observedGeneration ?? 0))
        throw refuse(`The disruption budget ${metadata.name} is still being processed by the server.`)
      if ((status.disruptionsAllowed ?? 0) <= 0) {
        throw refuse(
          `The disruption budget ${metadata.name} needs ${status.desiredHealthy} healthy pods and has ${status.currentHealthy} currently`,
        )
      }
      const { resourceVersion: _any, ...meta } = metadata
      return {
        ...rest,
        metadata: meta,
        status: {
          ...status,
          disruptionsAllowed: status.disruptionsAllowed - 1,
          disruptedPods: { ...status.disruptedPods, [name]: timestamp(api.now()) },
        },
      } as unknown as Draft
    },
    { namespace, dryRun, subresource: 'status' },
  )
}
