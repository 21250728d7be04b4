/**
 * Admission: plug-ins that may change and then refuse a request that is not a plain read. Upstream:
 * `apiserver/pkg/admission`.
 *
 * All changes come first, then the object is completed and checked by its registry, and then those plug-ins that only
 * refuse see it as it will be stored.
 */
import type { Resource } from '#api/kind.ts'
import type { Message } from '#api/schema.ts'
import type { RequestOptions } from '#client/transport.ts'
import type { DeleteRequest } from '../registry/deletion.ts'
import type { Release } from '../registry/registry.ts'
import type { Draft, Stored } from '../registry/strategy.ts'
import type { User } from '../user.ts'

export type Operation = 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT'

/** Upstream: `admission.Attributes`. */
export interface AdmissionRequest {
  readonly user: User
  readonly operation: Operation
  /** What is written to, in the form in which it is stored. */
  readonly resource: Resource
  /** What the client named: another version than `resource`, or even another group, where a kind has several forms. */
  readonly requested: Resource
  readonly subresource: string
  /** Type of the objects: that of `resource`, or a subresource's own (Scale, Binding, PodExecOptions, ...). */
  readonly type: Message
  readonly namespace: string
  /** Empty for an object that is being created with a name still to be made up. */
  readonly name: string
  readonly dryRun: boolean
  /** What is there now; undefined for CREATE and CONNECT. */
  readonly old: Stored | undefined
  /** What the client asked for beside the object. */
  readonly options: Readonly<RequestOptions | DeleteRequest>
  /** Takes messages for the client's `Warning` headers. */
  readonly warnings: string[]
  /** Made by the first plug-in that needs it. */
  rounds?: AdmissionRounds
  /** Set by a plug-in that holds something for the write. */
  release?: Release
}

/**
 * What plug-ins agree upon when later ones have changed what earlier ones have seen: then all of them run once more.
 * Upstream: `admission.ReinvocationContext`.
 */
export class AdmissionRounds {
  isSecond = false
  /** Set by a plug-in to have a second round. */
  wantsSecond = false
  /** What plug-ins remember of the first round, by plug-in. */
  readonly notes = new Map<string, unknown>()
}

/** A member is called only for what it is interested in by itself; each throws StatusError to refuse. */
export interface AdmissionPlugin {
  readonly name: string
  /** May write to `object`. Not called for a DELETE. */
  admit?(request: AdmissionRequest, object: Draft): void | Promise<void>
  /** Has its say about a DELETE among those that change objects, before all of those that only refuse. */
  admitDeletion?(request: AdmissionRequest): void | Promise<void>
  /** Sees the object as it will be stored; undefined for a DELETE. */
  validate?(request: AdmissionRequest, object: Stored | undefined): void | Promise<void>
}

/** Runs the plug-ins in order. Returns a promise only where one of them does, to spare the others the wait. */
export function admit(
  plugins: readonly AdmissionPlugin[],
  request: AdmissionRequest,
  object: Draft,
): void | Promise<void> {
  const call = (plugin: AdmissionPlugin) => plugin.admit?.(request, object)
  const pending = inOrder(plugins, call)
  if (pending) return pending.then(() => secondRound(plugins, request, call))
  return secondRound(plugins, request, call)
}

export function validateAdmission(
  plugins: readonly AdmissionPlugin[],
  request: AdmissionRequest,
  object: Stored | undefined,
): void | Promise<void> {
  return inOrder(plugins, (plugin) => plugin.validate?.(request, object))
}

/** As `validateAdmission`, for what is then written. */
export function validateWrite(
  plugins: readonly AdmissionPlugin[],
  request: AdmissionRequest,
  object: Stored,
): Release | undefined | Promise<Release | undefined> {
  const pending = validateAdmission(plugins, request, object)
  return pending ? pending.then(() => request.release) : request.release
}

/** Both phases of a DELETE, which changes nothing. */
export function admitDeletion(plugins: readonly AdmissionPlugin[], request: AdmissionRequest): void | Promise<void> {
  const pending = inOrder(plugins, (plugin) => plugin.admitDeletion?.(request))
  if (pending) return pending.then(() => validateAdmission(plugins, request, undefined))
  return validateAdmission(plugins, request, undefined)
}

function secondRound(
  plugins: readonly AdmissionPlugin[],
  request: AdmissionRequest,
  call: (plugin: AdmissionPlugin) => void | Promise<void>,
): void | Promise<void> {
  const { rounds } = request
  if (!rounds?.wantsSecond) return
  rounds.isSecond = true
  return inOrder(plugins, call)
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
