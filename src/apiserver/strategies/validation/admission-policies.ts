/** Admission policies and their bindings. Upstream: `pkg/apis/admissionregistration/validation`. */
import { dns1035Label, dnsSubdomain, pathSegment, qualifiedName } from '#machinery/names.ts'
import type { Stored } from '../../registry/strategy.ts'
import {
  type Check,
  evenAbsent,
  fields,
  first,
  oneOf,
  type Path,
  type PolicyCompiler,
  type Problems,
  required,
  SPEC,
  STATUS,
  strictlyNamed,
} from './check.ts'
import { checkConditions } from './meta-conditions.ts'
import type { Rules } from './rules.ts'
import { labelSelector } from './selectors.ts'
import { failurePolicy, matchConditionsOf, matchResources, reinvocationPolicy } from './webhooks.ts'

type Spec = Record<string, any>

const blank = (text: string | undefined) => (text ?? '').trim() === ''

const paramKind: Check = ({ apiVersion = '', kind = '' }: Spec, at, to) => {
  const place = at.at('apiVersion')
  const parts = apiVersion.split('/')
  const [group, version] = parts.length === 1 ? ['', apiVersion] : parts
  if (!apiVersion) to.required(place)
  else if (parts.length > 2) to.invalid(place, apiVersion, `unexpected GroupVersion string: ${apiVersion}`)
  else {
    const groupWhys = group ? dnsSubdomain(group) : []
    if (groupWhys.length > 0) to.invalid(place, group, groupWhys.join(','))
    const whys = version ? dns1035Label(version) : []
    if (!version) to.invalid(place, apiVersion, 'version must be specified')
    else if (whys.length > 0) to.invalid(place, version, whys.join(','))
  }
  const kindWhys = dns1035Label(kind.toLowerCase())
  if (!kind) to.required(at.at('kind'))
  else if (kindWhys.length > 0) {
    to.invalid(at.at('kind'), kind, `may have mixed case, but should otherwise match: ${kindWhys.join(',')}`)
  }
}

const CEL_NAME = /^[_a-zA-Z][_a-zA-Z0-9]*$/
const CEL_RESERVED = new Set(
  'true false null in as break const continue else for function if import let loop package namespace return var void while'.split(
    ' ',
  ),
)

function checkVariable({ name = '', expression }: Spec, why: string | undefined, at: Path, to: Problems) {
  if (blank(name)) to.required(at.at('name'), 'name is not specified')
  else if (!CEL_NAME.test(name) || CEL_RESERVED.has(name)) {
    to.invalid(at.at('name'), name, 'must be a valid CEL identifier')
  }
  if (blank(expression)) to.required(at.at('expression'), 'expression is not specified')
  else if (why) to.invalid(at.at('expression'), expression, why)
}

const reason = oneOf('Forbidden', 'Invalid', 'RequestEntityTooLarge')

function checkValidation(value: Spec, compiler: PolicyCompiler | undefined, at: Path, to: Problems) {
  const { expression, messageExpression, message, reason: code } = value
  if (blank(expression)) to.required(at.at('expression'), 'expression is not specified')
  else judge(expression, compiler?.validation(expression), at.at('expression'), to)
  if (messageExpression && blank(messageExpression)) {
    to.invalid(at.at('messageExpression'), messageExpression, 'must be non-empty if specified')
  } else if (messageExpression) {
    judge(messageExpression, compiler?.message(messageExpression), at.at('messageExpression'), to)
  }
  if (message && blank(message)) to.invalid(at.at('message'), message, 'must be non-empty if specified')
  else if (message && /[\n\r]/.test(message.trim())) {
    to.invalid(at.at('message'), message, 'must not contain line breaks')
  }
  if (code !== undefined) reason(code, at.at('reason'), to)
}

/** `why` is what the compiler says. */
function judge(source: string, why: string | undefined, at: Path, to: Problems) {
  if (why) to.invalid(at, source, why)
}

const MAX_ANNOTATIONS = 20
const MAX_EXPRESSION = 5 * 1024

function checkAuditAnnotations(
  list: readonly Spec[],
  policy: string,
  compiler: PolicyCompiler | undefined,
  at: Path,
  to: Problems,
) {
  if (list.length > MAX_ANNOTATIONS) {
    to.invalid(at, list, `must not have more than ${MAX_ANNOTATIONS} auditAnnotations`)
  }
  const keys = new Set<string>()
  list.forEach(({ key = '', valueExpression = '' }, i) => {
    const place = at.index(i)
    const name = `${policy}/${key}`
    to.each(place.at('key'), name, qualifiedName(name))
    if (blank(valueExpression)) to.required(place.at('valueExpression'), 'valueExpression is not specified')
    else if (valueExpression.trim().length > MAX_EXPRESSION) {
      to.required(place.at('valueExpression'), `must not exceed ${MAX_EXPRESSION} bytes in length`)
    } else judge(valueExpression, compiler?.annotation(valueExpression.trim()), place.at('valueExpression'), to)
    if (keys.has(key)) to.duplicate(place.at('key'), key)
    keys.add(key)
  })
}

const beforeContent = fields({
  failurePolicy: first(required, failurePolicy),
  paramKind,
  matchConstraints: evenAbsent((constraints: Spec | undefined, at, to) => {
    if (!constraints) return to.required(at)
    matchResources(constraints, at, to)
    if (!constraints.resourceRules) to.required(at.at('resourceRules'))
  }),
})

/** What both sorts of policies have; the answer compiles what is particular to one. */
function checkPolicy(spec: Spec, to: Problems): PolicyCompiler | undefined {
  const hasParams = spec.paramKind !== undefined
  const variables = (spec.variables ?? []) as { name: string; expression: string }[]
  const compiler = to.expressions?.policy({ hasParams, variables })
  beforeContent(spec, SPEC, to)
  fields({ matchConditions: matchConditionsOf(hasParams) })(spec, SPEC, to)
  variables.forEach((one, i) => checkVariable(one, compiler?.variable(i), SPEC.at('variables').index(i), to))
  return compiler
}

