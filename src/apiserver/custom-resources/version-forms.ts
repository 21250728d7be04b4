/**
 * From what is stored to any version of a custom resource and back. What is stored is completed by the schema of the
 * version that it is stored in, then converted, then pruned by the schema of the version that is wanted. Objects are
 * stored in the storage version, but those written while another version was may still be around.
 * Upstream: `crdConversionRESTOptionsGetter` of `apiextensions-apiserver/pkg/apiserver`.
 */
import type { KubeObject } from '#api/kind.ts'
import { StatusError } from '#machinery/status-error.ts'
import type { Structural } from './structural.ts'
import { takeIn } from './take-in.ts'

/** Brings objects of one resource from their versions, any of them, to another one. */
export interface Converter {
  /**
   * As many objects as it is given, each of `apiVersion`. Inputs are not changed, parts of them may be shared. A promise
   * only where somebody else must be asked. Throws StatusError, or rejects with one.
   */
  convert(objects: readonly KubeObject[], apiVersion: string): KubeObject[] | Promise<KubeObject[]>
  /** Whether `convert` may answer with a promise. */
  readonly isAsynchronous: boolean
}

/** Nothing but the version is another one. */
export const sameFields: Converter = {
  isAsynchronous: false,
  convert: (objects, apiVersion) => objects.map((object) => ({ ...object, apiVersion })),
}

export class VersionForms {
  readonly group: string
  /** `apiVersion` of what is written. */
  readonly storageVersion: string
  readonly converter: Converter
  /** By name of the version: `v1`. */
  readonly #schemas: ReadonlyMap<string, Structural>

  constructor(group: string, storageVersion: string, schemas: ReadonlyMap<string, Structural>, converter: Converter) {
    this.group = group
    this.storageVersion = `${group}/${storageVersion}`
    this.#schemas = schemas
    this.converter = converter
  }

  schema(version: string): Structural | undefined {
    return this.#schemas.get(version)
  }

  /** A stored object, complete, in the version that it is stored in. */
  complete(stored: KubeObject): KubeObject {
    const object = this.#takeIn(stored, true)
    // Objects from before generations were counted are of the first one.
    const metadata = object.metadata as KubeObject['metadata'] & { generation?: number }
    metadata.generation ||= 1
    return object
  }

  /** Stored objects in a version. Throws StatusError, or rejects with one. */
  read(stored: readonly KubeObject[], apiVersion: string): KubeObject[] | Promise<KubeObject[]> {
    const complete = stored.map((object) => this.complete(object))
    const others = complete.filter((object) => object.apiVersion !== apiVersion)
    if (others.length === 0) return complete
    const merge = (converted: readonly KubeObject[]) => {
      let next = 0
      return complete.map((object) =>
        object.apiVersion === apiVersion ? object : this.#takeIn(converted[next++]!, false),
      )
    }
    const converted = this.converter.convert(others, apiVersion)
    return converted instanceof Promise ? converted.then(merge) : merge(converted)
  }

  /** An object of a version as it is to be stored. Throws StatusError, or rejects with one. */
  write(object: KubeObject): KubeObject | Promise<KubeObject> {
    if (object.apiVersion === this.storageVersion) {
      // Metadata has been taken in before, and its managers are known again by their identity. What is frozen is complete.
      const { metadata, ...others } = object
      return { ...this.#takeIn(others as KubeObject, true, others), metadata }
    }
    const converted = this.converter.convert([object], this.storageVersion)
    const finish = ([one]: readonly KubeObject[]) => this.#takeIn(one!, false)
    return converted instanceof Promise ? converted.then(finish) : finish(converted)
  }

  #takeIn(object: KubeObject, withDefaults: boolean, known?: Readonly<Record<string, unknown>>): KubeObject {
    const schema = this.#schemas.get(object.apiVersion.slice(object.apiVersion.indexOf('/') + 1))
    if (!schema || !object.apiVersion.startsWith(`${this.group}/`)) {
      const why = `request to convert CR from an invalid group/version: ${object.apiVersion}`
      throw new StatusError('InternalError', why)
    }
    const options = { withDefaults, dropsMalformed: true, known }
    return takeIn(schema, object as unknown as Record<string, unknown>, options).object as unknown as KubeObject
  }
}
