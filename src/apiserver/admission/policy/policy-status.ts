/**
 * Keeps the status of validating policies: which generation has been looked at, and what is suspicious about its
 * expressions. It runs beside the API, which knows the types. Upstream: `pkg/controller/validatingadmissionpolicystatus`.
 */
import type { ValidatingAdmissionPolicy } from '#api/admissionregistration/v1.ts'
import { validatingAdmissionPolicies } from '#api/resources.ts'
import type { Clock } from '#base/clock.ts'
import type { Log } from '#base/log.ts'
import type { Environment } from '#cel/environment.ts'
import type { Client } from '#client/client.ts'
import { runWorkers, WorkQueue } from '#client/work-queue.ts'
import type { Api } from '../../api.ts'
import type { Stored } from '../../registry/strategy.ts'
import { typeCheck } from './type-checking.ts'

export interface PolicyStatusOptions {
  api: Api
  client: Client
  /** The environment that all expressions start from. */
  environment: () => Environment
  clock: Clock
  log: Log
  /** Ends it. */
  signal: AbortSignal
}

const MANAGER = 'validatingadmissionpolicy-status'
const WORKERS = 2

export function startPolicyStatus({ api, client, environment, clock, log, signal }: PolicyStatusOptions) {
  const queue = new WorkQueue({ clock })
  const registry = api.registry(validatingAdmissionPolicies)
  const { cache } = registry
  const stop = cache.follow(cache.prefix, {
    onEvents: (events) => {
      for (const { current } of events) if (current) queue.add(current.object.metadata.name)
    },
    onEnd: () => {},
  })
  signal.addEventListener('abort', stop, { once: true })
  for (const { object } of cache.list(cache.prefix)) queue.add(object.metadata.name)

  const reconcile = async (name: string): Promise<void> => {
    const found = cache.get(registry.key(undefined, name))?.object as ValidatingAdmissionPolicy | undefined
    const generation = found?.metadata.generation ?? 0
    if (!found || generation <= (found.status.observedGeneration ?? 0)) return
    const expressionWarnings = typeCheck(found as unknown as Stored, api.resources, environment())
    const typeChecking = expressionWarnings.length > 0 ? { expressionWarnings } : {}
    const status = { ...found.status, observedGeneration: generation, typeChecking }
    const options = { subresource: 'status', fieldManager: MANAGER }
    await client.update(validatingAdmissionPolicies, { ...found, status }, options)
  }
  void runWorkers(queue, WORKERS, reconcile, { log, signal })
}