export const validatingPolicyRules: Rules = {
  valid: ({ metadata, spec }: Stored, _at, to) => {
    const compiler = checkPolicy(spec, to)
    const { validations = [], auditAnnotations = [] } = spec as Spec
    if (validations.length === 0 && auditAnnotations.length === 0) {
      for (const field of ['validations', 'auditAnnotations']) {
        to.required(SPEC.at(field), 'validations or auditAnnotations must contain at least one item')
      }
    }
    validations.forEach((one: Spec, i: number) => checkValidation(one, compiler, SPEC.at('validations').index(i), to))
    checkAuditAnnotations(auditAnnotations, metadata.name, compiler, SPEC.at('auditAnnotations'), to)
  },
  subresources: {
    status({ status = {} }, _old, to) {
      const warningsAt = STATUS.at('typeChecking', 'expressionWarnings')
      ;((status.typeChecking?.expressionWarnings ?? []) as Spec[]).forEach(({ warning, fieldRef }, i) => {
        if (!warning) to.required(warningsAt.index(i).at('warning'))
        if (blank(fieldRef)) to.required(warningsAt.index(i).at('fieldRef'))
      })
      checkConditions(status.conditions ?? [], STATUS.at('conditions'), to)
    },
  },
}

const MUTATING = ['*', 'CONNECT', 'CREATE', 'UPDATE']

/** What is being deleted cannot be changed. */
function checkMutatingOperations(constraints: Spec | undefined, at: Path, to: Problems) {
  for (const { operations = [] } of constraints?.resourceRules ?? []) {
    for (const operation of operations) {
      if (!MUTATING.includes(operation)) to.unsupported(at.at('resourceRules', 'operations'), operation, MUTATING)
    }
  }
}

/** By the type of a patch: the field that says what it does, and the one that must be absent. */
const patches: ReadonlyMap<string, readonly [string, string]> = new Map([
  ['ApplyConfiguration', ['applyConfiguration', 'jsonPatch']],
  ['JSONPatch', ['jsonPatch', 'applyConfiguration']],
])

function checkMutation(value: Spec, compiler: PolicyCompiler | undefined, at: Path, to: Problems) {
  const { patchType } = value
  if (!patchType) return to.required(at.at('patchType'))
  const [wanted, other] = patches.get(patchType) ?? []
  if (!wanted) return to.unsupported(at.at('patchType'), patchType, [...patches.keys()])
  const source: string = (value[wanted]?.expression ?? '').trim()
  const compile = patchType === 'JSONPatch' ? compiler?.jsonPatch : compiler?.applyConfiguration
  if (!value[wanted]) to.required(at.at(wanted), `must be specified when patchType is ${patchType}`)
  else if (!source) to.required(at.at(wanted, 'expression'))
  else judge(source, compile?.(source), at.at(wanted, 'expression'), to)
  if (value[other!]) to.invalid(at.at(other!), `{${other}}`, `must not be specified when patchType is ${patchType}`)
}

export const mutatingPolicyRules: Rules = {
  valid: ({ spec }: Stored, _at, to) => {
    const compiler = checkPolicy(spec, to)
    checkMutatingOperations(spec.matchConstraints, SPEC.at('matchConstraints'), to)
    const mutations: Spec[] = spec.mutations ?? []
    if (mutations.length === 0) to.required(SPEC.at('mutations'), 'mutations must contain at least one item')
    mutations.forEach((one, i) => checkMutation(one, compiler, SPEC.at('mutations').index(i), to))
    first(required, reinvocationPolicy)(spec.reinvocationPolicy, SPEC.at('reinvocationPolicy'), to)
  },
}

const paramRef: Check = ({ name = '', selector, parameterNotFoundAction: action }: Spec, at, to) => {
  const EXCLUSIVE = 'name and selector are mutually exclusive'
  if (name) {
    to.each(at.at('name'), name, pathSegment(name))
    if (selector) to.forbidden(at.at('name'), EXCLUSIVE)
  }
  if (selector) {
    labelSelector(selector, at.at('selector'), to)
    if (name) to.forbidden(at.at('selector'), EXCLUSIVE)
  }
  if (!name && !selector) to.required(at, 'one of name or selector must be specified')
  if (!action) to.required(at.at('parameterNotFoundAction'))
  else oneOf('Deny', 'Allow')(action, at.at('parameterNotFoundAction'), to)
}

const actions: Check = evenAbsent((list: readonly string[] = [], at, to) => {
  const seen = new Set<string>()
  list.forEach((action, i) => {
    oneOf('Audit', 'Deny', 'Warn')(action, at.index(i), to)
    if (seen.has(action)) to.duplicate(at.index(i), action)
    seen.add(action)
  })
  if (seen.has('Deny') && seen.has('Warn')) {
    const why =
      'must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)'
    to.invalid(at, list, why)
  }
  if (list.length === 0) to.required(at, 'at least one validation action is required')
})

const binding = fields({
  policyName: first(required, strictlyNamed(dnsSubdomain)),
  paramRef,
  matchResources,
})

export const validatingBindingRules: Rules = {
  valid: ({ spec }: Stored, _at, to) => {
    binding(spec, SPEC, to)
    fields({ validationActions: actions })(spec, SPEC, to)
  },
}

export const mutatingBindingRules: Rules = {
  valid: ({ spec }: Stored, _at, to) => {
    binding(spec, SPEC, to)
    checkMutatingOperations(spec.matchResources, SPEC.at('matchResources'), to)
  },
}
