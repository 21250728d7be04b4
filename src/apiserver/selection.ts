/** From a request's namespace, name and selectors to what it selects. */
import type { KubeObject } from '#api/kind.ts'
import type { ApiRequest } from '#client/transport.ts'
import { type FieldSelector, parseFieldSelector } from '#machinery/fields.ts'
import { parseLabelSelector } from '#machinery/selector-syntax.ts'
import { badRequest } from '#machinery/status-error.ts'
import { messageOf } from '#base/errors.ts'
import type { Registry } from './registry/registry.ts'
import type { Selection } from './registry/object-cache.ts'

const everything = () => true

const metadataFields = {
  'metadata.name': (object: KubeObject) => object.metadata.name,
  'metadata.namespace': (object: KubeObject) => object.metadata.namespace ?? '',
}

/** Throws BadRequest for a selector that can't be parsed or names a field that can't be selected. */
export function selectionOf(registry: Registry, request: ApiRequest): Selection {
  const { namespace, options, resource } = request
  const labelText = options?.labelSelector ?? ''
  const fieldText = options?.fieldSelector ?? ''
  const fields = fieldText ? parseSelector(() => parseFieldSelector(fieldText)) : undefined
  const name = request.name ?? fields?.exactValue('metadata.name')
  const inNamespace = namespace ?? (resource.namespaced ? fields?.exactValue('metadata.namespace') : undefined)
  const exact = name !== undefined && (inNamespace !== undefined || !resource.namespaced)
  const prefix = exact ? registry.key(inNamespace, name) : registry.prefix(inNamespace)
  const matchesLabels = labelText ? parseSelector(() => parseLabelSelector(labelText)).matches : undefined
  const matchesFields = fields && compileFields(fields, registry)
  // A key is a prefix of longer names too.
  const matchesName = exact ? (object: KubeObject) => object.metadata.name === name : undefined
  const tests: ((object: KubeObject) => boolean)[] = []
  if (matchesName) tests.push(matchesName)
  if (matchesLabels) tests.push((object) => matchesLabels(object.metadata.labels))
  if (matchesFields) tests.push(matchesFields)
  const matches =
    tests.length === 0
      ? everything
      : tests.length === 1
        ? tests[0]!
        : (object: KubeObject) => tests.every((test) => test(object))
  const isWhole = tests.length === 0
  return {
    prefix,
    matches,
    signature: `${prefix}\0${name ?? ''}\0${labelText}\0${fieldText}`,
    isWhole,
    isSingle: name !== undefined,
  }
}

function compileFields(fields: FieldSelector, registry: Registry): (object: KubeObject) => boolean {
  const { selectableFields, refuseField = (field) => `field label not supported: ${field}` } = registry.strategy
  // Kinds without fields of their own refuse others in words of their own.
  if (!selectableFields) {
    const known = Object.keys(metadataFields).map((field) => JSON.stringify(field))
    const refusal = (field: string) =>
      `${JSON.stringify(field)} is not a known field selector: only ${known.join(', ')}`
    return parseSelector(() => fields.compile<KubeObject>(metadataFields, refusal))
  }
  const { 'metadata.namespace': namespace, ...others } = metadataFields
  const readers = {
    ...others,
    ...(registry.resource.namespaced && { 'metadata.namespace': namespace }),
    ...selectableFields,
  } as Record<string, (object: KubeObject) => string>
  return parseSelector(() => fields.compile<KubeObject>(readers, refuseField))
}

/** What `parser` makes of a selector. Throws BadRequest where it throws. */
export function parseSelector<T>(parser: () => T): T {
  try {
    return parser()
  } catch (cause) {
    throw badRequest(messageOf(cause), cause)
  }
}
