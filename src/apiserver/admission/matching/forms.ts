/**
 * The forms in which one resource is served: versions of a custom resource, or another group's view of a built-in one.
 * Webhooks and policies name the form that they know, and by `matchPolicy: Equivalent` are asked about the others too.
 * Upstream: `runtime.EquivalentResourceMapper` and `admission.ConvertToGVK`.
 */
import type { Conversion } from '#api/conversion.ts'
import type { Resource } from '#api/kind.ts'
import type { Message } from '#api/schema.ts'
import type { Api } from '../../api.ts'
import type { Draft, Stored } from '../../registry/strategy.ts'
import type { AdmissionRequest } from '../admission.ts'

export interface GroupVersionKind {
  readonly group: string
  readonly version: string
  readonly kind: string
}

/** Kind of the request's objects in this form of its resource. */
export function kindIn(request: AdmissionRequest, form: Resource): GroupVersionKind {
  if (hasOwnKind(request)) return request.type.gvk!
  const { group, version, kind } = form
  return { group, version, kind }
}

/** Type of the request's objects in this form of its resource. */
export const typeIn = (request: AdmissionRequest, form: Resource): Message =>
  hasOwnKind(request) ? request.type : form.type

/** Kinds of subresources are the same whatever form of the resource they belong to. */
const hasOwnKind = ({ type, resource }: AdmissionRequest) => type !== resource.type

/** The forms other than the requested one that have the request's subresource, in the order of discovery. */
export function otherForms(api: Api, { resource, requested, subresource }: AdmissionRequest): Resource[] {
  const forms: Resource[] = []
  for (const { resource: form, conversion } of api.catalog.entries) {
    const isForm = form === resource || conversion?.stored === resource
    if (!isForm || form === requested) continue
    if (subresource === '' || Object.hasOwn(form.subresources, subresource)) forms.push(form)
  }
  return forms
}

/**
 * Objects of one request in the forms that are asked for, each converted once. What a plug-in changes is changed in the
 * stored form, and in the others when they are next asked for.
 */
export class RequestObjects {
  readonly #api: Api
  readonly #request: AdmissionRequest
  readonly #current = new Map<Resource, Stored>()
  readonly #old = new Map<Resource, Stored>()
  readonly #currentJson = new Map<Resource, string>()
  readonly #oldJson = new Map<Resource, string>()
  /** In the stored form. */
  readonly stored: Draft | undefined

  constructor(api: Api, request: AdmissionRequest, stored: Draft | undefined) {
    this.#api = api
    this.#request = request
    this.stored = stored
  }

  get request(): AdmissionRequest {
    return this.#request
  }

  /** The object as it is now. */
  current(form: Resource): Stored | undefined {
    return this.stored && this.#in(form, this.stored, this.#current)
  }

  /** The object as it was. */
  old(form: Resource): Stored | undefined {
    return this.#request.old && this.#in(form, this.#request.old, this.#old)
  }

  /** `null` where there is no object. */
  currentJson(form: Resource): string {
    return jsonOf(this.#currentJson, form, () => this.current(form))
  }

  oldJson(form: Resource): string {
    return jsonOf(this.#oldJson, form, () => this.old(form))
  }

  #in(form: Resource, object: Stored, known: Map<Resource, Stored>): Stored {
    if (this.#isStored(form)) return object
    let found = known.get(form)
    if (!found) known.set(form, (found = this.#conversion(form).fromStored(object) as Stored))
    return found
  }

  #isStored(form: Resource): boolean {
    return form === this.#request.resource || hasOwnKind(this.#request)
  }

  #conversion(form: Resource): Conversion {
    return this.#api.entry(form).conversion!
  }

  /** Puts `next`, which is in `form`, in the place of the current object. `complete` decodes and fills in defaults. */
  replace(form: Resource, next: unknown, complete: (type: Message, object: unknown) => Draft) {
    const completed = complete(typeIn(this.#request, form), next)
    const stored = this.#isStored(form)
      ? completed
      : complete(this.#request.type, this.#conversion(form).toStored(completed))
    this.#current.clear()
    this.#currentJson.clear()
    replaceMembers(this.stored!, stored)
  }
}

function jsonOf(known: Map<Resource, string>, form: Resource, object: () => Stored | undefined): string {
  let json = known.get(form)
  if (json === undefined) known.set(form, (json = JSON.stringify(object() ?? null)))
  return json
}

/** Others hold on to the object, so it stays the same one. */
export function replaceMembers(object: Draft, next: Draft) {
  for (const name of Object.keys(object)) if (!Object.hasOwn(next, name)) delete object[name]
  Object.assign(object, next)
}
