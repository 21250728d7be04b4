/**
 * What is special about CustomResourceDefinitions themselves: they remember every version that objects were stored in, and
 * are kept by a finalizer until their objects are gone. Upstream:
 * `apiextensions-apiserver/pkg/registry/customresourcedefinition`.
 */
import type { CustomResourceDefinition, CustomResourceDefinitionCondition } from '#api/apiextensions/v1.ts'
import { withCondition } from '#machinery/conditions.ts'
import type { Strategy } from '../registry/strategy.ts'
import { CLEANUP_FINALIZER } from './definition-cleanup.ts'

/** `base` says the rest. */
export function definitionStrategy(base: Strategy): Strategy {
  return {
    ...base,
    needsResourceVersion: true,
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
