/**
 * What authorisation is asked about a request for a resource. A list or watch that selects one object by its name is about
 * that object. Upstream: `apiserver/pkg/endpoints/request.RequestInfo` and `filters.GetAuthorizerAttributes`.
 */
import type { Resource } from '#api/kind.ts'
import type { RequestOptions } from '#client/transport.ts'
import { type FieldRequirement, parseFieldSelector } from '#machinery/fields.ts'
import { type LabelRequirement, SelectorError } from '#machinery/labels.ts'
import { pathSegment } from '#machinery/names.ts'
import { parseLabelSelector } from '#machinery/selector-syntax.ts'
import type { Attributes, User } from '../user.ts'

/** What a request is about. */
export interface RequestTarget {
  readonly resource: Pick<Resource, 'group' | 'version' | 'plural'>
  readonly subresource?: string | undefined
  readonly namespace?: string | undefined
  readonly name?: string | undefined
  readonly options?: Pick<RequestOptions, 'fieldSelector' | 'labelSelector'> | undefined
}

/** Selectors are parsed when they are asked for, because few authorisers do. */
export class RequestAttributes implements Attributes {
  readonly user: User
  readonly verb: string
  readonly group: string
  readonly version: string
  readonly resource: string
  readonly subresource: string
  readonly namespace: string
  readonly name: string
  readonly #options: RequestTarget['options']

  constructor(user: User, { resource, subresource, namespace, name, options }: RequestTarget, verb: string) {
    this.user = user
    this.verb = verb
    this.group = resource.group
    this.version = resource.version
    this.resource = resource.plural
    this.subresource = subresource ?? ''
    this.namespace = namespace ?? ''
    this.#options = verb === 'list' || verb === 'watch' || verb === 'deletecollection' ? options : undefined
    this.name = verb === 'deletecollection' ? '' : (name ?? this.#selectedName())
  }

  get fieldSelector(): readonly FieldRequirement[] | undefined {
    const text = this.#options?.fieldSelector
    return text ? requirements(() => parseFieldSelector(text)) : undefined
  }

  get labelSelector(): readonly LabelRequirement[] | undefined {
    const text = this.#options?.labelSelector
    return text ? requirements(() => parseLabelSelector(text)) : undefined
  }

  /** Only what can be a name counts: others could be mistaken for a part of a path. */
  #selectedName(): string {
    if (!this.#options?.fieldSelector?.includes('metadata.name')) return ''
    const name = this.fieldSelector?.find(({ field, operator }) => field === 'metadata.name' && operator === '=')?.value
    return name && pathSegment(name).length === 0 ? name : ''
  }
}

function requirements<R>(parse: () => { readonly requirements: readonly R[] }): readonly R[] | undefined {
  try {
    const found = parse().requirements
    return found.length > 0 ? found : undefined
  } catch (err) {
    if (err instanceof SelectorError) return undefined
    throw err
  }
}
