/**
 * What the status of a CustomResourceDefinition should be: which of its names nobody else has, and so whether it can be
 * served. Pure. Upstream: the controllers `status`, `establish`, `nonstructuralschema` and `apiapproval` of
 * `apiextensions-apiserver/pkg/controller`.
 */
import type {
  CustomResourceDefinition,
  CustomResourceDefinitionCondition,
  CustomResourceDefinitionNames,
} from '#api/apiextensions/v1.ts'
import { jsonEqual } from '#base/equal.ts'
import { conditionOf, isConditionTrue, withCondition, withoutCondition } from '#machinery/conditions.ts'
import { approvalOf } from './api-approval.ts'
import { aggregate } from './field-errors.ts'
import { bundleProblem } from './certificate-bundle.ts'
import { structuralErrors } from './structural-rules.ts'
import { isSchema, type SchemaProps, unreadable } from './structural.ts'

type Status = CustomResourceDefinition['status']
type Condition = Omit<CustomResourceDefinitionCondition, 'lastTransitionTime'>

/** The same status where nothing has changed. `others` are the other definitions of the group; `nowTime` is RFC 3339. */
export function plannedStatus(
  definition: CustomResourceDefinition,
  others: readonly CustomResourceDefinition[],
  nowTime: string,
): Status {
  const { status } = definition
  let conditions: readonly CustomResourceDefinitionCondition[] = status.conditions ?? []
  const set = (condition: Condition) => {
    const before = conditionOf(conditions, condition.type)
    if (before && isSame(before, condition)) return
    conditions = withCondition(conditions, condition, nowTime)
  }
  const approval = approvalCondition(definition)
  if (approval) set(approval)
  const nonStructural = nonStructuralCondition(definition)
  if (nonStructural) set(nonStructural)
  else if (conditionOf(conditions, 'NonStructuralSchema'))
    conditions = withoutCondition(conditions, 'NonStructuralSchema')

  const { names, problem } = acceptedNames(definition, others)
  set(
    problem
      ? { type: 'NamesAccepted', status: 'False', ...problem }
      : { type: 'NamesAccepted', status: 'True', reason: 'NoConflicts', message: 'no conflicts found' },
  )
  if (!isConditionTrue(conditions, 'Established')) set(establishedCondition(definition, problem === undefined))
  const isUnchanged = conditions === (status.conditions ?? []) || jsonEqual(conditions, status.conditions)
  if (isUnchanged && jsonEqual(names, status.acceptedNames)) return status
  return { ...status, acceptedNames: names, conditions: [...conditions] }
}

const isSame = (a: Condition, b: Condition) =>
  a.status === b.status && a.reason === b.reason && (a.message ?? '') === (b.message ?? '')

function establishedCondition({ spec }: CustomResourceDefinition, areNamesAccepted: boolean): Condition {
  const type = 'Established'
  if (!areNamesAccepted) {
    return { type, status: 'False', reason: 'NotAccepted', message: 'not all names are accepted' }
  }
  const bundle = spec.conversion?.webhook?.clientConfig?.caBundle
  if (bundle && bundleProblem(bundle) !== undefined) {
    const message = 'The conversion webhook CABundle is invalid'
    return { type, status: 'False', reason: 'InvalidCABundle', message }
  }
  const message = 'the initial names have been accepted'
  return { type, status: 'True', reason: 'InitialNamesAccepted', message }
}

interface Acceptance {
  names: CustomResourceDefinitionNames
  /** Of the last name that is not accepted. */
  problem: { reason: string; message: string } | undefined
}

/** A name that somebody else has is not accepted; the definition keeps the one that it has had before. */
function acceptedNames(
  { spec, status }: CustomResourceDefinition,
  others: readonly CustomResourceDefinition[],
): Acceptance {
  const asked = spec.names
  const names: CustomResourceDefinitionNames = { ...status.acceptedNames }
  const taken = { resources: new Set<string>(), kinds: new Set<string>() }
  for (const { acceptedNames: theirs } of others.map((other) => other.status)) {
    for (const name of [theirs.plural, theirs.singular, ...(theirs.shortNames ?? [])]) taken.resources.add(name ?? '')
    for (const name of [theirs.kind, theirs.listKind]) taken.kinds.add(name ?? '')
  }
  let problem: Acceptance['problem']
  const isTaken = (name: string, own: string | undefined, by: ReadonlySet<string>) => name !== own && by.has(name)
  const inUse = (name: string) => `${JSON.stringify(name)} is already in use`
  const accept = (field: 'plural' | 'singular' | 'kind' | 'listKind', by: ReadonlySet<string>, reason: string) => {
    const name = asked[field] ?? ''
    if (isTaken(name, names[field], by)) problem = { reason, message: inUse(name) }
    else names[field] = name
  }
  accept('plural', taken.resources, 'PluralConflict')
  accept('singular', taken.resources, 'SingularConflict')
  const own = new Set(names.shortNames)
  const refused = (asked.shortNames ?? []).filter((name) => !own.has(name) && taken.resources.has(name))
  if (refused.length > 0) {
    const texts = [...new Set(refused.map(inUse))]
    problem = { reason: 'ShortNamesConflict', message: texts.length === 1 ? texts[0]! : `[${texts.join(', ')}]` }
  } else if (asked.shortNames) names.shortNames = asked.shortNames
  else delete names.shortNames
  accept('kind', taken.kinds, 'KindConflict')
  accept('listKind', taken.kinds, 'ListKindConflict')
  if (asked.categories) names.categories = asked.categories
  else delete names.categories
  return { names, problem }
}

function approvalCondition({ metadata, spec }: CustomResourceDefinition): Condition | undefined {
  const approval = approvalOf(spec.group, metadata.annotations)
  if (!approval) return undefined
  const reasons = {
    Invalid: 'InvalidAnnotation',
    Missing: 'MissingAnnotation',
    Approved: 'ApprovedAnnotation',
    Bypassed: 'UnapprovedAnnotation',
  }
  return {
    type: 'KubernetesAPIApprovalPolicyConformant',
    status: approval.state === 'Approved' ? 'True' : 'False',
    reason: reasons[approval.state],
    message: approval.message,
  }
}

/** Only definitions that were stored long ago can have such schemas. */
function nonStructuralCondition({ spec }: CustomResourceDefinition): Condition | undefined {
  const type = 'NonStructuralSchema'
  const errors = spec.preserveUnknownFields
    ? [
        {
          type: 'Invalid' as const,
          field: 'spec.preserveUnknownFields',
          message: 'Invalid value: true: must be false',
        },
      ]
    : []
  for (const [i, version] of spec.versions.entries()) {
    const schema = version.schema?.openAPIV3Schema as SchemaProps | undefined
    if (!isSchema(schema)) continue
    const why = unreadable(schema)
    if (why !== undefined) {
      const message = `failed to check validation schema for version ${version.name}: ${why}`
      return { type, status: 'Unknown', reason: 'StructuralError', message }
    }
    errors.push(...(structuralErrors(schema, `spec.versions[${i}].schema.openAPIV3Schema`) as typeof errors))
  }
  return errors.length === 0 ? undefined : { type, status: 'True', reason: 'Violations', message: aggregate(errors) }
}
