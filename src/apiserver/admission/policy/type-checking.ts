/**
 * What is suspicious about a validating policy's expressions, given the types of the resources that it names. The policy
 * works as it is; this is told in its status. Upstream: `plugin/policy/validating.TypeChecker`.
 */
import type { ExpressionWarning, NamedRuleWithOperations, ParamKind } from '#api/admissionregistration/v1.ts'
import type { Resource } from '#api/kind.ts'
import type { DeclaredType } from '#cel/declared-type.ts'
import type { Environment } from '#cel/environment.ts'
import { CelCompileError } from '#cel/errors.ts'
import { DYN, type Type } from '#cel/types.ts'
import { ComposedTypes, createAdmissionEnvironment } from '../../cel/admission-environment.ts'
import { declareMessage } from '../../cel/message-types.ts'
import { declareSchema, type JsonSchema } from '../../cel/structural-types.ts'
import type { Stored } from '../../registry/strategy.ts'

/** Types that one rule may have checked. */
const MAX_TYPES = 10

/** `resources` is everything that is served. */
export function typeCheck(policy: Stored, resources: readonly Resource[], base: Environment): ExpressionWarning[] {
  const { spec } = policy
  const types = typesToCheck(spec.matchConstraints?.resourceRules ?? [], resources)
  const paramKind = spec.paramKind as ParamKind | undefined
  const params = resources.find(
    ({ apiVersion, kind }) => apiVersion === paramKind?.apiVersion && kind === paramKind?.kind,
  )
  const checkers = types.flatMap((resource) => {
    const objectType = declaredType(resource)
    const paramsType = params && declaredType(params)
    if (!objectType) return []
    return [checkerFor(resource, { spec, base, objectType, paramsType, hasParams: paramKind !== undefined })]
  })
  const warnings: ExpressionWarning[] = []
  const check = (fieldRef: string, source: string) => {
    const found = checkers.map((problemOf) => problemOf(source)).filter((text) => text !== undefined)
    if (found.length > 0) warnings.push({ fieldRef, warning: found.join('\n') })
  }
  for (const [i, { expression, messageExpression }] of (spec.validations ?? []).entries()) {
    check(`spec.validations[${i}].expression`, expression)
    if (messageExpression) check(`spec.validations[${i}].messageExpression`, messageExpression)
  }
  return warnings
}

interface Checked {
  spec: Stored['spec']
  base: Environment
  objectType: DeclaredType
  paramsType: DeclaredType | undefined
  hasParams: boolean
}

/** Tells what is wrong with an expression about objects of this resource. */
function checkerFor(resource: Resource, { spec, base, objectType, paramsType, hasParams }: Checked) {
  const composed = new ComposedTypes()
  const environment = createAdmissionEnvironment(base, {
    hasParams,
    hasAuthorizer: true,
    objectType,
    ...(paramsType && { paramsType }),
    composed,
  })
  const compile = (source: string): Type | CelCompileError => {
    try {
      return environment.compile(source).resultType
    } catch (err) {
      if (err instanceof CelCompileError) return err
      throw err
    }
  }
  for (const { name, expression } of spec.variables ?? []) {
    const found = compile(expression)
    composed.add(name, found instanceof CelCompileError ? DYN : found)
  }
  const { group, version, kind } = resource
  return (source: string): string | undefined => {
    const found = compile(source)
    return found instanceof CelCompileError ? `${group}/${version}, Kind=${kind}: ${found.message}\n` : undefined
  }
}

function declaredType({ type, kind }: Resource): DeclaredType | undefined {
  if (!type.schema) return declareMessage(type)
  return declareSchema(type.schema.source as JsonSchema, { typeName: kind, isResourceRoot: true })
}

/** Resources that rules name outright: patterns say too little of types. */
function typesToCheck(rules: readonly NamedRuleWithOperations[], resources: readonly Resource[]): Resource[] {
  const found = new Set<Resource>()
  for (const { apiGroups = [], apiVersions = [], resources: plurals = [] } of rules) {
    if ([...apiGroups, ...apiVersions].some((name) => name.includes('*'))) continue
    const named = resources.filter(
      ({ group, version, plural }) =>
        apiGroups.includes(group) && apiVersions.includes(version) && plurals.includes(plural),
    )
    for (const resource of named.toSorted(byPlace).slice(0, MAX_TYPES)) found.add(resource)
    if (named.length >= MAX_TYPES) break
  }
  return [...found].toSorted(byPlace)
}

const order = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)
const byPlace = (a: Resource, b: Resource) =>
  order(a.group, b.group) || order(a.version, b.version) || order(a.kind, b.kind)
