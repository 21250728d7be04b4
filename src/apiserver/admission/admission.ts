/** Admission: plug-ins that may change and then refuse a write. Upstream: `apiserver/pkg/admission`. */
import type { Resource } from '#api/kind.ts'
import type { Draft, Stored } from '../registry/strategy.ts'
import type { User } from '../user.ts'

export interface AdmissionRequest {
  readonly user: User
  readonly operation: 'CREATE' | 'UPDATE' | 'DELETE'
  readonly resource: Resource
  readonly subresource: string
  readonly namespace: string
  readonly name: string
  readonly dryRun: boolean
  readonly old: Stored | undefined
}

/** A member is called only for what it is interested in by itself; each throws StatusError to refuse. */
export interface AdmissionPlugin {
  readonly name: string
  /** May write to `object`. */
  admit?(request: AdmissionRequest, object: Draft): void | Promise<void>
  /** Sees the object as it will be stored; undefined for a DELETE. */
  validate?(request: AdmissionRequest, object: Stored | undefined): void | Promise<void>
}

/** Runs the plug-ins in order. Returns a promise only where one of them does, to spare the others the wait. */
export function admit(
  plugins: readonly AdmissionPlugin[],
  request: AdmissionRequest,
  object: Draft,
): void | Promise<void> {
  return inOrder(plugins, (plugin) => plugin.admit?.(request, object))
}

export function validateAdmission(
  plugins: readonly AdmissionPlugin[],
  request: AdmissionRequest,
  object: Stored | undefined,
): void | Promise<void> {
  return inOrder(plugins, (plugin) => plugin.validate?.(request, object))
}

function inOrder(
  plugins: readonly AdmissionPlugin[],
  call: (plugin: AdmissionPlugin) => void | Promise<void>,
  from = 0,
): void | Promise<void> {
  for (let i = from; i < plugins.length; i++) {
    const pending = call(plugins[i]!)
    if (pending) return pending.then(() => inOrder(plugins, call, i + 1))
  }
}
