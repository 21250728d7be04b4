/**
 * `authorizer` in expressions: `authorizer.group('apps').resource('deployments').namespace('x').check('create').allowed()`
 * (upstream: `apiserver/pkg/cel/library.Authz` and `AuthzSelectors`). Each call adds to what will be asked; `check` asks.
 */
import { EvaluationError } from '#cel/errors.ts'
import { declareFunction, memberOverload } from '#cel/library.ts'
import type { FunctionDeclaration, Implementation, Library } from '#cel/library.ts'
import { BOOL, STRING, objectType } from '#cel/types.ts'
import type { Type } from '#cel/types.ts'
import { Opaque } from '#cel/values.ts'
import type { Result } from '#cel/values.ts'
import { parseFieldSelector } from '#machinery/fields.ts'
import { SelectorError } from '#machinery/labels.ts'
import { dnsLabel, dnsSubdomain } from '#machinery/names.ts'
import { parseLabelSelector } from '#machinery/selector-syntax.ts'
import { serviceAccountUser } from '../user.ts'
import type { Attributes, Authorizer, Decision, User } from '../user.ts'

export const AUTHORIZER_TYPE = objectType('kubernetes.authorization.Authorizer')
export const RESOURCE_CHECK_TYPE = objectType('kubernetes.authorization.ResourceCheck')
const PATH_CHECK_TYPE = objectType('kubernetes.authorization.PathCheck')
const GROUP_CHECK_TYPE = objectType('kubernetes.authorization.GroupCheck')
const DECISION_TYPE = objectType('kubernetes.authorization.Decision')

const failure = (message: string): EvaluationError => new EvaluationError('function', message)
const NO_SUCH_OVERLOAD = new EvaluationError('noSuchOverload', 'no such overload')

/** What expressions hold while they put a question together. */
class Asked<T> extends Opaque {
  readonly type: Type
  readonly data: T

  constructor(type: Type, data: T) {
    super()
    this.type = type
    this.data = data
  }

  /** They are made to be asked, not to be compared. */
  equals(): EvaluationError {
    return NO_SUCH_OVERLOAD
  }
}

interface Asker {
  readonly user: User
  readonly authorizer: Authorizer
}
type PathCheck = Asker & { readonly path: string }
type GroupCheck = Asker & { readonly group: string }
interface ResourceCheck extends GroupCheck {
  readonly resource: string
  readonly subresource: string
  readonly namespace: string
  readonly name: string
  readonly fieldSelector: string
  readonly labelSelector: string
}

const ask = (asker: Asker) => new Asked<Asker>(AUTHORIZER_TYPE, asker)
const resourceCheck = (data: ResourceCheck) => new Asked(RESOURCE_CHECK_TYPE, data)
const UNSPECIFIC = { subresource: '', namespace: '', name: '', fieldSelector: '', labelSelector: '' }
const NO_RESOURCE = { group: '', version: '', resource: '', subresource: '', namespace: '', name: '' }

function serviceAccount({ data }: Asked<Asker>, namespace: string, name: string): Result {
  if (dnsSubdomain(name).length > 0) return failure('Invalid service account name')
  if (dnsLabel(namespace).length > 0) return failure('Invalid service account namespace')
  return ask({ ...data, user: serviceAccountUser(namespace, name) })
}

function checkPath({ data }: Asked<PathCheck>, verb: string): Result {
  const { user, authorizer, path } = data
  return new Asked(DECISION_TYPE, authorizer.authorize({ ...NO_RESOURCE, user, verb, path }))
}

function checkResource({ data }: Asked<ResourceCheck>, verb: string): Result {
  const { authorizer, fieldSelector, labelSelector, ...attributes } = data
  const decision = authorizer.authorize({
    ...attributes,
    version: '*',
    verb,
    fieldSelector: requirementsOf(fieldSelector, parseFieldSelector),
    labelSelector: requirementsOf(labelSelector, parseLabelSelector),
  })
  return new Asked(DECISION_TYPE, decision)
}

