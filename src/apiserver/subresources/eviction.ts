/**
 * `pods/eviction`: a deletion that respects disruption budgets. Upstream: `EvictionREST` of
 * `pkg/registry/core/pod/storage`.
 */
import type { Pod } from '#api/core/v1/pod.ts'
import { Eviction, type PodDisruptionBudget } from '#api/policy/v1.ts'
import { podDisruptionBudgets, pods } from '#api/resources.ts'
import { type LabelSelectorObject, selectorFromObject } from '#machinery/labels.ts'
import { badRequest, forbidden, isStatus, methodNotAllowed, StatusError } from '#machinery/status-error.ts'
import { type Api, type SubresourceHandler } from '../api.ts'
import { decodeObject, deleteRequestOf } from '../decode-object.ts'
import type { DeleteRequest } from '../registry/deletion.ts'
import { timestamp } from '../registry/object-meta.ts'
import type { Draft, Stored } from '../registry/strategy.ts'

/** How many evictions the budget's controller may be behind. */
const MAX_DISRUPTED_PODS = 2000
const RETRY_SECONDS = 10
/** How often a pod that changes meanwhile is looked at anew. */
const MAX_ATTEMPTS = 20

export const eviction: SubresourceHandler = {
  async perform(api, caller, request) {
    if (request.verb !== 'create') throw methodNotAllowed()
    const body = decodeObject(caller, request, Eviction, served(request.body)) as unknown as Eviction
    if (body.metadata?.name && body.metadata.name !== request.name)
      throw badRequest('name in URL does not match name in Eviction object')
    await api.admit(caller, request, 'CREATE', Eviction, body as unknown as Draft)
    const options = deleteRequestOf({
      body: body.deleteOptions ?? {},
      ...(request.options && { options: request.options }),
    })
    for (let attempt = 1; !(await evict(api, request.namespace, request.name!, options, attempt)); attempt++);
    return { type: 'status', status: { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 } }
  },
}

/** Clients from before policy/v1 send the same object under its old version. */
function served(body: unknown): unknown {
  const { apiVersion } = (body ?? {}) as { apiVersion?: string }
  return apiVersion === 'policy/v1beta1' ? { ...(body as object), apiVersion: 'policy/v1' } : body
}

/** False: the pod has changed meanwhile in a way that may matter, so it is to be looked at again. */
async function evict(
  api: Api,
  namespace: string | undefined,
  name: string,
  options: DeleteRequest,
  attempt: number,
): Promise<boolean> {
  const pod = api.registry(pods).get(namespace, name).object as Pod
  const dryRun = options.dryRun?.includes('All') === true
  const isBudgeted = !isHarmless(pod)
  const budget = isBudgeted ? await takeFromBudget(api, pod, dryRun) : undefined
  // Whether it was ready has decided, so it must still be what was looked at.
  const insists = (isBudgeted ? budget === 'notNeeded' : pod.status.phase === 'Pending') && !hasVersion(options)
  const { resourceVersion } = pod.metadata
  try {
    await remove(api, pod, dryRun, insists ? withVersion(options, resourceVersion) : options)
    return true
  } catch (err) {
    if (insists && isStatus(err, 'Conflict') && attempt < MAX_ATTEMPTS) return false
    throw err
  }
}

/** What does not run, or is going already, disturbs nobody. */
function isHarmless({ status, metadata }: Pod): boolean {
  return ['Succeeded', 'Failed', 'Pending'].includes(status.phase ?? '') || metadata.deletionTimestamp !== undefined
}

const hasVersion = (options: DeleteRequest) => options.preconditions?.resourceVersion !== undefined
const withVersion = (options: DeleteRequest, resourceVersion: string): DeleteRequest => ({
  ...options,
  preconditions: { ...options.preconditions, resourceVersion },
})

/** Notes in the pod's status why it goes, and deletes it. */
async function remove(api: Api, { metadata }: Pod, dryRun: boolean, options: DeleteRequest): Promise<void> {
  const { namespace, name } = metadata
  const registry = api.registry(pods)
  const { uid = metadata.uid, resourceVersion } = options.preconditions ?? {}
  let bound: DeleteRequest = { ...options, preconditions: { ...options.preconditions, uid } }
  if (!dryRun) {
    const condition = {
      type: 'DisruptionTarget',
      status: 'True',
      reason: 'EvictionByEvictionAPI',
      message: 'Eviction API: evicting',
      lastTransitionTime: timestamp(api.now()),
    }
    const noted = await registry.update(
      name,
      (old) => {
        const { resourceVersion: _any, ...meta } = old!.metadata
        const conditions = (old!.status.conditions ?? []) as { type: string; status: string }[]
        const isNoted = conditions.some(({ type, status }) => type === condition.type && status === condition.status)
        const others = conditions.filter(({ type }) => type !== condition.type)
        return {
          ...old!,
          metadata: { ...meta, uid, ...(resourceVersion && { resourceVersion }) },
          status: { ...old!.status, conditions: isNoted ? conditions : [...others, condition] },
        } as Draft
      },
      { namespace, dryRun, subresource: 'status' },
    )
    if (resourceVersion) bound = withVersion(bound, noted.object.metadata.resourceVersion)
  }
  await registry.delete(name, bound, { namespace, dryRun })
}

