/**
 * What is special about CustomResourceDefinitions themselves: they remember every version that objects were stored in, and
 * are kept by a finalizer until their objects are gone. Upstream:
 * `apiextensions-apiserver/pkg/registry/customresourcedefinition`.
 */
import type { CustomResourceDefinition, CustomResourceDefinitionCondition } from '#api/apiextensions/v1.ts'
import { withCondition } from '#machinery/conditions.ts'
import type { Draft, Strategy } from '../registry/strategy.ts'
import { CLEANUP_FINALIZER } from './definition-cleanup.ts'
import {
  type Definition,
  definitionErrors,
  definitionStatusErrors,
  definitionUpdateErrors,
} from './definition-validation.ts'
import { formatOf } from './formats.ts'
import type { RuleCompiler } from './rule-compiler.ts'
import { type SchemaProps, schemasWithin } from './structural.ts'

export function definitionStrategy(compiler: RuleCompiler): Strategy {
  return {
    countsGeneration: true,
    needsResourceVersion: true,
    prepareForCreate: (definition) => rememberStoredVersion(definition, []),
    prepareForUpdate(definition, old, { subresource }) {
      if (subresource === '') rememberStoredVersion(definition, old.status?.storedVersions ?? [])
    },
    validate: (definition) => definitionErrors(definition as Definition, compiler),
    validateUpdate(definition, old, { subresource }) {
      if (subresource === 'status') return definitionStatusErrors(definition as Definition)
      return definitionUpdateErrors(definition as Definition, old as Definition, compiler)
    },
    warnings(definition, old) {
      const before = new Set(old ? unknownFormats(old as Definition) : [])
      const found = unknownFormats(definition as Definition).filter((format) => !before.has(format))
      return found.map((format) => `unrecognized format ${JSON.stringify(format)}`)
    },
    // The first deletion only marks it.
    blocksDeletion: ({ metadata }) => metadata.deletionTimestamp === undefined,
    beginDeletion(draft) {
      const { metadata, status } = draft as unknown as CustomResourceDefinition
      const finalizers = metadata.finalizers ?? []
      if (!finalizers.includes(CLEANUP_FINALIZER)) metadata.finalizers = [...finalizers, CLEANUP_FINALIZER]
      const condition = {
        type: 'Terminating',
        status: 'True',
        reason: 'InstanceDeletionPending',
        message: 'CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon',
      }
      const conditions = withCondition<CustomResourceDefinitionCondition>(
        status.conditions,
        condition,
        metadata.deletionTimestamp!,
      )
      draft.status = { ...status, conditions }
    },
  }
}

function rememberStoredVersion(definition: Draft, known: readonly string[]) {
  const stored = (definition as Definition).spec.versions.find(({ storage }) => storage)?.name
  const storedVersions = stored === undefined || known.includes(stored) ? known : [...known, stored]
  // Clients rely on there being names.
  const acceptedNames = { plural: '', kind: '' }
  definition.status = { acceptedNames, ...definition.status, storedVersions }
}

function unknownFormats({ spec }: Definition): string[] {
  const schemas = spec.versions.flatMap(({ schema }) => (schema?.openAPIV3Schema as SchemaProps | undefined) ?? [])
  const all = schemas.flatMap(schemasWithin)
  return all.flatMap((one) => (one.format && formatOf(one) === '' ? [one.format as string] : []))
}
