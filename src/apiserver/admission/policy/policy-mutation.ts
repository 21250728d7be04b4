/**
 * One mutation of a mutating policy: an expression that makes a configuration to be applied or a JSON patch, and its
 * application. Upstream: `plugin/policy/mutating/patch`.
 */
import type { Mutation } from '#api/admissionregistration/v1.ts'
import type { Resource } from '#api/kind.ts'
import type { Message } from '#api/schema.ts'
import { copyJson } from '#base/json.ts'
import type { Value } from '#cel/values.ts'
import { internalError, StatusError } from '#machinery/status-error.ts'
import type { Api } from '../../api.ts'
import { builtInKind } from '../../apply/built-in-kind.ts'
import type { JsonObject, ManagedKind } from '../../apply/managed-kind.ts'
import { merge } from '../../apply/merge.ts'
import type { MergeSchema } from '../../apply/merge-schema.ts'
import { validationError } from '../../apply/validate.ts'
import { RUNTIME_COST_BUDGET } from '../../cel/base-environment.ts'
import {
  APPLY_CONFIGURATION_TYPE,
  applyConfigurationOf,
  JSON_PATCH_TYPE,
  jsonPatchOf,
} from '../../cel/mutation-types.ts'
import { decodeObject } from '../../decode-object.ts'
import { applyJsonPatch, JsonPatchError, JsonPatchTestFailed } from '../../patch/json-patch.ts'
import type { Draft, Stored } from '../../registry/strategy.ts'
import type { AdmissionRequest } from '../admission.ts'
import { type Expression, OutOfBudget } from '../expressions/expression.ts'
import { kindIn, typeIn } from '../matching/forms.ts'
import type { PolicyExpressions, PolicyInput } from './policy-expressions.ts'

/** The mutation can't be carried out; the policy's failure policy decides what that means. */
export class MutationError extends Error {
  override readonly name = 'MutationError'
}

export class PolicyMutation {
  readonly #expressions: PolicyExpressions
  readonly #isPatch: boolean
  readonly #expression: Expression

  constructor({ patchType, applyConfiguration, jsonPatch }: Mutation, expressions: PolicyExpressions) {
    this.#expressions = expressions
    this.#isPatch = patchType === 'JSONPatch'
    const source = (this.#isPatch ? jsonPatch?.expression : applyConfiguration?.expression) ?? ''
    const types = [this.#isPatch ? JSON_PATCH_TYPE : APPLY_CONFIGURATION_TYPE]
    this.#expression = expressions.compile(source, types, { hasPatchTypes: true })
  }

  /**
   * The object as it becomes, in the input's form and still to be completed. Throws MutationError, ServiceUnavailable for
   * a kind of which nobody knows how it merges.
   */
  apply(api: Api, input: PolicyInput): { object: unknown; isStrict: boolean } {
    const { request, form } = input
    const current = input.object!
    const kind = mergeKind(api, request, form)
    const { program, problem } = this.#expression
    if (!program) throw new MutationError(problem)
    const value = this.#evaluate(input)
    if (this.#isPatch) {
      const patch = jsonPatchOf(value)
      if (patch.error) throw new MutationError(patch.error.message)
      return { object: patched(current, patch.operations), isStrict: true }
    }
    const configuration = applyConfigurationOf(value)
    if (configuration.error) throw new MutationError(`type mismatch: ${configuration.error.message}`)
    return { object: applied(kind, current, configuration.json), isStrict: false }
  }

  #evaluate(input: PolicyInput): Value {
    try {
      const outcome = this.#expressions.evaluation(input, RUNTIME_COST_BUDGET).evaluate(this.#expression)
      if (outcome.error !== undefined) throw new MutationError(outcome.error)
      return outcome.value
    } catch (err) {
      throw err instanceof OutOfBudget ? new MutationError(err.message, { cause: err }) : err
    }
  }
}

/** How the request's objects merge in this form. Throws ServiceUnavailable. */
function mergeKind(api: Api, request: AdmissionRequest, form: Resource): ManagedKind {
  const type = typeIn(request, form)
  const custom = type === form.type ? api.entry(form).managed : undefined
  if (custom) return custom
  // What subresources are connected with is no object that anybody merges.
  if ('metadata' in type.fields) return builtInKind(type)
  const { group, version, kind } = kindIn(request, form)
  throw new StatusError(
    'ServiceUnavailable',
    `Resource kind ${group}/${version}, Kind=${kind} not found. There can be a delay between when CustomResourceDefinitions are created and when they are available.`,
  )
}

function patched(current: Stored, operations: readonly unknown[]): unknown {
  try {
    return applyJsonPatch(current, operations)
  } catch (err) {
    if (!(err instanceof JsonPatchError)) throw err
    // A patch that finds that it is meant for another object does nothing.
    if (err instanceof JsonPatchTestFailed) return copyJson(current)
    throw new MutationError(`JSON Patch: ${err.message}`, { cause: err })
  }
}

function applied({ schema }: ManagedKind, current: Stored, configuration: JsonObject): unknown {
  const { apiVersion, kind } = current
  const patch: JsonObject = { ...configuration, apiVersion, kind }
  const failed = (why: string) => new MutationError(`error applying patch: ${why}`)
  const problem = validationError(schema, patch, { allowDuplicates: false })
  if (problem) throw failed(`failed to convert patch object to typed object: ${problem}`)
  const atomics = atomicsIn(schema, patch, '')
  if (atomics.length > 0) {
    const why = `may not mutate atomic arrays, maps or structs: ${atomics.join(', ')}`
    throw failed(`invalid ApplyConfiguration: ${why}`)
  }
  return merge(schema, current, patch)
}

/** Where the configuration would replace as a whole what it means to change a part of. */
function atomicsIn({ map, list }: MergeSchema, value: unknown, path: string): string[] {
  if (Array.isArray(value)) {
    const own = list?.relationship === 'atomic' ? [path] : []
    const within = list ? value.flatMap((item, i) => atomicsIn(list.element, item, `${path}[${i}]`)) : []
    return [...own, ...within]
  }
  if (typeof value !== 'object' || value === null || !map) return []
  const own = map.isAtomic ? [path] : []
  const within = Object.entries(value).flatMap(([name, member]) => {
    const field = map.fields.get(name)?.schema ?? map.element
    return field ? atomicsIn(field, member, `${path}.${name}`) : []
  })
  return [...own, ...within]
}

/**
 * Decodes what a mutation has made and fills in its defaults. What built-in types do not know is refused where `isStrict`;
 * of custom resources it is dropped. Throws InternalError.
 */
export function completeMutated(isStrict: boolean): (type: Message, object: unknown) => Draft {
  const nobody = { user: { name: '', groups: [] }, warnings: [] }
  return (type, object) => {
    const fieldValidation = isStrict && !type.schema ? 'Strict' : 'Ignore'
    const draft = decodeObject(nobody, { options: { fieldValidation } }, type, object, (why, cause) =>
      internalError(why, cause),
    )
    if (!('metadata' in type.fields)) delete (draft as Partial<Draft>).metadata
    return draft
  }
}
