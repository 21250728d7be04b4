/** What expressions of admission see of a request. Upstream: `plugin/cel.newActivation`. */
import type { KubeObject, Resource } from '#api/kind.ts'
import { type Bindings, Lazy } from '#cel/bindings.ts'
import { adaptDynamic } from '#cel/json-values.ts'
import { authorizerValue, requestResourceValue } from '../../cel/authorizer-library.ts'
import type { Stored } from '../../registry/strategy.ts'
import type { Authorizer } from '../../user.ts'
import type { AdmissionRequest } from '../admission.ts'
import { describeRequest } from '../request-description.ts'

export interface ExpressionInput {
  readonly request: AdmissionRequest
  /** The form in which the objects are. */
  readonly form: Resource
  readonly object: Stored | undefined
  readonly old: Stored | undefined
  /** undefined for what is in no namespace, and where none is shown. */
  readonly namespace: KubeObject | undefined
  readonly authorizer: Authorizer
}

/** Each is made when an expression first asks for it. */
export function requestBindings(input: ExpressionInput): Bindings {
  const { request, form, object, old, namespace, authorizer } = input
  const { user, requested, subresource, name } = request
  return {
    object: object ? new Lazy(() => adaptDynamic(object)) : null,
    oldObject: old ? new Lazy(() => adaptDynamic(old)) : null,
    request: new Lazy(() => adaptDynamic(describeRequest(request, form))),
    namespaceObject: namespace ? new Lazy(() => adaptDynamic(shownNamespace(namespace))) : null,
    authorizer: new Lazy(() => authorizerValue(user, authorizer)),
    'authorizer.requestResource': new Lazy(() =>
      requestResourceValue(user, authorizer, {
        group: requested.group,
        resource: requested.plural,
        subresource,
        namespace: request.namespace,
        name,
      }),
    ),
  }
}

/** Some of the metadata is nobody's business. */
function shownNamespace(namespace: KubeObject): object {
  const { managedFields: _fields, ownerReferences: _owners, ...metadata } = namespace.metadata
  return { ...namespace, metadata }
}