/** Counts the disruption against the pod's budget, if one needs it. Throws TooManyRequests where it allows none. */
async function takeFromBudget(api: Api, pod: Pod, dryRun: boolean): Promise<'taken' | 'notNeeded' | 'none'> {
  const registry = api.registry(podDisruptionBudgets)
  const { namespace, name } = pod.metadata
  const budgets = registry.cache
    .list(registry.prefix(namespace))
    .map((entry) => entry.object as PodDisruptionBudget)
    .filter(({ spec }) => spec.selector && selects(spec.selector as LabelSelectorObject, pod))
  const [budget] = budgets
  if (!budget) return 'none'
  if (budgets.length > 1) {
    throw new StatusError(
      '',
      'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.',
      { code: 500 },
    )
  }
  if (!isReady(pod) && !counts(budget)) return 'notNeeded'
  await registry.update(
    budget.metadata.name,
    (old) => {
      const taken = withOneTaken(old as unknown as PodDisruptionBudget, name, api.now())
      return taken as unknown as Draft
    },
    { namespace, dryRun, subresource: 'status' },
  )
  return 'taken'
}

function selects(selector: LabelSelectorObject, pod: Pod): boolean {
  try {
    return selectorFromObject(selector).matches(pod.metadata.labels)
  } catch {
    // An invalid selector selects nothing.
    return false
  }
}

const isReady = (pod: Pod) =>
  pod.status.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true

/** Whether evicting a pod that is not ready counts against the budget. */
function counts({ spec, status }: PodDisruptionBudget): boolean {
  if (spec.unhealthyPodEvictionPolicy === 'AlwaysAllow') return false
  const { currentHealthy = 0, desiredHealthy = 0 } = status
  return currentHealthy < desiredHealthy || desiredHealthy === 0
}

/** Throws TooManyRequests, Forbidden. */
function withOneTaken(budget: PodDisruptionBudget, podName: string, nowMs: number): Stored {
  const { status, metadata, ...rest } = budget
  const { name } = metadata
  const { disruptionsAllowed = 0, disruptedPods = {} } = status
  if ((metadata.generation ?? 0) > (status.observedGeneration ?? 0))
    throw refusal(`The disruption budget ${name} is still being processed by the server.`, RETRY_SECONDS)
  if (disruptionsAllowed < 0) throw forbidden(BUDGET, name, 'pdb disruptions allowed is negative')
  if (Object.keys(disruptedPods).length > MAX_DISRUPTED_PODS) {
    const why = 'DisruptedPods map too big - too many evictions not confirmed by PDB controller'
    throw forbidden(BUDGET, name, why)
  }
  if (disruptionsAllowed === 0) throw refusal(whyNone(budget))
  const { resourceVersion: _any, ...meta } = metadata
  return {
    ...rest,
    metadata: meta,
    status: {
      ...status,
      disruptionsAllowed: disruptionsAllowed - 1,
      disruptedPods: { ...disruptedPods, [podName]: timestamp(nowMs) },
    },
  } as unknown as Stored
}

const BUDGET = { group: 'policy', plural: 'poddisruptionbudget' }

function whyNone({ metadata, status }: PodDisruptionBudget): string {
  const about = `The disruption budget ${metadata.name}`
  const { currentHealthy = 0, desiredHealthy = 0 } = status
  const condition = status.conditions?.find(({ type }) => type === 'DisruptionAllowed')
  const said = condition?.status === 'False' && condition.message ? condition : undefined
  if (said?.reason === 'SyncFailed')
    return `${about} does not allow evicting pods currently because it failed sync: ${said.message}`
  if (currentHealthy <= desiredHealthy)
    return `${about} needs ${desiredHealthy} healthy pods and has ${currentHealthy} currently`
  const because = said ? ` (${said.reason}): ${said.message}` : ''
  return `${about} does not allow evicting pods currently${because}`
}

const refusal = (why: string, retryAfterSeconds = 0) =>
  new StatusError('TooManyRequests', "Cannot evict pod as it would violate the pod's disruption budget.", {
    details: {
      causes: [{ reason: 'DisruptionBudget', message: why }],
      ...(retryAfterSeconds > 0 && { retryAfterSeconds }),
    },
  })