/** A selector that can't be parsed restricts nothing. */
function requirementsOf<R>(
  text: string,
  parse: (text: string) => { readonly requirements: readonly R[] },
): readonly R[] | undefined {
  if (text === '') return undefined
  try {
    return parse(text).requirements
  } catch (error) {
    if (error instanceof SelectorError) return undefined
    throw error
  }
}

/** `resource.name(text)`: a check of one more detail. */
const detail = (name: keyof typeof UNSPECIFIC, id = `resourcecheck_${name}`): FunctionDeclaration =>
  declareFunction(
    name,
    memberOverload(
      id,
      [RESOURCE_CHECK_TYPE, STRING],
      RESOURCE_CHECK_TYPE,
      ({ data }: Asked<ResourceCheck>, text: string) => resourceCheck({ ...data, [name]: text }),
    ),
  )

const outcome = (name: string, result: Type, read: (decision: Decision) => Result): FunctionDeclaration =>
  declareFunction(
    name,
    memberOverload(`decision_${name}`, [DECISION_TYPE], result, ({ data }: Asked<Decision>) => read(data)),
  )

/** Only for a text with something in it. */
const nonEmpty =
  (what: string, make: (target: never, text: string) => Result): Implementation =>
  (target, text: string) =>
    text.trim() === '' ? failure(`${what} must not be empty`) : make(target as never, text)

const pathCheck = ({ data }: Asked<Asker>, path: string) => new Asked(PATH_CHECK_TYPE, { ...data, path })
const groupCheck = ({ data }: Asked<Asker>, group: string) => new Asked(GROUP_CHECK_TYPE, { ...data, group })
const checkOf = ({ data }: Asked<GroupCheck>, resource: string) => resourceCheck({ ...UNSPECIFIC, ...data, resource })

export const authorizerLibrary: Library = {
  name: 'authorizer',
  functions: [
    declareFunction(
      'path',
      memberOverload('authorizer_path', [AUTHORIZER_TYPE, STRING], PATH_CHECK_TYPE, nonEmpty('path', pathCheck)),
    ),
    declareFunction(
      'group',
      memberOverload('authorizer_group', [AUTHORIZER_TYPE, STRING], GROUP_CHECK_TYPE, groupCheck),
    ),
    declareFunction(
      'serviceAccount',
      memberOverload('authorizer_serviceaccount', [AUTHORIZER_TYPE, STRING, STRING], AUTHORIZER_TYPE, serviceAccount),
    ),
    declareFunction(
      'resource',
      memberOverload(
        'groupcheck_resource',
        [GROUP_CHECK_TYPE, STRING],
        RESOURCE_CHECK_TYPE,
        nonEmpty('resource', checkOf),
      ),
    ),
    detail('subresource'),
    detail('namespace'),
    detail('name'),
    detail('fieldSelector', 'authorizer_fieldselector'),
    detail('labelSelector', 'authorizer_labelselector'),
    declareFunction(
      'check',
      memberOverload('pathcheck_check', [PATH_CHECK_TYPE, STRING], DECISION_TYPE, checkPath),
      memberOverload('resourcecheck_check', [RESOURCE_CHECK_TYPE, STRING], DECISION_TYPE, checkResource),
    ),
    outcome('allowed', BOOL, ({ allowed }) => allowed),
    outcome('reason', STRING, ({ reason }) => reason),
    // Deciding does not fail here.
    outcome('errored', BOOL, () => false),
    outcome('error', STRING, () => ''),
  ],
}

/** The value of the variable `authorizer`, asking on behalf of `user`. */
export function authorizerValue(user: User, authorizer: Authorizer): Opaque {
  return ask({ user, authorizer })
}

/** The value of the variable `authorizer.requestResource`: checks are about what the request is about. */
export function requestResourceValue(
  user: User,
  authorizer: Authorizer,
  request: Pick<Attributes, 'group' | 'resource' | 'subresource' | 'namespace' | 'name'>,
): Opaque {
  const { group, resource, subresource, namespace, name } = request
  return resourceCheck({ ...UNSPECIFIC, user, authorizer, group, resource, subresource, namespace, name })
}
