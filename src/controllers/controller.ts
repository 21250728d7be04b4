/**
 * What every controller is given and is. Controllers are level-based: an informer event only names a key, and the
 * reconcile of that key compares what should be with what is, decides by a pure plan, then acts.
 */
import { setMaxListeners } from 'node:events'
import type { Clock } from '#base/clock.ts'
import type { Log } from '#base/log.ts'
import type { Random } from '#base/random.ts'
import type { Client } from '#client/client.ts'
import type { EventRecorder } from '#client/event-recorder.ts'
import type { Informer, Informers } from '#client/informer.ts'
import { type Reconcile, runWorkers, WorkQueue } from '#client/work-queue.ts'

export interface ControllerContext {
  client: Client
  informers: Informers
  clock: Clock
  random: Random
  log: Log
  recorder: EventRecorder
  /** Stops the controller. */
  signal: AbortSignal
}

export interface Controller {
  readonly name: string
  /**
   * Begins to work, and does until the context's signal aborts. Called once; does not wait for the cluster. Throws where
   * its settings can't be used.
   */
  start(context: ControllerContext): Promise<void> | void
}

export interface ReconcileLoopOptions {
  name: string
  /** Nothing is reconciled before these are in sync. */
  caches: readonly Pick<Informer<never>, 'synced'>[]
  /** Keys that are worked on at the same time. Default 50. */
  concurrency?: number
  reconcile: Reconcile
}

/** A queue whose keys are reconciled until the context's signal aborts. */
export function reconcileLoop(context: ControllerContext, options: ReconcileLoopOptions): WorkQueue {
  const { clock, signal } = context
  // All controllers listen to it, and Node takes more than ten listeners for a leak.
  setMaxListeners(0, signal)
  const log = context.log.child({ controller: options.name })
  const queue = new WorkQueue({ clock })
  const run = async () => {
    await Promise.all(options.caches.map((cache) => cache.synced(signal)))
    await runWorkers(queue, options.concurrency ?? 50, options.reconcile, { log, signal })
  }
  // It rejects only where the signal aborts before the caches are filled.
  run().catch(() => queue.shutDown())
  return queue
}
