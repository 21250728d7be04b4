/**
 * Declared types from structural schemas of custom resources (upstream: `apiextensions/.../schema/cel/model` and
 * `apiserver/pkg/cel/common.SchemaDeclType`).
 */
import type { DeclaredType } from '#cel/declared-type.ts'
import type { SizeHints } from '#cel/environment.ts'

/** The parts of apiextensions.k8s.io/v1 JSONSchemaProps that matter here, as JSON has them. */
export interface JsonSchema {
  readonly type?: string
  readonly format?: string
  readonly nullable?: boolean
  readonly items?: JsonSchema
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly additionalProperties?: JsonSchema | boolean
  readonly required?: readonly string[]
  readonly enum?: readonly unknown[]
  readonly default?: unknown
  readonly maxLength?: number
  readonly maxItems?: number
  readonly maxProperties?: number
  readonly 'x-kubernetes-int-or-string'?: boolean
  readonly 'x-kubernetes-embedded-resource'?: boolean
  readonly 'x-kubernetes-preserve-unknown-fields'?: boolean
  readonly 'x-kubernetes-list-type'?: string
  readonly 'x-kubernetes-list-map-keys'?: readonly string[]
}

/**
 * undefined where expressions cannot see such data (no type, or only unknown fields). `isResourceRoot` adds apiVersion,
 * kind and metadata.name, which rules on a whole resource always see. Objects are named after `typeName`.
 */
export function declareSchema(
  _schema: JsonSchema,
  _options: { typeName: string; isResourceRoot: boolean },
): DeclaredType | undefined {
  throw new Error('not there yet')
}

/** Size hints for expressions whose variables (`self`, `oldSelf`) all have this type. */
export function sizeHintsOf(_root: DeclaredType): SizeHints {
  throw new Error('not there yet')
}

/** How often data of this type can occur in one request where nothing bounds it. Upstream: `maxCardinality`. */
export function maxCardinality(_type: DeclaredType): number {
  throw new Error('not there yet')
}

/** The name that expressions use for a property, undefined where it cannot be expressed. Upstream: `cel.Escape`. */
export function escapeFieldName(_name: string): string | undefined {
  throw new Error('not there yet')
}
