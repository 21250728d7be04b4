/**
 * Empties namespaces that are being deleted, then lets go of them: pods first, since others may need what else is there
 * to end well, then everything else at once. Upstream: the namespace controller.
 */
import { messageOf } from '#base/errors.ts'
import type { Namespace } from '#api/core/v1/namespace.ts'
import type { Resource } from '#api/kind.ts'
import { namespaces, pods } from '#api/resources.ts'
import type { Informer } from '#client/informer.ts'
import type { ReconcileResult } from '#client/work-queue.ts'
import { isStatus } from '#machinery/status-error.ts'
import { formatTime, parseTime } from '#machinery/time.ts'
import { type Controller, type ControllerContext, reconcileLoop } from '../controller.ts'
import { createResourceSource, type ResourceSource } from '../resource-source.ts'
import { contentConditions, type ContentReport } from './content-report.ts'

const FINALIZER = 'kubernetes'
const MIN_RETRY_MS = 250
const MAX_RETRY_MS = 8_000

export interface NamespaceControllerOptions {
  /** Default: all built-in resources and those of CustomResourceDefinitions. */
  resources?: ResourceSource
}

export const createNamespaceController = (options: NamespaceControllerOptions = {}): Controller => ({
  name: 'namespace',
  start: (context) => new NamespaceLoop(context, options).start(),
})

class NamespaceLoop {
  readonly #context: ControllerContext
  readonly #namespaces: Informer<Namespace>
  readonly #resources: ResourceSource

  constructor(context: ControllerContext, options: NamespaceControllerOptions) {
    this.#context = context
    this.#namespaces = context.informers.for(namespaces)
    this.#resources = options.resources ?? createResourceSource(context.informers)
  }

  start(): void {
    const podCache = this.#context.informers.for(pods)
    const queue = reconcileLoop(this.#context, {
      name: 'namespace',
      caches: [this.#namespaces, this.#resources],
      concurrency: 20,
      reconcile: (key, signal) => this.#reconcile(key, signal),
    })
    const enqueue = ({ metadata }: Namespace) => {
      if (metadata.deletionTimestamp) queue.add(metadata.name)
    }
    this.#namespaces.handle({ added: enqueue, updated: enqueue })
    // Mostly it is pods that take their time.
    podCache.handle({
      deleted: ({ metadata }) => {
        const namespace = this.#namespaces.get(undefined, metadata.namespace!)
        if (namespace) enqueue(namespace)
      },
    })
  }

  async #reconcile(name: string, signal: AbortSignal): Promise<ReconcileResult | void> {
    const { client, clock } = this.#context
    const namespace = await client.find(namespaces, { name }, { signal })
    if (!namespace?.metadata.deletionTimestamp || !namespace.spec.finalizers?.includes(FINALIZER)) return
    const undiscovered = this.#resources.undiscovered?.() ?? []
    const reports = await this.#empty(name, signal)
    const conditions = contentConditions(namespace.status.conditions, reports, formatTime(clock.now()), undiscovered)
    const isTerminating = namespace.status.phase === 'Terminating'
    let latest = namespace
    if (conditions !== namespace.status.conditions || !isTerminating) {
      const status = { ...namespace.status, phase: 'Terminating', conditions: [...conditions] }
      latest = await client.updateStatus(namespaces, { ...namespace, status }, { signal })
    }
    if (undiscovered.length > 0 || reports.some(({ remaining, error }) => remaining > 0 || error !== undefined)) {
      const elapsedMs = clock.now() - parseTime(namespace.metadata.deletionTimestamp)
      return { requeueAfterMs: Math.min(Math.max(elapsedMs / 4, MIN_RETRY_MS), MAX_RETRY_MS) }
    }
    const finalizers = (latest.spec.finalizers ?? []).filter((finalizer) => finalizer !== FINALIZER)
    try {
      await client.update(
        namespaces,
        { ...latest, spec: { ...latest.spec, finalizers } },
        { subresource: 'finalize', signal },
      )
    } catch (err) {
      if (!isStatus(err, 'NotFound')) throw err
    }
  }

  async #empty(namespace: string, signal: AbortSignal): Promise<ContentReport[]> {
    const resources = this.#resources.current().filter((r) => r.namespaced && r.verbs.includes('delete'))
    const isPods = (r: Resource) => r.group === '' && r.plural === pods.plural
    const podReports = await Promise.all(resources.filter(isPods).map((r) => this.#emptyOf(r, namespace, signal)))
    if (podReports.some((report) => report.remaining > 0)) return podReports
    const others = resources.filter((r) => !isPods(r))
    return [...podReports, ...(await Promise.all(others.map((r) => this.#emptyOf(r, namespace, signal))))]
  }

  async #emptyOf(resource: Resource, namespace: string, signal: AbortSignal): Promise<ContentReport> {
    const report: ContentReport = { resource, remaining: 0, finalizers: new Map() }
    try {
      await this.#deleteAll(resource, namespace, signal)
      const { items } = await this.#context.client.list(resource, { namespace, signal })
      const finalizers = new Map<string, number>()
      for (const { metadata } of items) {
        for (const finalizer of metadata.finalizers ?? [])
          finalizers.set(finalizer, (finalizers.get(finalizer) ?? 0) + 1)
      }
      const isGraceful = items.every(({ metadata }) => metadata.deletionTimestamp)
      if (items.length === 0 || isGraceful) return { ...report, remaining: items.length, finalizers }
      const gvr = `${resource.group}/${resource.version}, Resource=${resource.plural}`
      const error = `unexpected items still remain in namespace: ${namespace} for gvr: ${gvr}`
      return { ...report, remaining: items.length, finalizers, error }
    } catch (err) {
      // The resource itself has gone, or can't be listed.
      if (isStatus(err, 'NotFound', 'MethodNotAllowed')) return report
      signal.throwIfAborted()
      return { ...report, error: messageOf(err) }
    }
  }

  async #deleteAll(resource: Resource, namespace: string, signal: AbortSignal): Promise<void> {
    const { client } = this.#context
    const options = { propagationPolicy: 'Background' as const }
    if (resource.verbs.includes('deletecollection')) {
      await client.deleteCollection(resource, { namespace, signal }, options)
      return
    }
    const { items } = await client.list(resource, { namespace, signal })
    await Promise.all(
      items.map(({ metadata }) => {
        return client.delete(resource, metadata, options, { signal }).catch((err) => {
          if (!isStatus(err, 'NotFound')) throw err
        })
      }),
    )
  }
}
