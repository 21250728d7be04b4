/**
 * A version of a kind, as far as the owners of its fields are concerned. Built-in kinds are derived from their Message
 * (`managedKind`); custom resources describe themselves with `structuralSchema`.
 * Upstream: the TypeConverter, the object converter and the reset fields that a FieldManager is given.
 */
import type { MergeSchema } from './merge-schema.ts'

export type JsonObject = Record<string, unknown>

export interface ManagedKind {
  readonly apiVersion: string
  readonly kind: string
  readonly schema: MergeSchema
  /**
   * What a complete object of the kind comes to before anybody compares it: where the API takes one field for another, or
   * fills one in itself. Not needed for most kinds.
   */
  normalized?(object: JsonObject): JsonObject
  /** The same kind in another version; undefined where that is not served. Managers name fields in versions of their own. */
  version(apiVersion: string): ManagedKind | undefined
  /**
   * An object of this version in another one (that `version` knows). The input is not written to, parts of it may be
   * shared. A promise only where somebody else must be asked.
   */
  convert(object: JsonObject, apiVersion: string): JsonObject | Promise<JsonObject>
}
