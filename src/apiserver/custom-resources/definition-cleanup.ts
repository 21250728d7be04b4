/**
 * A CustomResourceDefinition goes only after all objects that it has defined: a finalizer keeps it until they are deleted.
 * Upstream: `apiextensions-apiserver/pkg/controller/finalizer` and the registry of definitions.
 */
import type { CustomResourceDefinition, CustomResourceDefinitionCondition } from '#api/apiextensions/v1.ts'
import type { Clock } from '#base/clock.ts'
import { messageOf } from '#base/errors.ts'
import { isConditionTrue, withCondition } from '#machinery/conditions.ts'
import { isStatus } from '#machinery/status-error.ts'
import { formatTime } from '#machinery/time.ts'
import type { Registry } from '../registry/registry.ts'
import type { Draft, Stored } from '../registry/strategy.ts'
import type { WatchCache } from '../registry/watch-cache.ts'

export const CLEANUP_FINALIZER = 'customresourcecleanup.apiextensions.k8s.io'

export interface CleanupOptions {
  definitions: Registry
  /** Of the definition. */
  name: string
  /** Undefined where it is not served. */
  storage(): { registry: Registry; stored: WatchCache } | undefined
  clock: Clock
}

type Terminating = Pick<CustomResourceDefinitionCondition, 'status' | 'reason' | 'message'>

/** Objects with finalizers of their own may take a while. */
const MAX_WAIT_MS = 60_000
const AT_ONCE = 20

/** Deletes all objects and then lets the definition go. Rejects where that takes too long; it may be tried again. */
export async function emptyDefinition(options: CleanupOptions): Promise<void> {
  const { definitions, name, storage } = options
  const found = definitions.cache.get(definitions.key(undefined, name))?.object as CustomResourceDefinition | undefined
  if (!found?.metadata.finalizers?.includes(CLEANUP_FINALIZER)) return
  await setTerminating(options, {
    status: 'True',
    reason: 'InstanceDeletionInProgress',
    message: 'CustomResource deletion is in progress',
  })
  const objects = storage()
  if (!isConditionTrue(found.status.conditions, 'Established'))
    return finish(options, 'NeverEstablished', 'resource was never established')
  if (!objects)
    return finish(options, 'OverlappingBuiltInResource', 'instances overlap with built-in resources in storage')
  try {
    await deleteAll(objects.registry)
  } catch (err) {
    const message = `could not issue all deletes: ${messageOf(err)}`
    await setTerminating(options, { status: 'True', reason: 'InstanceDeletionFailed', message })
    throw err
  }
  if (!(await isEmptied(objects.stored, options))) {
    const message = 'could not confirm zero CustomResources remaining: timed out waiting for the condition'
    await setTerminating(options, { status: 'True', reason: 'InstanceDeletionCheck', message })
    throw new Error(message)
  }
  await finish(options, 'InstanceDeletionCompleted', 'removed all instances')
}

async function deleteAll(registry: Registry): Promise<void> {
  await registry.cache.prepare(registry.prefix(undefined))
  const queue = registry.cache.list(registry.prefix(undefined)).map(({ object }) => object.metadata)
  const worker = async () => {
    for (let next = queue.pop(); next; next = queue.pop()) {
      try {
        await registry.delete(next.name, {}, { namespace: next.namespace, dryRun: false })
      } catch (err) {
        if (!isStatus(err, 'NotFound')) throw err
      }
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
}

/** Whether nothing is left, for which it is waited a while. */
function isEmptied(stored: WatchCache, { clock }: CleanupOptions): Promise<boolean> {
  return new Promise((resolve) => {
    const end = (isEmpty: boolean) => {
      timer.cancel()
      cancel()
      resolve(isEmpty)
    }
    const timer = clock.after(MAX_WAIT_MS, () => end(false))
    const cancel = stored.follow(stored.prefix, {
      onEvents: () => stored.size === 0 && end(true),
      onEnd: () => end(stored.size === 0),
    })
    if (stored.size === 0) end(true)
  })
}

const setTerminating = (options: CleanupOptions, condition: Terminating) => change(options, condition, (all) => all)

/** The last write: with the finalizer the definition goes. */
const finish = (options: CleanupOptions, reason: string, message: string) =>
  change(options, { status: 'False', reason, message }, (finalizers) =>
    finalizers.filter((finalizer) => finalizer !== CLEANUP_FINALIZER),
  )

async function change(
  { definitions, name, clock }: CleanupOptions,
  condition: Terminating,
  finalizersOf: (finalizers: readonly string[]) => readonly string[],
): Promise<void> {
  const write = (old: Stored | undefined): Draft => {
    const { metadata, status } = old!
    const conditions = withCondition<CustomResourceDefinitionCondition>(
      status.conditions,
      { type: 'Terminating', ...condition },
      formatTime(clock.now()),
    )
    const { resourceVersion: _version, ...rest } = metadata
    const finalizers = finalizersOf(metadata.finalizers ?? [])
    return {
      ...old!,
      metadata: { ...rest, finalizers: [...finalizers] },
      status: { ...status, conditions },
    } as unknown as Draft
  }
  try {
    await definitions.update(name, write, { namespace: undefined, dryRun: false, subresource: 'status' })
  } catch (err) {
    if (!isStatus(err, 'NotFound')) throw err
  }
}
