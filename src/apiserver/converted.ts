/** Requests for a form of a kind that is stored in another one: they are carried out on the stored form. */
import type { Conversion } from '#api/conversion.ts'
import type { KubeObject, Resource } from '#api/kind.ts'
import { encodeAsField } from '#api/protobuf-encode.ts'
import { OBJECT_TAG } from '#api/protobuf-envelope.ts'
import type { ApiRequest } from '#client/transport.ts'
import { BackwardWriter } from '#machinery/protobuf-wire.ts'
import { FieldSelector, parseFieldSelector } from '#machinery/fields.ts'
import { badRequest, qualified, StatusError } from '#machinery/status-error.ts'
import type { Revision } from '#storage/store.ts'
import type { Listed } from './registry/object-cache.ts'
import { parseSelector } from './selection.ts'
import { type SelectedBatch, SelectedEvent } from './watch/watch-groups.ts'

/** An object in its served form; converted and encoded when first asked for. */
export class ConvertedObject implements Listed {
  readonly key: string
  readonly revision: Revision
  readonly #conversion: Conversion
  readonly #stored: KubeObject
  #object: KubeObject | undefined
  #wire: Buffer | undefined
  #protobuf: Buffer | undefined

  constructor(conversion: Conversion, stored: KubeObject, { key, revision }: { key: string; revision: Revision }) {
    this.#conversion = conversion
    this.#stored = stored
    this.key = key
    this.revision = revision
  }

  get object(): KubeObject {
    return (this.#object ??= this.#conversion.fromStored(this.#stored))
  }

  get wire(): Buffer {
    return (this.#wire ??= Buffer.from(JSON.stringify(this.object)))
  }

  get protobuf(): Buffer {
    const { type } = this.#conversion.served
    return (this.#protobuf ??= encodeAsField(type, { ...this.object }, OBJECT_TAG, new BackwardWriter()))
  }

  at(revision: Revision): Listed {
    const { metadata, ...rest } = this.#stored
    const stored = { ...rest, metadata: { ...metadata, resourceVersion: String(revision) } }
    return new ConvertedObject(this.#conversion, stored, { key: this.key, revision })
  }
}

/** A request that remembers in which form the client made it. */
interface StoredRequest extends ApiRequest {
  requested: Resource
}

/** What the client named. */
export const requestedResource = (request: ApiRequest): Resource =>
  (request as Partial<StoredRequest>).requested ?? request.resource

/** The same request for the stored form, its body aside. */
export function storedRequest(conversion: Conversion, request: ApiRequest): StoredRequest {
  const { options } = request
  const fieldSelector = options?.fieldSelector && renameFields(options.fieldSelector, conversion.fieldNames)
  return {
    ...request,
    resource: conversion.stored,
    requested: request.resource,
    ...(options && { options: { ...options, ...(fieldSelector && { fieldSelector }) } }),
  }
}

/** What the stored form's registry says of it, said of the served form. */
export function asServed({ served, stored }: Conversion, err: unknown): unknown {
  if (!(err instanceof StatusError) || err.details?.kind !== stored.plural) return err
  const message = err.message.replace(qualified(stored), qualified(served))
  const details = { ...err.details, kind: served.plural, ...(served.group && { group: served.group }) }
  return new StatusError(err.reason, message, { code: err.code, details, cause: err })
}

/** Throws BadRequest for a field that the served form has not, where it has fields of its own at all. */
function renameFields(text: string, names: Readonly<Record<string, string>>): string {
  if (Object.keys(names).length === 0) return text
  const { requirements } = parseSelector(() => parseFieldSelector(text))
  const renamed = requirements.map((requirement) => {
    const { field } = requirement
    if (!Object.hasOwn(names, field) && !field.startsWith('metadata.'))
      throw badRequest(`field label not supported: ${field}`)
    return { ...requirement, field: names[field] ?? field }
  })
  return new FieldSelector(renamed).toString()
}

/** Made once for all watchers of the batch. */
export function convertBatch(conversion: Conversion, batch: SelectedBatch): SelectedBatch {
  return batch.derived(conversion, ({ type, revision, object }) => {
    return new SelectedEvent(type, revision, new ConvertedObject(conversion, object, { key: '', revision }))
  })
}
