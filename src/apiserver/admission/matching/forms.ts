/**
 * The forms in which one resource is served: versions of a custom resource, or another group's view of a built-in one.
 * Webhooks and policies name the form that they know, and by `matchPolicy: Equivalent` are asked about the others too.
 * Upstream: `runtime.EquivalentResourceMapper` and `admission.ConvertToGVK`.
 */
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
  const isCustom = api.entry(resource).managed !== undefined
  const forms: Resource[] = []
  for (const { resource: form, conversion } of api.catalog.entries) {
    const isVersion = isCustom && form.group === resource.group && form.plural === resource.plural
    const isForm = form === resource || conversion?.stored === resource || isVersion
    if (!isForm || form === requested) continue
    if (subresource === '' || Object.hasOwn(form.subresources, subresource)) forms.push(form)
  }
  return forms
}

/** Decodes an object and fills in its defaults. Throws StatusError. */
export type Complete = (type: Message, object: unknown) => Draft

/**
 * Objects of one request in the forms that are asked for, each converted once. What a plug-in changes is changed in the
 * form in which the request is carried out, and in the others when they are next asked for.
 */
export class RequestObjects {
  readonly #api: Api
  readonly request: AdmissionRequest
  /** In the form in which the request is carried out; undefined for a DELETE. */
  readonly native: Draft | undefined
  readonly #current = new Map<Resource, Stored>()
  readonly #old = new Map<Resource, Stored>()
  readonly #currentJson = new Map<Resource, string>()
  readonly #oldJson = new Map<Resource, string>()

  constructor(api: Api, request: AdmissionRequest, native: Draft | undefined) {
    this.#api = api
    this.request = request
    this.native = native
  }

  /** Whether the objects are in this form anyway. Kinds of subresources are the same in all forms. */
  isNative(form: Resource): boolean {
    return form === this.request.resource || hasOwnKind(this.request)
  }

  /** Makes ready what the members below give for `form`; a promise only where somebody else must convert. */
  prepare(form: Resource): void | Promise<void> {
    if (this.isNative(form)) return
    const { old } = this.request
    const pending = [
      this.native && !this.#current.has(form) && this.#convert(this.native, form, this.#current),
      old && !this.#old.has(form) && this.#convert(old, form, this.#old),
    ].filter((one) => one instanceof Promise)
    if (pending.length > 0) return Promise.all(pending).then(() => {})
  }

  /** The object as it is now. */
  current(form: Resource): Stored | undefined {
    return this.isNative(form) ? this.native : this.#current.get(form)
  }

  /** The object as it was. */
  old(form: Resource): Stored | undefined {
    return this.isNative(form) ? this.request.old : this.#old.get(form)
  }

  /** `null` where there is no object. */
  currentJson(form: Resource): string {
    return jsonOf(this.#currentJson, form, () => this.current(form))
  }

  oldJson(form: Resource): string {
    return jsonOf(this.#oldJson, form, () => this.old(form))
  }

  /** Puts `next`, which is in `form`, in the place of the current object. */
  async replace(form: Resource, next: unknown, complete: Complete): Promise<void> {
    const { type, resource } = this.request
    const completed = complete(typeIn(this.request, form), next)
    const native = this.isNative(form) ? completed : complete(type, await this.#converted(completed, form, resource))
    this.#current.clear()
    this.#currentJson.clear()
    replaceMembers(this.native!, native)
  }

  #convert(object: Stored, form: Resource, known: Map<Resource, Stored>): void | Promise<void> {
    const converted = this.#converted(object, this.request.resource, form)
    if (!(converted instanceof Promise)) return void known.set(form, converted)
    return converted.then((done) => void known.set(form, done))
  }

  /** Throws StatusError, or rejects with one. */
  #converted(object: Stored, from: Resource, to: Resource): Stored | Promise<Stored> {
    const { managed, conversion } = this.#api.entry(from)
    if (managed) return managed.convert(object as never, to.apiVersion) as unknown as Stored | Promise<Stored>
    if (conversion) return conversion.toStored(object) as Stored
    return this.#api.entry(to).conversion!.fromStored(object) as Stored
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
