/** Requests for a form of a kind that is stored in another one: they are carried out on the stored form. */
import type { Conversion } from '#api/conversion.ts'
import type { KubeObject } from '#api/kind.ts'
import type { ApiRequest } from '#client/transport.ts'
import type { Revision } from '#storage/store.ts'
import type { Listed } from './registry/watch-cache.ts'
import { SelectedBatch, SelectedEvent } from './watch/watch-groups.ts'

/** An object in its served form; converted and encoded when first asked for. */
export class ConvertedObject implements Listed {
  readonly key: string
  readonly revision: Revision
  readonly #conversion: Conversion
  readonly #stored: KubeObject
  #object: KubeObject | undefined
  #wire: Buffer | undefined

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
}

/** The same request for the stored form, its body aside. */
export function storedRequest(conversion: Conversion, request: ApiRequest): ApiRequest {
  const { options } = request
  const fieldSelector = options?.fieldSelector && renameFields(options.fieldSelector, conversion.fieldNames)
  return {
    ...request,
    resource: conversion.stored,
    ...(options && { options: { ...options, ...(fieldSelector && { fieldSelector }) } }),
  }
}

function renameFields(selector: string, names: Readonly<Record<string, string>>): string {
  return selector
    .split(',')
    .map((term) => {
      const field = /^[^=!]+/.exec(term)?.[0] ?? ''
      return (names[field] ?? field) + term.slice(field.length)
    })
    .join(',')
}

export function convertBatch(conversion: Conversion, batch: SelectedBatch): SelectedBatch {
  return new SelectedBatch(
    batch.events.map(
      ({ type, revision, object }) =>
        new SelectedEvent(type, revision, new ConvertedObject(conversion, object, { key: '', revision })),
    ),
  )
}
