/**
 * Keeps objects that are being deleted as long as something uses them: a finalizer, which admission adds and which is
 * taken away here once nobody does. Upstream: `pkg/controller/volume/{pvc,pv,vac}protection`.
 */
import type { KubeObject, Resource } from '#api/kind.ts'
import type { Informer } from '#client/informer.ts'
import type { WorkQueue } from '#client/work-queue.ts'
import { isStatus } from '#machinery/status-error.ts'
import { type ControllerContext, reconcileLoop } from '../controller.ts'

export interface Protection<T extends KubeObject> {
  name: string
  resource: Resource<T>
  finalizer: string
  /** What `isUsed` reads. */
  caches: readonly Pick<Informer<never>, 'synced'>[]
  isUsed(object: T, signal: AbortSignal): boolean | Promise<boolean>
}

/** The returned queue takes the keys of objects that somebody has stopped to use: `name`, or `namespace/name`. */
export function protect<T extends KubeObject>(context: ControllerContext, protection: Protection<T>): WorkQueue {
  const { resource, finalizer } = protection
  const objects = context.informers.for(resource)
  const queue = reconcileLoop(context, {
    name: protection.name,
    caches: [objects, ...protection.caches],
    concurrency: 10,
    async reconcile(key, signal) {
      const slash = key.indexOf('/')
      const object = objects.get(slash < 0 ? undefined : key.slice(0, slash), key.slice(slash + 1))
      if (!object) return
      const finalizers = finalizersFor(object, finalizer)
      if (finalizers === undefined) return
      if (object.metadata.deletionTimestamp && (await protection.isUsed(object, signal))) return
      try {
        // The resourceVersion goes with it: who has changed the object meanwhile may have changed the answer.
        await context.client.update(resource, { ...object, metadata: { ...object.metadata, finalizers } }, { signal })
      } catch (err) {
        if (!isStatus(err, 'NotFound')) throw err
      }
    },
  })
  const enqueue = (object: T) => {
    if (finalizersFor(object, finalizer) !== undefined) queue.add(keyOf(object))
  }
  objects.handle({ added: enqueue, updated: enqueue })
  return queue
}

export const keyOf = ({ metadata: { namespace, name } }: KubeObject) => (namespace ? `${namespace}/${name}` : name)

/** Finalizers as they should be once nobody uses the object; undefined where they are so. */
function finalizersFor({ metadata }: KubeObject, finalizer: string): string[] | undefined {
  const { finalizers = [], deletionTimestamp } = metadata
  const isThere = finalizers.includes(finalizer)
  if (deletionTimestamp === undefined) return isThere ? undefined : [...finalizers, finalizer]
  return isThere ? finalizers.filter((one) => one !== finalizer) : undefined
}
